import { block, guard, type Interceptor, inputs, isWorthRetrying, pipeline, stage } from '@stageflow/core';
import { bulkhead, circuitBreaker, memoryRateLimiter, policiesFor, rateLimit } from '@stageflow/interceptors';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';

/** A stage that fails until it is mended, within a breaker. */
function broken(interceptor: Interceptor) {
  const clock = virtualClock();
  const sink = recordingSink();
  const target = vi.fn<() => unknown>(() => Promise.reject(new Error('down')));
  const behind = vi.fn(() => 'behind');
  const call = stage('call', { run: () => target() });
  const reader = stage('reader', { needs: { call }, run: behind });
  const one = pipeline('p', { outputs: { reader } });
  const run = () => one.run({}, { clock, sinks: [sink], interceptors: [interceptor] });
  const ask = () => clock.settle(run());
  const askAtOnce = (times: number) => clock.settle(Promise.all(Array.from({ length: times }, run)));
  const mend = () => target.mockImplementation(() => 'fine');
  return { clock, target, behind, ask, askAtOnce, mend };
}

const codeOf = (run: { readonly errors: readonly { readonly code: string }[] }) => run.errors[0]?.code;

describe('a circuit breaker', () => {
  test('[135] is closed at first, counts one failure without opening, opens at the fifth, keeps calls back, and is closed and emptied by a success', async () => {
    const breaker = circuitBreaker({ name: 'b', only: { stages: ['call'] } });
    const { ask, target, clock, mend } = broken(breaker);
    expect(breaker.states()).toEqual([]);

    await ask();
    expect(breaker.states()).toEqual([{ key: 'call', state: 'closed', failures: 1, calls: 1 }]);
    for (let at = 0; at < 4; at++) expect(codeOf(await ask())).toBe('SF_STAGE_FAILED');
    expect(breaker.states()).toEqual([{ key: 'call', state: 'open', failures: 5, calls: 5 }]);
    expect([codeOf(await ask()), target.mock.calls.length]).toEqual(['SF_BREAKER_OPEN', 5]);

    mend();
    await clock.advance(30_000);
    expect((await ask()).status).toBe('completed');
    expect(breaker.states()).toEqual([{ key: 'call', state: 'closed', failures: 0, calls: 0 }]);
  });

  test('[D6] that is open is a failure of its own, stays open whatever it keeps back, and lets one probe through after its time', async () => {
    const breaker = circuitBreaker({ name: 'b', failures: 2, openMs: 1_000 });
    const { ask, askAtOnce, target, behind, clock, mend } = broken(breaker);
    await ask();
    await ask();
    for (let at = 0; at < 5; at++) {
      const kept = await ask();
      expect([kept.status, codeOf(kept), kept.outputs]).toEqual(['failed', 'SF_BREAKER_OPEN', {}]);
      expect(kept.stages.get('reader')).toMatchObject({ status: 'skipped', outcome: { rootCause: { stage: 'call', status: 'failed' } } });
    }
    expect([target.mock.calls.length, behind.mock.calls.length, breaker.states()[0]?.state]).toEqual([2, 0, 'open']);

    await clock.advance(1_000);
    const together = await askAtOnce(4);
    expect(together.map(codeOf).sort()).toEqual(['SF_BREAKER_OPEN', 'SF_BREAKER_OPEN', 'SF_BREAKER_OPEN', 'SF_STAGE_FAILED']);
    expect(target).toHaveBeenCalledTimes(3);
    mend();
    await clock.advance(1_000);
    expect([(await ask()).status, breaker.states()[0]?.state]).toEqual(['completed', 'closed']);
  });

  test('[D7] counts one error once', async () => {
    const breaker = circuitBreaker({ name: 'b', failures: 3 });
    const { ask, target } = broken(breaker);
    for (let at = 1; at <= 3; at++) {
      await ask();
      expect(breaker.states()).toMatchObject([{ failures: at, state: at < 3 ? 'closed' : 'open' }]);
    }
    expect(target).toHaveBeenCalledTimes(3);
  });

  test('[D7] keeps its state from run to run, and a guard that rejects never opens it', async () => {
    const breaker = circuitBreaker({ name: 'b', failures: 1 });
    const clock = virtualClock();
    const model = vi.fn(() => 'an answer');
    const { text } = inputs<{ text: string }>();
    const safe = guard('safe', { subject: text, check: () => block('malicious') });
    const answer = stage('answer', { needs: { safe }, run: model });
    const chat = pipeline('chat', { outputs: { answer } });
    for (let at = 0; at < 10; at++) {
      const run = await clock.settle(chat.run({ text: 'x' }, { clock, interceptors: [breaker] }));
      expect(run.status).toBe('blocked');
    }
    expect([model.mock.calls.length, breaker.states()]).toEqual([0, [{ key: 'safe', state: 'closed', failures: 0, calls: 0 }]]);
  });
});

describe('what a limit denies', () => {
  const spent = rateLimit({
    name: 'spent',
    limiter: { name: 'none', take: async () => ({ granted: false, retryAfterMs: 700 }) },
    limit: { calls: 1, perMs: 1_000 },
    onLimit: 'fail',
  });
  const full = bulkhead({ name: 'full', key: () => 'all', capacity: 1 });

  test('[D5] has failed, did not run, and nothing behind it did', async () => {
    const { ask, target, behind } = broken(spent);
    const run = await ask();
    expect([run.status, codeOf(run), run.outputs]).toEqual(['failed', 'SF_RATE_LIMITED', {}]);
    expect([target.mock.calls.length, behind.mock.calls.length]).toEqual([0, 0]);

    const clock = virtualClock();
    const holds = stage('holds', { run: () => clock.sleep(100) });
    const denied = stage('denied', { run: () => 1 });
    const both = pipeline('q', { failureMode: 'continue', outputs: { holds, denied } });
    const refused = await clock.settle(both.run({}, { clock, interceptors: [full] }));
    expect([refused.status, codeOf(refused), refused.stages.get('denied')?.status]).toEqual(['failed', 'SF_BULKHEAD_FULL', 'failed']);
  });

  test('[145] says how long to wait, is worth another attempt, and the retry policy waits that long', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const call = stage('call', { retry: { attempts: 2, baseMs: 1 }, run: () => 1 });
    const run = await clock.settle(pipeline('p', { outputs: { call } }).run({}, { clock, sinks: [sink], interceptors: [spent] }));
    expect(run.errors[0]).toMatchObject({ code: 'SF_RATE_LIMITED', retryable: true, details: { retryAfterMs: 700 } });
    expect(isWorthRetrying(run.errors[0])).toBe(true);
    expect(sink.of('attempt.failed').map(({ retryInMs }) => retryInMs)).toEqual([700, undefined]);
  });
});

test('[131] limits nest in the order of the list: what waited for its turn is asked last whether it may call', async () => {
  const clock = virtualClock();
  const order: string[] = [];
  const noting = (interceptor: Interceptor): Interceptor => ({
    ...interceptor,
    attempt(subject, next) {
      order.push(interceptor.name);
      return interceptor.attempt?.(subject, next) ?? next();
    },
  });
  const stack = [
    rateLimit({ name: 'limit', limiter: memoryRateLimiter({ clock }), limit: { calls: 5, perMs: 1_000 } }),
    bulkhead({ name: 'bulkhead', capacity: 1, queue: { limit: 10, timeoutMs: 5_000 } }),
    circuitBreaker({ name: 'breaker', failures: 1 }),
  ].map(noting);
  const calls = vi.fn(() => clock.sleep(10).then(() => Promise.reject(new Error('down'))));
  const call = stage('call', { run: calls });
  const one = pipeline('p', { outputs: { call } });
  const runs = [1, 2, 3].map(() => one.run({}, { clock, interceptors: stack }));
  const codes = (await clock.settle(Promise.all(runs))).map(codeOf);
  expect(codes).toEqual(['SF_STAGE_FAILED', 'SF_BREAKER_OPEN', 'SF_BREAKER_OPEN']);
  expect(calls).toHaveBeenCalledTimes(1);
  expect(order.slice(0, 3)).toEqual(['limit', 'limit', 'limit']);
  expect(order.filter((name) => name === 'breaker')).toHaveLength(3);
});

test('[134] stages that one does not own are given timeouts and retries by their tags, and lose them by leaving them out', async () => {
  const clock = virtualClock();
  const slow = stage('slow', { tags: ['http'], run: (_, { signal }) => clock.sleep(500, signal).then(() => 'done') });
  const p = pipeline('p', { outputs: { slow } });
  const limited = p.configure(policiesFor(p.plan, { tags: ['http'] }, { timeoutMs: 100, graceMs: 0, retry: { attempts: 2, baseMs: 1 } }));
  const run = await clock.settle(limited.run({}, { clock }));
  expect([run.status, codeOf(run), run.stages.get('slow')?.attempts]).toEqual(['failed', 'SF_STAGE_TIMEOUT', 2]);
  expect((await clock.settle(p.run({}, { clock }))).status).toBe('completed');
});
