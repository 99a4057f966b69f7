import { type InterceptedStage, inputs, map, pipeline, type RunOptions, stage } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { type BulkheadOptions, bulkhead } from './bulkhead.ts';
import { bulkheadFull } from './errors.ts';

/** A pipeline of one stage that takes `ms`, and the most of its calls that were under way at once. */
function service(options: Partial<BulkheadOptions> = {}) {
  const clock = virtualClock();
  const sink = recordingSink();
  const compartments = bulkhead({ name: 'models', capacity: 2, ...options });
  const busy = { now: 0, most: 0, calls: 0, order: [] as number[] };
  const { ms } = inputs<{ ms: number }>();
  const call = stage('call', {
    needs: { ms },
    run: async ({ ms }, { signal }) => {
      busy.calls++;
      busy.order.push(ms);
      busy.most = Math.max(busy.most, ++busy.now);
      try {
        return await clock.sleep(ms, signal).then(() => 'done');
      } finally {
        busy.now--;
      }
    },
  });
  const one = pipeline('p', { outputs: { call } });
  const run = (ms = 100, runOptions: RunOptions = {}) =>
    one.run({ ms }, { clock, sinks: [sink], interceptors: [compartments], ...runOptions });
  return { clock, sink, compartments, busy, run, settle: <T>(promises: readonly Promise<T>[]) => clock.settle(Promise.all(promises)) };
}

const queue = { limit: 10, timeoutMs: 1_000 };

describe('a bulkhead', () => {
  test('lets at most so many calls of a key be under way at once, across runs', async () => {
    const { run, settle, busy } = service({ queue });
    const ended = await settle(Array.from({ length: 7 }, () => run()));
    expect(ended.every(({ status }) => status === 'completed')).toBe(true);
    expect(busy).toMatchObject({ most: 2, calls: 7, now: 0 });
  });

  test('refuses at once, by default, what finds no slot: a typed, retryable failure, and nothing is called', async () => {
    const { run, settle, busy } = service();
    const ended = await settle([run(), run(), run()]);
    expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed', 'failed']);
    const refused = ended[2]?.errors[0];
    expect(refused).toMatchObject({
      code: bulkheadFull.code,
      retryable: true,
      path: 'call',
      details: { bulkhead: 'models', key: 'call', stage: 'call', why: 'queue_full', limit: 0 },
      message: 'Stage "call" was not called: bulkhead "models" had no slot for "call", and its queue of 0 is full.',
    });
    expect(busy.calls).toBe(2);
  });

  test('refuses who comes when its queue is full, and serves the others in the order they came', async () => {
    const { run, settle, busy } = service({ capacity: 1, queue: { limit: 2, timeoutMs: 1_000 } });
    const ended = await settle([run(10), run(20), run(30), run(40)]);
    expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'failed']);
    expect(ended[3]?.errors[0]?.details).toMatchObject({ why: 'queue_full', limit: 2 });
    expect(busy.order).toEqual([10, 20, 30]);
  });

  test('refuses who has waited too long', async () => {
    const { run, settle, busy, clock } = service({ capacity: 1, queue: { limit: 2, timeoutMs: 50 } });
    const ended = await settle([run(100), run(10)]);
    expect(ended[1]?.errors[0]?.details).toMatchObject({ why: 'queue_timeout', limit: 50 });
    expect(ended[1]?.errors[0]?.message).toBe(
      'Stage "call" was not called: bulkhead "models" had no slot for "call", and none came free within 50 ms.',
    );
    expect([ended[1]?.elapsedMs, busy.calls, clock.pending]).toEqual([50, 1, 0]);
  });

  test('waits outside of the limits of the attempt', async () => {
    const { clock, compartments } = service({ capacity: 1, queue });
    const slow = stage('slow', { run: () => clock.sleep(200) });
    const limited = stage('limited', { timeoutMs: 50, budgetMs: 60, run: () => clock.sleep(40).then(() => 'in time') });
    const shared = bulkhead({ name: 'shared', key: () => 'all', capacity: 1, queue });
    const run = await clock.settle(pipeline('q', { outputs: { slow, limited } }).run({}, { clock, interceptors: [shared] }));
    expect([run.status, run.elapsedMs]).toEqual(['completed', 240]);
    expect(compartments.states()).toEqual([]);
  });

  test('gives the slot back between two attempts', async () => {
    const { clock } = service();
    const shared = bulkhead({ name: 'shared', key: () => 'all', capacity: 1, queue });
    const flaky = stage('flaky', {
      retry: { attempts: 2, baseMs: 100, jitter: 'none' },
      run: (_, { attempt }) => clock.sleep(10).then(() => (attempt === 1 ? Promise.reject(new Error('no')) : 'flaky')),
    });
    const other = stage('other', { run: (_, { elapsedMs }) => elapsedMs });
    const run = await clock.settle(pipeline('q', { outputs: { flaky, other } }).run({}, { clock, interceptors: [shared] }));
    expect([run.status, run.outputs.other]).toEqual(['completed', 10]);
  });

  test('bounds what a map does at once, over all its items', async () => {
    const { clock, busy } = service();
    const items = stage('items', { run: () => Array.from({ length: 20 }, (_, at) => at) });
    const done = map('done', items, (item) =>
      stage('fetch', {
        needs: { item },
        tags: ['http'],
        run: async ({ item }) => {
          busy.most = Math.max(busy.most, ++busy.now);
          await clock.sleep(10);
          busy.now--;
          return item;
        },
      }),
    );
    const http = bulkhead({ name: 'http', only: { tags: ['http'] }, capacity: 3, queue: { limit: 100, timeoutMs: 10_000 } });
    const run = await clock.settle(pipeline('q', { outputs: { done } }).run({}, { clock, interceptors: [http] }));
    expect([run.status, busy.most]).toEqual(['completed', 3]);
  });
});

describe('keys of a bulkhead', () => {
  test('have slots each, and are forgotten when nobody uses them', async () => {
    const key = ({ identity }: InterceptedStage) => identity.tenantId ?? 'none';
    const { run, clock, settle, compartments } = service({ key, capacity: 1, queue });
    const running = [run(100, { tenantId: 'a' }), run(100, { tenantId: 'a' }), run(100, { tenantId: 'b' })];
    await clock.advance(10);
    expect(compartments.states()).toEqual([
      { key: 'a', inUse: 1, queued: 1 },
      { key: 'b', inUse: 1, queued: 0 },
    ]);
    expect((await settle(running)).map(({ elapsedMs }) => elapsedMs)).toEqual([100, 200, 100]);
    expect(compartments.states()).toEqual([]);
  });

  test('that cannot be made fail the attempt: nothing is called', async () => {
    const { run, clock, busy } = service({ key: () => 1 as never });
    expect(await clock.settle(run())).toMatchObject({ status: 'failed', error: { code: 'SF_OPTION_INVALID' } });
    expect(busy.calls).toBe(0);
  });
});

test('there can be any number of keys: those that nobody uses are forgotten, those in use keep their slots', async () => {
  let tenant = 0;
  const { run, clock, compartments } = service({ key: () => `${tenant}`, capacity: 1 });
  const held = run(10_000);
  await clock.advance(1);
  for (tenant = 1; tenant <= 2_500; tenant++) {
    const passing = run(0);
    await clock.advance(0);
    expect((await passing).status).toBe('completed');
  }
  tenant = 0;
  expect((await clock.settle(run(0))).status).toBe('failed');
  expect(compartments.states()).toEqual([{ key: '0', inUse: 1, queued: 0 }]);
  await clock.settle(held);
});

test('runs on other clocks share the slots', async () => {
  const { run, clock, settle } = service({ capacity: 1 });
  const held = run(100);
  await clock.advance(1);
  expect((await run(100, { clock: virtualClock() })).errors.map(({ code }) => code)).toEqual(['SF_BULKHEAD_FULL']);
  await settle([held]);
});

test('a bulkhead that nobody uses takes the clock of whoever comes next', async () => {
  const first = service({ capacity: 1, queue });
  await first.clock.settle(first.run());
  const second = virtualClock();
  const running = [1, 2].map(() => first.run(100, { clock: second }));
  await second.advance(1);
  expect(first.compartments.states()).toEqual([{ key: 'call', inUse: 1, queued: 1 }]);
  expect([first.clock.pending, second.pending]).toEqual([1, 1]);
  await first.clock.settle(Promise.all(running));
});

describe('a run that stops', () => {
  test('leaves the queue, as cancelled', async () => {
    const { run, clock, settle, compartments, busy } = service({ capacity: 1, queue });
    const controller = new AbortController();
    const first = run(100);
    const second = run(100, { signal: controller.signal });
    await clock.advance(10);
    controller.abort(new Error('enough'));
    const ended = await clock.settle(second);
    expect([ended.status, ended.errors, ended.elapsedMs]).toEqual(['cancelled', [], 10]);
    expect(compartments.states()).toEqual([{ key: 'call', inUse: 1, queued: 0 }]);
    await settle([first]);
    expect([busy.calls, compartments.states()]).toEqual([1, []]);
  });

  test('gives the slot back, also of a call that ignores it', async () => {
    const { clock, compartments } = service({ capacity: 1 });
    const called = vi.fn();
    const deaf = stage('call', {
      run: () => {
        called();
        return new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const running = pipeline('q', { outputs: { deaf } }).run(
      {},
      { clock, interceptors: [compartments], signal: controller.signal, graceMs: 50 },
    );
    await clock.advance(10);
    expect([called.mock.calls.length, compartments.states()]).toEqual([1, [{ key: 'call', inUse: 1, queued: 0 }]]);
    controller.abort();
    expect((await clock.settle(running)).unsettled).toEqual(['call']);
    expect(compartments.states()).toEqual([]);
  });

  test('gives the slot back of a call that outlived its timeout', async () => {
    const { clock, compartments } = service({ capacity: 1 });
    const deaf = stage('call', { timeoutMs: 20, graceMs: 30, run: () => new Promise(() => {}) });
    const run = await clock.settle(pipeline('q', { outputs: { deaf } }).run({}, { clock, interceptors: [compartments] }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' } });
    expect(compartments.states()).toEqual([]);
    // Once, although both the attempt and its run have ended.
    const next = service({ capacity: 1 }).run(10, { clock, interceptors: [compartments] });
    await clock.advance(0);
    expect(compartments.states()).toEqual([{ key: 'call', inUse: 1, queued: 0 }]);
    await clock.settle(Promise.race([next, clock.sleep(50)]));
  });
});

test('a stage that runs another under the same key is refused when the wait has taken too long: nothing waits for ever', async () => {
  const { clock, compartments } = service({ key: () => 'all', capacity: 1, queue: { limit: 5, timeoutMs: 50 } });
  const inner = stage('inner', { run: () => 1 });
  const outer = stage('outer', { run: (_, { call }) => call(inner, {}) });
  const run = await clock.settle(pipeline('q', { outputs: { outer } }).run({}, { clock, interceptors: [compartments] }));
  expect(run).toMatchObject({ status: 'failed', elapsedMs: 50 });
  expect(compartments.states()).toEqual([]);
});

test.each<[string, Partial<BulkheadOptions>]>([
  ['name', { name: '' }],
  ['capacity', { capacity: 0 }],
  ['key', { key: 'x' as never }],
  ['queue.limit', { queue: { limit: -1, timeoutMs: 1 } }],
  ['queue.timeoutMs', { queue: { limit: 1, timeoutMs: 0 } }],
  ['queue.limit', { queue: null as never }],
])('an option that cannot be used is refused by its name: %s', (option, options) => {
  expect(() => bulkhead({ name: 'models', capacity: 1, ...options })).toThrowError(
    expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option: `${option} of bulkhead()` }) }),
  );
  expect(() => bulkhead({ name: 'models', capacity: 1, queue })).not.toThrow();
});
