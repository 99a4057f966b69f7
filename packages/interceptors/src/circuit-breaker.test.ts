import {
  block,
  cancel,
  createRuntime,
  fail,
  fallback,
  guard,
  type InterceptedStage,
  type Interceptor,
  inputs,
  isStageflowError,
  isWorthRetrying,
  memoryRunStore,
  pipeline,
  type RunEvent,
  type RunOptions,
  race,
  skip,
  stage,
  suspend,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { breakerClosed, breakerHalfOpened, breakerOpened } from './breaker-events.ts';
import { type CircuitBreakerOptions, circuitBreaker } from './circuit-breaker.ts';
import { breakerOpen } from './errors.ts';

/** A pipeline of one stage before which a breaker stands, and what its target does from now on. */
function service(options: Partial<CircuitBreakerOptions> = {}) {
  const clock = virtualClock();
  const sink = recordingSink();
  const breaker = circuitBreaker({ name: 'orders', failures: 3, windowMs: 10_000, openMs: 5_000, ...options });
  const target = vi.fn<() => unknown>(() => 'fine');
  const call = stage('call', { run: () => target() });
  const one = pipeline('p', { outputs: { call } });
  const run = (runOptions: RunOptions = {}) => one.run({}, { clock, sinks: [sink], interceptors: [breaker], ...runOptions });
  const ask = async (runOptions: RunOptions = {}) => {
    const ended = await clock.settle(run(runOptions));
    return ended.status === 'failed' ? ended.error.code : ended.status;
  };
  const down = () => target.mockImplementation(() => Promise.reject(new Error('down')));
  const up = () => target.mockImplementation(() => 'fine');
  const open = async () => {
    down();
    for (let at = 0; at < 3; at++) expect(await ask()).toBe('SF_STAGE_FAILED');
    expect(breaker.states()).toMatchObject([{ state: 'open' }]);
    target.mockClear();
  };
  return { clock, sink, breaker, target, run, ask, down, up, open, state: () => breaker.states()[0]?.state };
}

/** A promise that is settled from outside. */
function deferred() {
  let resolve: (value: unknown) => void = () => {};
  const promise = new Promise<unknown>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const custom = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'custom' ? [event.name] : []));

describe('a closed circuit', () => {
  test('lets calls through and gives back what they came to', async () => {
    const { ask, breaker, target } = service();
    expect([await ask(), await ask()]).toEqual(['completed', 'completed']);
    expect(target).toHaveBeenCalledTimes(2);
    expect(breaker.states()).toEqual([{ key: 'call', state: 'closed', failures: 0, calls: 2 }]);
  });

  test('opens at the last of so many failures within the window, and not before', async () => {
    const { ask, down, state } = service();
    down();
    await ask();
    await ask();
    expect(state()).toBe('closed');
    await ask();
    expect(state()).toBe('open');
  });

  test('forgets failures that are older than the window', async () => {
    const { ask, down, state, clock, breaker } = service();
    down();
    await ask();
    await ask();
    await clock.advance(10_000);
    await ask();
    expect(state()).toBe('closed');
    expect(breaker.states()).toMatchObject([{ failures: 1, calls: 1 }]);
  });

  test('keeps the failures of successes in between: they do not wipe the window clean', async () => {
    const { ask, down, up, state } = service();
    for (let at = 0; at < 3; at++) {
      down();
      await ask();
      up();
      if (at < 2) await ask();
    }
    expect(state()).toBe('open');
  });

  test('opens only where the failures are so large a share of the calls', async () => {
    const { ask, down, up, state } = service({ ratio: 0.5 });
    for (let at = 0; at < 5; at++) await ask();
    down();
    for (let at = 0; at < 4; at++) await ask();
    expect(state()).toBe('closed');
    await ask();
    expect(state()).toBe('open');
    up();
  });

  test('counts each attempt of a retried stage, and each once', async () => {
    const { clock, breaker } = service();
    const broken = stage('broken', { retry: { attempts: 2, baseMs: 1, jitter: 'none' }, run: () => Promise.reject(new Error('down')) });
    const run = await clock.settle(pipeline('q', { outputs: { broken } }).run({}, { clock, interceptors: [breaker] }));
    expect(run.stages.get('broken')?.attempts).toBe(2);
    expect(breaker.states()).toEqual([{ key: 'broken', state: 'closed', failures: 2, calls: 2 }]);
  });

  test('counts timeouts', async () => {
    const { clock, breaker } = service({ failures: 1 });
    const slow = stage('slow', { timeoutMs: 100, run: (_, { signal }) => clock.sleep(1_000, signal) });
    const run = await clock.settle(pipeline('q', { outputs: { slow } }).run({}, { clock, interceptors: [breaker] }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' } });
    expect(breaker.states()).toMatchObject([{ state: 'open', failures: 1 }]);
  });
});

describe('an open circuit', () => {
  test('calls nothing, and fails the attempt with a typed, retryable error that says how long', async () => {
    const { open, run, clock, target, breaker } = service();
    await open();
    await clock.advance(1_500);
    const ended = await clock.settle(run());
    expect(ended.status).toBe('failed');
    const error = ended.status === 'failed' ? ended.error : undefined;
    expect(isStageflowError(error, breakerOpen) && error.details).toEqual({
      breaker: 'orders',
      key: 'call',
      stage: 'call',
      state: 'open',
      retryAfterMs: 3_500,
    });
    expect(error).toMatchObject({ retryable: true, pipeline: 'p', path: 'call', attempt: 1, runId: ended.runId });
    expect(error?.message).toBe('Stage "call" was not called: breaker "orders" is open for "call".');
    expect(target).not.toHaveBeenCalled();
    expect(ended.outputs).toEqual({});
    expect(breaker.states()).toMatchObject([{ state: 'open' }]);
  });

  test('is not opened for longer by what it keeps back', async () => {
    const { open, ask, clock, up } = service();
    await open();
    up();
    for (let at = 0; at < 10; at++) expect(await ask()).toBe('SF_BREAKER_OPEN');
    await clock.advance(5_000);
    expect(await ask()).toBe('completed');
  });

  test('makes a retried stage wait for its end, in place of asking again and again', async () => {
    const { open, up, clock, breaker, sink } = service({ key: () => 'orders', failures: 3 });
    await open();
    up();
    const calls = vi.fn(() => 'fine');
    const patient = stage('patient', { retry: { attempts: 2, baseMs: 10, jitter: 'none' }, run: calls });
    const ended = await clock.settle(pipeline('q', { outputs: { patient } }).run({}, { clock, sinks: [sink], interceptors: [breaker] }));
    expect([ended.status, ended.elapsedMs, calls.mock.calls.length]).toEqual(['completed', 5_000, 1]);
    expect(sink.last('attempt.failed')).toMatchObject({ error: { code: 'SF_BREAKER_OPEN' }, retryInMs: 5_000 });
  });

  test('fails a stage at once whose retry policy makes the exception, and its fallback stands in', async () => {
    const { open, clock, breaker } = service({ key: () => 'orders' });
    await open();
    const impatient = stage('impatient', {
      retry: { attempts: 5, when: (error) => isWorthRetrying(error) && !isStageflowError(error, breakerOpen) },
      run: () => 'live',
    });
    const stored = stage('stored', { run: () => 'stored' });
    const price = fallback('price', impatient, stored);
    const scoped: Interceptor = { ...breaker, only: { stages: ['impatient'] } };
    const ended = await clock.settle(pipeline('q', { outputs: { price } }).run({}, { clock, interceptors: [scoped] }));
    expect([ended.status, ended.outputs, ended.elapsedMs]).toEqual(['completed', { price: 'stored' }, 0]);
  });

  test('keeps a guard from being asked, which blocks', async () => {
    const { open, clock, breaker } = service({ key: () => 'orders' });
    await open();
    const { text } = inputs<{ text: string }>();
    const check = vi.fn();
    const safe = guard('safe', { subject: text, check });
    const ended = await clock.settle(pipeline('q', { outputs: { safe } }).run({ text: 'x' }, { clock, interceptors: [breaker] }));
    expect([ended.status, check.mock.calls.length]).toEqual(['blocked', 0]);
  });

  test('keeps to monotonic time, wherever the wall clock is set', async () => {
    const { open, ask, clock, up } = service();
    await open();
    up();
    clock.jumpWall(3_600_000);
    expect(await ask()).toBe('SF_BREAKER_OPEN');
    clock.jumpWall(-7_200_000);
    await clock.advance(5_000);
    expect(await ask()).toBe('completed');
  });
});

describe('a half-open circuit', () => {
  test('lets exactly one of many at once through, and the rest again once that has succeeded', async () => {
    const { open, run, ask, clock, target, sink } = service();
    await open();
    await clock.advance(5_000);
    const probe = deferred();
    target.mockImplementation(() => probe.promise);
    const many = Array.from({ length: 20 }, () => run());
    await clock.advance(10);
    expect(target).toHaveBeenCalledTimes(1);
    probe.resolve('fine');
    const ended = await clock.settle(Promise.all(many));
    expect(ended.map(({ status }) => status).sort()).toEqual(['completed', ...Array.from({ length: 19 }, () => 'failed')]);
    const kept = ended.flatMap((each) => (each.status === 'failed' ? [each.error] : []));
    expect(new Set(kept.map(({ code }) => code))).toEqual(new Set(['SF_BREAKER_OPEN']));
    expect(kept[0]?.message).toBe('Stage "call" was not called: breaker "orders" is half-open for "call".');
    expect(kept[0]?.details).toMatchObject({ state: 'half-open', retryAfterMs: 0 });
    expect([await ask(), target.mock.calls.length]).toEqual(['completed', 2]);
    expect(custom(sink.events)).toEqual(['breaker.opened', 'breaker.half_opened', 'breaker.closed']);
  });

  test('lets one through for two runtimes that share the breaker', async () => {
    const { open, clock, breaker, target } = service();
    await open();
    await clock.advance(5_000);
    const probe = deferred();
    target.mockImplementation(() => probe.promise);
    const one = pipeline('p', { outputs: { call: stage('call', { run: () => target() }) } });
    const runtimes = [1, 2].map(() => createRuntime({ pipelines: [one], clock, interceptors: [breaker] }));
    const many = runtimes.flatMap((runtime) => Array.from({ length: 5 }, () => runtime.run(one, {})));
    await clock.advance(10);
    expect(target).toHaveBeenCalledTimes(1);
    probe.resolve('fine');
    const statuses = (await clock.settle(Promise.all(many))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'completed')).toHaveLength(1);
  });

  test('opens anew, for the whole time, when its probe fails', async () => {
    const { open, ask, clock, state } = service();
    await open();
    await clock.advance(5_000);
    expect([await ask(), state()]).toEqual(['SF_STAGE_FAILED', 'open']);
    await clock.advance(4_999);
    expect(await ask()).toBe('SF_BREAKER_OPEN');
    await clock.advance(1);
    expect(await ask()).toBe('SF_STAGE_FAILED');
  });

  test('begins with an empty window when it closes', async () => {
    const { open, ask, clock, up, down, state } = service();
    await open();
    await clock.advance(5_000);
    up();
    await ask();
    down();
    await ask();
    await ask();
    expect(state()).toBe('closed');
  });

  test('lets another through when its probe has hung too long, and does not listen to that any more', async () => {
    const { open, run, ask, clock, target, up, state } = service({ probeMs: 2_000 });
    await open();
    await clock.advance(5_000);
    const probe = deferred();
    target.mockImplementation(() => probe.promise);
    const hung = run();
    await clock.advance(1_999);
    expect(await ask()).toBe('SF_BREAKER_OPEN');
    await clock.advance(1);
    up();
    expect([await ask(), state()]).toEqual(['completed', 'closed']);
    probe.resolve(fail(new Error('late')));
    expect((await clock.settle(hung)).status).toBe('failed');
    expect(state()).toBe('closed');
  });

  test('still listens to a probe that is late, where no other was let through', async () => {
    const { open, run, clock, target, state } = service({ probeMs: 2_000 });
    await open();
    await clock.advance(5_000);
    const probe = deferred();
    target.mockImplementation(() => probe.promise);
    const late = run();
    await clock.advance(60_000);
    probe.resolve('fine');
    expect([(await clock.settle(late)).status, state()]).toEqual(['completed', 'closed']);
  });

  test('gives the place of a probe that is cancelled to the next call', async () => {
    const { open, run, ask, clock, target, up, state } = service();
    await open();
    await clock.advance(5_000);
    const controller = new AbortController();
    target.mockImplementation(
      () => new Promise((_, reject) => controller.signal.addEventListener('abort', () => reject(controller.signal.reason))),
    );
    const probe = run({ signal: controller.signal });
    await clock.advance(10);
    expect(target).toHaveBeenCalledTimes(1);
    controller.abort();
    expect((await clock.settle(probe)).status).toBe('cancelled');
    expect(state()).toBe('half-open');
    up();
    expect([await ask(), state()]).toEqual(['completed', 'closed']);
  });

  test('is not wedged by a probe that its run abandons', async () => {
    const { open, run, ask, clock, target, up } = service();
    await open();
    await clock.advance(5_000);
    target.mockImplementation(() => new Promise(() => {}));
    const controller = new AbortController();
    const probe = run({ signal: controller.signal, graceMs: 50 });
    await clock.advance(10);
    controller.abort();
    expect((await clock.settle(probe)).unsettled).toEqual(['call']);
    up();
    expect(await ask()).toBe('SF_BREAKER_OPEN');
    await clock.advance(5_000);
    expect(await ask()).toBe('completed');
  });
});

describe('what does not count', () => {
  const text = inputs<{ text: string }>().text;
  test.each([
    ['a block', guard('it', { subject: text, check: () => block('no') }), 'blocked'],
    ['a skip', stage('it', { run: () => skip('nothing to do') }), 'completed'],
    ['a cancel', stage('it', { run: () => cancel('enough') }), 'cancelled'],
    ['a suspension', stage('it', { run: () => suspend('go on?') }), 'suspended'],
  ])('%s: the circuit stays closed, however often', async (_, it, status) => {
    const { clock, breaker } = service({ failures: 1 });
    const asked = pipeline('q', { outputs: { it } as never, also: { text: stage('text', { needs: { text }, run: () => 1 }) } });
    const runtime = createRuntime({ pipelines: [asked], clock, interceptors: [breaker], store: memoryRunStore() });
    for (let at = 0; at < 5; at++) {
      const ended = await clock.settle(runtime.run(asked, { text: 'x' }));
      expect(ended.status).toBe(status);
    }
    const circuit = breaker.states().find(({ key }) => key === 'it');
    expect(circuit).toEqual({ key: 'it', state: 'closed', failures: 0, calls: 0 });
  });

  test('a stage whose run was cancelled', async () => {
    const { clock, breaker, run, target } = service({ failures: 1 });
    const controller = new AbortController();
    target.mockImplementation(
      () => new Promise((_, reject) => controller.signal.addEventListener('abort', () => reject(controller.signal.reason))),
    );
    const running = run({ signal: controller.signal });
    await clock.advance(10);
    controller.abort(new Error('enough'));
    expect((await clock.settle(running)).status).toBe('cancelled');
    expect(breaker.states()).toMatchObject([{ state: 'closed', calls: 0 }]);
  });

  test.each<[string, (signal: AbortSignal) => unknown]>([
    ['its reason', (signal) => signal.reason],
    ['an error of its own', () => new DOMException('This operation was aborted', 'AbortError')],
    ['nonsense', () => new Error('socket hang up')],
  ])('a call that was given up and throws %s: the loser of a race, and what another failure stopped', async (_, reason) => {
    const { clock, breaker } = service({ failures: 1, only: { stages: ['slow'] }, counts: () => true });
    const slow = stage('slow', {
      run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(reason(signal)))),
    });
    const fast = stage('fast', { run: () => clock.sleep(10) });
    const first = race('first', slow, fast);
    expect((await clock.settle(pipeline('q', { outputs: { first } }).run({}, { clock, interceptors: [breaker] }))).status).toBe(
      'completed',
    );
    const broken = stage('broken', { run: () => clock.sleep(10).then(() => Promise.reject(new Error('no'))) });
    expect((await clock.settle(pipeline('r', { outputs: { slow, broken } }).run({}, { clock, interceptors: [breaker] }))).status).toBe(
      'failed',
    );
    expect(breaker.states()).toEqual([{ key: 'slow', state: 'closed', failures: 0, calls: 0 }]);
  });

  test('a callee whose caller has timed out; but one that has timed out itself', async () => {
    const { clock, breaker } = service({ only: { stages: ['callee'] } });
    const sulk = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('socket hang up'))));
    const ask = (caller: { timeoutMs?: number }, callee: { timeoutMs?: number }) => {
      const inner = stage('callee', { ...callee, run: (_, { signal }) => sulk(signal) });
      const outer = stage('outer', { ...caller, run: (_, { call }) => call(inner, {}) });
      return clock.settle(pipeline('q', { outputs: { outer } }).run({}, { clock, interceptors: [breaker] }));
    };
    expect((await ask({ timeoutMs: 10 }, {})).status).toBe('failed');
    expect(breaker.states()).toMatchObject([{ failures: 0, calls: 0 }]);
    expect((await ask({}, { timeoutMs: 10 })).status).toBe('failed');
    expect(breaker.states()).toMatchObject([{ failures: 1, calls: 1 }]);
  });

  test.each([
    ['what the target refuses for good', { status: 404 }, 'closed'],
    ['an error that says it will come again', { retryable: false }, 'closed'],
    ['but: a target that is overloaded', { status: 429 }, 'open'],
    ['but: a target that breaks', { status: 503 }, 'open'],
  ])('%s', async (_, members, expected) => {
    const { ask, target, state } = service({ failures: 1 });
    target.mockImplementation(() => Promise.reject(Object.assign(new Error('no'), members)));
    await ask();
    expect([target.mock.calls.length, state()]).toEqual([1, expected]);
  });

  test('a refusal of a breaker further in', async () => {
    const inner = service();
    await inner.open();
    const outer = circuitBreaker({ name: 'outer', failures: 1 });
    const ended = await inner.clock.settle(inner.run({ interceptors: [outer, inner.breaker] }));
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'SF_BREAKER_OPEN', details: { breaker: 'orders' } } });
    expect(outer.states()).toMatchObject([{ state: 'closed', calls: 0 }]);
  });

  test('what the host says', async () => {
    const counts = vi.fn<NonNullable<CircuitBreakerOptions['counts']>>(({ error }) => error.message.includes('down'));
    const { ask, target, state, down } = service({ failures: 1, counts });
    target.mockImplementation(() => Promise.reject(new Error('odd')));
    await ask();
    expect(state()).toBe('closed');
    down();
    await ask();
    expect([state(), counts.mock.calls.length, counts.mock.calls[0]?.[1].stage]).toEqual(['open', 2, 'call']);
  });
});

describe('keys', () => {
  test('have a circuit each: one tenant does not open that of another', async () => {
    const key = ({ identity }: InterceptedStage) => identity.tenantId ?? 'none';
    const { ask, down, up, breaker } = service({ key, failures: 1 });
    down();
    await ask({ tenantId: 'a' });
    up();
    expect([await ask({ tenantId: 'b' }), await ask({ tenantId: 'a' })]).toEqual(['completed', 'SF_BREAKER_OPEN']);
    expect(breaker.states().map(({ key, state }) => [key, state])).toEqual([
      ['a', 'open'],
      ['b', 'closed'],
    ]);
  });

  test('that are no string fail the attempt: nothing is called', async () => {
    const { ask, target } = service({ key: () => undefined as never });
    expect([await ask(), target.mock.calls.length]).toEqual(['SF_OPTION_INVALID', 0]);
  });

  test('that cannot be made fail the attempt: nothing is called', async () => {
    const key = () => {
      throw new Error('no key');
    };
    const { ask, target } = service({ key });
    expect([await ask(), target.mock.calls.length]).toEqual(['SF_INTERCEPTOR_FAILED', 0]);
  });

  test('are forgotten when there are many and nothing was asked of them for long', async () => {
    let tenant = 0;
    const { clock, breaker } = service({ key: () => `${tenant}`, failures: 1, windowMs: 1_000, openMs: 1_000 });
    const call = stage('call', { run: () => (tenant === 0 ? Promise.reject(new Error('down')) : 'fine') });
    const one = pipeline('p', { outputs: { call } });
    const ask = () => one.run({}, { clock, interceptors: [breaker] });
    for (; tenant < 1_000; tenant++) await ask();
    expect(breaker.states()).toHaveLength(1_000);
    await clock.advance(1_000);
    tenant = 999;
    await ask();
    await clock.advance(1_000);
    tenant = 1_000;
    await ask();
    expect(breaker.states().map(({ key }) => key)).toEqual(['999', '1000']);
  });
});

describe('what is told', () => {
  test('events of the run whose call changed the circuit, with its path and attempt', async () => {
    const { open, ask, clock, up, sink } = service();
    await open();
    await clock.advance(5_000);
    up();
    await ask({ runId: 'later' });
    const [opened] = sink.events.filter((event) => breakerOpened.is(event));
    expect(opened).toMatchObject({ stage: 'call', attempt: 1, payload: { breaker: 'orders', key: 'call', failures: 3, calls: 3 } });
    expect(sink.events.filter((event) => breakerHalfOpened.is(event))).toMatchObject([{ runId: 'later' }]);
    expect(sink.events.filter((event) => breakerClosed.is(event))).toMatchObject([{ runId: 'later', payload: { failures: 0, calls: 0 } }]);
  });

  test('onChange, from outside of the run', async () => {
    const changes: unknown[] = [];
    const { open, ask, clock, up } = service({ onChange: ({ key, before, state }) => changes.push([key, before, state]) });
    await open();
    await clock.advance(5_000);
    up();
    await ask();
    expect(changes).toEqual([
      ['call', 'closed', 'open'],
      ['call', 'open', 'half-open'],
      ['call', 'half-open', 'closed'],
    ]);
  });

  test.each(['breaker', 'key', 'failures', 'calls'])('events of a breaker have a contract: none without %s', async (member) => {
    const payload = { breaker: 'b', key: 'k', failures: 1, calls: 2 };
    const sink = recordingSink();
    const emits = (given: object) =>
      pipeline('q', { outputs: { it: stage('it', { run: (_, { emit }) => emit(breakerOpened, given as never) }) } }).run(
        {},
        { sinks: [sink] },
      );
    const run = await emits({ ...payload, [member]: null });
    expect(run.status === 'failed' && run.error.cause).toMatchObject({
      code: 'SF_EVENT_INVALID',
      details: { issues: expect.arrayContaining([expect.stringContaining('expected breaker, key, failures and calls')]) },
    });
    expect(sink.of('custom')).toEqual([]);
    await emits(payload);
    expect(sink.of('custom')).toMatchObject([{ payload }]);
  });
});

describe('a classifier that throws', () => {
  test('fails the attempt, and leaves the place of its probe', async () => {
    const { open, ask, clock, breaker, up } = service({
      counts: ({ error }) => {
        if (error.message.includes('odd')) throw new Error('cannot tell');
        return true;
      },
    });
    await open();
    await clock.advance(5_000);
    const odd = stage('call', { run: () => Promise.reject(new Error('odd')) });
    const ended = await clock.settle(pipeline('q', { outputs: { odd } }).run({}, { clock, interceptors: [breaker] }));
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'SF_INTERCEPTOR_FAILED' } });
    up();
    expect(await ask()).toBe('completed');
  });
});

test.each<[string, Partial<CircuitBreakerOptions>]>([
  ['name', { name: '' }],
  ['failures', { failures: 0 }],
  ['failures', { failures: 1.5 }],
  ['ratio', { ratio: 1.1 }],
  ['ratio', { ratio: Number.NaN }],
  ['windowMs', { windowMs: 0 }],
  ['openMs', { openMs: Number.POSITIVE_INFINITY }],
  ['probeMs', { probeMs: '5' as never }],
  ['key', { key: 'orders' as never }],
  ['counts', { counts: null as never }],
  ['onChange', { onChange: 1 as never }],
])('an option that cannot be used is refused by its name: %s', (option, options) => {
  expect(() => circuitBreaker({ name: 'orders', ...options })).toThrowError(
    expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option: `${option} of circuitBreaker()` }) }),
  );
  expect(() => circuitBreaker({ name: 'orders' })).not.toThrow();
});
