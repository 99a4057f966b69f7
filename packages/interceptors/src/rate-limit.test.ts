import { type Interceptor, inputs, pipeline, type RunOptions, stage } from '@stageflow/core';
import type { RateLimiter } from '@stageflow/core/ports';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { rateLimited } from './errors.ts';
import { memoryRateLimiter } from './memory-rate-limiter.ts';
import { type RateLimitOptions, rateLimit } from './rate-limit.ts';

/** A pipeline of one stage under a limit of two calls a second. */
function service(options: Partial<RateLimitOptions> = {}) {
  const clock = virtualClock();
  const sink = recordingSink();
  const memory = memoryRateLimiter({ clock });
  const take = vi.fn<RateLimiter['take']>((request) => memory.take(request));
  const limit = rateLimit({ name: 'quota', limiter: { name: 'counted', take }, limit: { calls: 2, perMs: 1_000 }, ...options });
  const { id } = inputs<{ id?: string | undefined }>();
  const order: (string | undefined)[] = [];
  const call = stage('call', {
    needs: { id },
    run: ({ id }, { elapsedMs }) => {
      order.push(id);
      return elapsedMs;
    },
  });
  const one = pipeline('p', { outputs: { call } });
  const run = (runOptions: RunOptions = {}, id?: string) => one.run({ id }, { clock, sinks: [sink], interceptors: [limit], ...runOptions });
  return { clock, sink, limit, take, order, run, settle: <T>(promises: readonly Promise<T>[]) => clock.settle(Promise.all(promises)) };
}

const never = (): Promise<never> => new Promise(() => {});

describe('a rate limit that waits', () => {
  test('makes calls wait until they are granted, in the order they came: queue time, never failure', async () => {
    const { run, settle, order } = service();
    const ended = await settle(['a', 'b', 'c', 'd', 'e'].map((id) => run({}, id)));
    expect(ended.map(({ status, outputs }) => [status, outputs.call])).toEqual([
      ['completed', 0],
      ['completed', 0],
      ['completed', 500],
      ['completed', 1_000],
      ['completed', 1_500],
    ]);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('asks the limiter for the first that waits only, so that many who wait are no load', async () => {
    const { run, settle, take } = service();
    await settle(Array.from({ length: 50 }, () => run()));
    // One for each grant, and about one in vain for each that had to wait.
    expect(take.mock.calls.length).toBeLessThanOrEqual(150);
  });

  test('does not overtake those that wait', async () => {
    const { run, clock, settle, order } = service();
    const early = ['a', 'b', 'c', 'd'].map((id) => run({}, id));
    await clock.advance(500);
    const late = run({}, 'e');
    await settle([...early, late]);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('does not overtake them either where a call has come back and they are yet to be told', async () => {
    const { run, clock, settle, order } = service();
    const early = ['a', 'b', 'c'].map((id) => run({}, id));
    await clock.advance(100);
    clock.block(500);
    const late = run({}, 'd');
    await settle([...early, late]);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  test('waits outside of the limits of the attempt, within the deadline of the run', async () => {
    const { run, settle, clock, limit } = service();
    await settle([run(), run()]);
    const quick = stage('call', { timeoutMs: 10, budgetMs: 10, run: () => 'in time' });
    const made = pipeline('q', { outputs: { quick } });
    expect(await clock.settle(made.run({}, { clock, interceptors: [limit] }))).toMatchObject({ status: 'completed', elapsedMs: 500 });
    expect(await clock.settle(made.run({}, { clock, interceptors: [limit], deadlineMs: 100 }))).toMatchObject({
      status: 'failed',
      error: { code: 'SF_RUN_DEADLINE' },
      elapsedMs: 100,
    });
  });

  test('takes a call for each attempt', async () => {
    const { clock, limit, take } = service({ limit: { calls: 10, perMs: 1_000 } });
    const flaky = stage('flaky', {
      retry: { attempts: 3, baseMs: 1, jitter: 'none' },
      run: (_, { attempt }) => (attempt < 3 ? Promise.reject(new Error('no')) : 'ok'),
    });
    const run = await clock.settle(pipeline('q', { outputs: { flaky } }).run({}, { clock, interceptors: [limit] }));
    expect([run.status, take.mock.calls.length]).toEqual(['completed', 3]);
  });
});

describe('a run that stops while it waits', () => {
  test('is cancelled at once, and those behind it keep their places', async () => {
    const { run, clock, settle, order, take } = service();
    const controller = new AbortController();
    await settle([run({}, 'a'), run({}, 'b')]);
    const head = run({ signal: controller.signal }, 'c');
    const second = run({ signal: controller.signal }, 'd');
    const last = run({}, 'e');
    await clock.advance(100);
    controller.abort(new Error('enough'));
    const [one, two] = await settle([head, second]);
    expect([one?.status, one?.elapsedMs, two?.status, two?.elapsedMs]).toEqual(['cancelled', 100, 'cancelled', 100]);
    expect((await clock.settle(last)).outputs.call).toBe(500);
    expect([order, clock.pending]).toEqual([['a', 'b', 'e'], 0]);
    take.mockClear();
    expect((await clock.settle(run({}, 'f'))).status).toBe('completed');
    expect(take.mock.calls.length).toBeLessThanOrEqual(3);
  });

  test('is not held by a limiter that ignores the signal, nor are those behind', async () => {
    const { run, clock, settle, take } = service();
    const controller = new AbortController();
    take.mockImplementationOnce(never);
    const stuck = run({ signal: controller.signal });
    await clock.advance(10);
    controller.abort();
    expect((await clock.settle(stuck)).status).toBe('cancelled');
    expect((await settle([run()]))[0]?.status).toBe('completed');
  });

  test('that has stopped before it asks takes nothing', async () => {
    const { clock, limit, take } = service();
    const controller = new AbortController();
    const outer: Interceptor = {
      name: 'outer',
      attempt(_, next) {
        controller.abort();
        return next();
      },
    };
    const made = pipeline('q', { outputs: { call: stage('call', { run: () => 1 }) } });
    const run = await clock.settle(made.run({}, { clock, interceptors: [outer, limit], signal: controller.signal }));
    expect(run.status).toBe('cancelled');
    expect(await memoryGrants(take)).toBe(0);
  });
});

async function memoryGrants(take: { readonly mock: { readonly results: readonly { readonly value: unknown }[] } }): Promise<number> {
  const settled = await Promise.allSettled(take.mock.results.map(({ value }) => value));
  return settled.filter((each) => each.status === 'fulfilled' && (each.value as { granted: boolean }).granted).length;
}

describe('a rate limit that fails', () => {
  test('fails the attempt with a typed, retryable error, and nothing is called', async () => {
    const { run, settle, order } = service({ onLimit: 'fail' });
    const ended = await settle([run(), run(), run({ tenantId: undefined })]);
    expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed', 'failed']);
    expect(ended[2]?.errors[0]).toMatchObject({
      code: rateLimited.code,
      retryable: true,
      path: 'call',
      details: { limit: 'quota', key: 'call', stage: 'call', calls: 2, perMs: 1_000, retryAfterMs: 500 },
      message: 'Stage "call" was not called: limit "quota" grants "call" 2 in 1000 ms.',
    });
    expect(order).toHaveLength(2);
  });

  test('tells a retry policy how long to wait', async () => {
    const { run, settle, clock, limit, sink } = service({ onLimit: 'fail' });
    await settle([run(), run()]);
    const patient = stage('call', { retry: { attempts: 2, baseMs: 1, jitter: 'none' }, run: () => 'granted' });
    const ended = await clock.settle(pipeline('q', { outputs: { patient } }).run({}, { clock, sinks: [sink], interceptors: [limit] }));
    expect([ended.status, ended.elapsedMs]).toEqual(['completed', 500]);
    expect(sink.last('attempt.failed')).toMatchObject({ retryInMs: 500, error: { code: 'SF_RATE_LIMITED' } });
  });
});

describe('keys of a rate limit', () => {
  test('are by default the tenant and the stage', async () => {
    const { run, settle, take } = service({ onLimit: 'fail' });
    const tenants = ['a', 'a', 'a', 'b', undefined];
    const ended = await settle(tenants.map((tenantId) => run({ tenantId })));
    expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed', 'failed', 'completed', 'completed']);
    expect(new Set(take.mock.calls.map(([{ key }]) => key))).toEqual(
      new Set(['["quota","a/call"]', '["quota","b/call"]', '["quota","call"]']),
    );
  });

  test('are what the host says: one quota for all', async () => {
    const { run, settle } = service({ onLimit: 'fail', key: () => 'provider' });
    const ended = await settle(['a', 'b', 'c'].map((tenantId) => run({ tenantId })));
    expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed', 'failed']);
  });

  test('of limits of other names are counted apart in one limiter', async () => {
    const { run, clock, settle, take } = service({ onLimit: 'fail' });
    await settle([run(), run()]);
    const other = rateLimit({ name: 'other', limiter: { name: 'shared', take }, limit: { calls: 2, perMs: 1_000 }, onLimit: 'fail' });
    expect((await clock.settle(run({ interceptors: [other] }))).status).toBe('completed');
    expect((await clock.settle(run())).status).toBe('failed');
  });

  test('that cannot be made fail the attempt: nothing is called', async () => {
    const { run, clock, order } = service({ key: () => null as never });
    expect(await clock.settle(run())).toMatchObject({
      status: 'failed',
      error: { code: 'SF_OPTION_INVALID', message: 'Option "key of "quota"" must be a function that gives a string, received object.' },
    });
    expect(order).toEqual([]);
  });
});

test.each(['wait', 'fail'] as const)('a limiter that cannot tell fails the attempt (%s): nothing is called', async (onLimit) => {
  const { run, clock, take, order } = service({ onLimit });
  take.mockRejectedValueOnce(new Error('no connection'));
  const ended = await clock.settle(run());
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'SF_INTERCEPTOR_FAILED' } });
  expect([order, take.mock.calls.length]).toEqual([[], 1]);
});

test('a limiter that fails while one waits fails that one, and lets those behind have their turn', async () => {
  const { run, clock, settle, take } = service();
  await settle([run(), run()]);
  const head = run();
  const second = run();
  await clock.advance(100);
  take.mockRejectedValueOnce(new Error('no connection'));
  const ended = await settle([head, second]);
  expect(ended.map(({ status }) => status)).toEqual(['failed', 'completed']);
});

test.each<[string, Partial<RateLimitOptions>]>([
  ['name', { name: '' }],
  ['limiter', { limiter: {} as never }],
  ['limiter', { limiter: undefined as never }],
  ['limit.calls', { limit: { calls: 0, perMs: 1 } }],
  ['limit.perMs', { limit: { calls: 1, perMs: -1 } }],
  ['limit.calls', { limit: undefined as never }],
  ['key', { key: 'x' as never }],
  ['onLimit', { onLimit: 'drop' as never }],
])('an option that cannot be used is refused by its name: %s', (option, options) => {
  const valid: RateLimitOptions = { name: 'quota', limiter: memoryRateLimiter(), limit: { calls: 1, perMs: 1 } };
  expect(() => rateLimit({ ...valid, ...options })).toThrowError(
    expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option: `${option} of rateLimit()` }) }),
  );
  expect(() => rateLimit(valid)).not.toThrow();
});
