import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { inputs } from '../inputs.ts';
import { map } from '../map.ts';
import { pipeline } from '../pipeline.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import type { WaitForOptions } from '../stage-context.ts';

const number: Schema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'expected a number' }] }),
  },
};

/** A pipeline whose one stage waits for a payment, beside one that takes its time. */
function paying({
  besideMs,
  leaseMs,
  ...options
}: Partial<WaitForOptions<number>> & { readonly besideMs?: number; readonly leaseMs?: number } = {}) {
  const clock = virtualClock();
  const [store, sink, calls] = [memoryRunStore(), recordingSink(), [] as number[]];
  const paid = stage('paid', {
    run: async (_, { waitFor, now }) => {
      calls.push(now());
      const amount = await waitFor('paid', { schema: number, ...options });
      return `paid ${amount}`;
    },
  });
  const beside = stage('beside', { run: () => clock.sleep(besideMs ?? 0) });
  const also: Record<string, typeof beside> = besideMs === undefined ? {} : { beside };
  const made = pipeline('p', { outputs: { paid }, also });
  const make = (): Runtime => createRuntime({ pipelines: [made], store, clock, leaseMs, sinks: [sink], makeId: () => 'r' });
  const runtime = make();
  return { clock, sink, calls, made, runtime, other: make(), begin: () => runtime.run(made, {}) };
}

describe('context.waitFor()', () => {
  test('resolves in the call that waits, where what it waits for comes while something else runs', async () => {
    const { clock, calls, runtime, begin } = paying({ besideMs: 50 });
    const running = begin();
    await clock.advance(10);
    expect(await runtime.deliver('r', 'paid', 5)).toBe('answered');
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { paid: 'paid 5' } });
    expect(calls.length).toBe(1);
  });

  test('suspends the run where nothing else is left to do, and is there at once when the run is resumed', async () => {
    const { clock, calls, sink, runtime, other, begin } = paying();
    expect(await clock.settle(begin())).toMatchObject({
      status: 'suspended',
      waits: [{ waitId: 'r/paid#paid', type: 'paid', path: 'paid', request: undefined }],
    });
    expect(sink.of('stage.suspended')).toMatchObject([{ wait: 'paid', waitId: 'r/paid#paid', attempt: 1 }]);
    expect(await other.deliver('r', 'paid', 7)).toBe('answered');
    expect(await clock.settle(other.resume('r'))).toMatchObject({ status: 'completed', outputs: { paid: 'paid 7' } });
    expect(calls.length).toBe(2);
    expect(runtime.activeRuns).toBe(0);
  });

  test('finds what came before anything waited for it', async () => {
    const clock = virtualClock();
    const first = stage('first', { run: () => clock.sleep(20) });
    const paid = stage('paid', { needs: { first }, run: (_, { waitFor }) => waitFor('paid', { schema: number }) });
    const made = pipeline('p', { outputs: { paid } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    const running = runtime.run(made, {});
    await clock.advance(5);
    expect(await runtime.deliver('r', 'paid', 3)).toBe('kept');
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { paid: 3 } });
  });

  test('the body of a run that has come to rest does not go on, also where its answer comes then', async () => {
    const clock = virtualClock();
    const went: string[] = [];
    const paid = stage('paid', {
      run: async (_, { waitFor }) => {
        try {
          return await waitFor('paid', { schema: number, timeoutMs: 1_000 });
        } finally {
          went.push('on');
        }
      },
    });
    const made = pipeline('p', { outputs: { paid } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    expect((await clock.settle(runtime.run(made, {}))).status).toBe('suspended');
    await runtime.deliver('r', 'paid', 1);
    await clock.advance(5_000);
    expect(went).toEqual([]);
  });

  test('nor where it comes while that is being written down: the run goes on in another activation', async () => {
    const clock = virtualClock();
    const calls: string[] = [];
    const paid = stage('paid', {
      run: async (_, { waitFor }) => {
        calls.push('called');
        const amount = await waitFor('paid', { schema: number });
        calls.push('went on');
        return amount;
      },
    });
    const made = pipeline('p', { outputs: { paid } });
    const store = memoryRunStore();
    const { commit } = store;
    store.commit = async (runId, epoch, batch) => {
      if (batch.status === 'suspended') await clock.sleep(10);
      return commit.call(store, runId, epoch, batch);
    };
    const runtime = createRuntime({ pipelines: [made], store, clock, makeId: () => 'r' });
    const running = runtime.run(made, {});
    await clock.advance(5);
    expect(await runtime.deliver('r', 'paid', 1)).toBe('answered');
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { paid: 1 } });
    expect(calls).toEqual(['called', 'called', 'went on']);
  });

  test('a run that rests keeps no timer, so that its process can end', async () => {
    const { clock, begin } = paying({ timeoutMs: 86_400_000 });
    const running = begin();
    expect((await clock.settle(running)).status).toBe('suspended');
    expect(clock.pending).toBe(0);
  });

  test('rejects where what comes is not what the schema takes', async () => {
    const { clock, runtime, begin } = paying();
    await clock.settle(begin());
    await runtime.deliver('r', 'paid', 'much');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({
      status: 'failed',
      error: {
        cause: {
          code: 'SF_ANSWER_INVALID',
          details: { stage: 'paid', wait: 'paid', issues: expect.arrayContaining([expect.stringContaining('expected a number')]) },
        },
      },
    });
  });

  test('rejects under a bare run', async () => {
    const { clock, made } = paying();
    expect(await made.run({}, { clock })).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_RUNTIME_REQUIRED' } } });
  });

  test('two waits of one type in one stage get the same answer', async () => {
    const clock = virtualClock();
    const paid = stage('paid', {
      run: async (_, { waitFor }) => {
        const [one, two] = await Promise.all([waitFor('paid', { schema: number }), waitFor('paid', { schema: number })]);
        return one + two;
      },
    });
    const beside = stage('beside', { run: () => clock.sleep(20) });
    const made = pipeline('p', { outputs: { paid }, also: { beside } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    const running = runtime.run(made, {});
    await clock.advance(5);
    await runtime.deliver('r', 'paid', 2);
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { paid: 4 } });
  });

  test('keys tell waits of one type apart, whatever they hold', async () => {
    const clock = virtualClock();
    const keys = ['a', 'a]#paid', '%5D', ']', ''];
    const paid = stage('paid', {
      run: (_, { waitFor }) => Promise.all(keys.map((key) => waitFor('paid', { schema: number, key }))),
    });
    const made = pipeline('p', { outputs: { paid } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    await clock.settle(runtime.run(made, {}));
    const waits = await runtime.waits({ type: 'paid' });
    expect(new Set(waits.map(({ waitId }) => waitId)).size).toBe(keys.length);
    for (const [at, { waitId }] of waits.entries()) await runtime.decide(waitId, at);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { paid: [0, 1, 2, 3, 4] } });
  });

  test('a stage that waits twice goes on from the first, and rests at the second', async () => {
    const clock = virtualClock();
    const paid = stage('paid', {
      run: async (_, { waitFor }) => (await waitFor('one', { schema: number })) + (await waitFor('two', { schema: number })),
    });
    const made = pipeline('p', { outputs: { paid } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    await clock.settle(runtime.run(made, {}));
    await runtime.deliver('r', 'one', 1);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'suspended', waits: [{ type: 'two' }] });
    await runtime.deliver('r', 'two', 2);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { paid: 3 } });
  });

  test('rejects at once where the run is cancelled', async () => {
    const { clock, made, runtime, sink } = paying({ besideMs: 50 });
    const controller = new AbortController();
    const running = runtime.run(made, {}, { signal: controller.signal });
    await clock.advance(5);
    controller.abort(new Error('enough'));
    const run = await clock.settle(running);
    expect(run).toMatchObject({ status: 'cancelled', errors: [] });
    expect(sink.of('stage.cancelled').find(({ stage }) => stage === 'paid')?.elapsedMs).toBe(5);
  });

  test('rejects in a call that was aborted before', async () => {
    const clock = virtualClock();
    const late = stage('late', {
      timeoutMs: 5,
      run: async (_, { waitFor }) => {
        await clock.sleep(10);
        return waitFor('paid', { schema: number });
      },
    });
    const made = pipeline('p', { outputs: { late } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' } });
    expect(await runtime.waits()).toEqual([]);
  });
});

describe('a wait with a limit', () => {
  test('rejects when nothing has come in time', async () => {
    const { clock, sink, begin } = paying({ timeoutMs: 30, besideMs: 100 });
    const run = await clock.settle(begin());
    expect(run).toMatchObject({
      status: 'failed',
      error: { cause: { code: 'SF_WAIT_EXPIRED', details: { stage: 'paid', wait: 'paid' } } },
    });
    expect(sink.of('stage.failed')).toMatchObject([{ stage: 'paid', elapsedMs: 30 }]);
  });

  test('an answer that comes after that is kept for another wait, and the run can rest all the same', async () => {
    const clock = virtualClock();
    const ends: string[] = [];
    const paid = stage('paid', {
      run: async (_, { waitFor }) => {
        await waitFor('paid', { schema: number, timeoutMs: 10 }).then(
          () => ends.push('answered'),
          () => ends.push('expired'),
        );
        return waitFor('more', { schema: number });
      },
    });
    const made = pipeline('p', { outputs: { paid }, also: { beside: stage('beside', { run: () => clock.sleep(50) }) } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    const running = runtime.run(made, {});
    await clock.advance(20);
    expect(await runtime.deliver('r', 'paid', 1)).toBe('kept');
    await clock.advance(20);
    expect(runtime.activeRuns).toBe(1);
    expect(await clock.settle(running)).toMatchObject({ status: 'suspended', waits: [{ type: 'more' }] });
    expect(ends).toEqual(['expired']);
  });

  test('the limit counts from the first time, over suspensions', async () => {
    const { clock, runtime, calls, begin } = paying({ timeoutMs: 100 });
    await clock.settle(begin());
    await clock.advance(60);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'suspended' });
    await clock.advance(39);
    expect((await runtime.waits())[0]?.expiresAt).toBe((calls[0] ?? 0) + 100);
    await clock.advance(2);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_WAIT_EXPIRED' } } });
  });

  test('what came in time counts, however late the run is resumed', async () => {
    const { clock, runtime, begin } = paying({ timeoutMs: 100 });
    await clock.settle(begin());
    await runtime.deliver('r', 'paid', 9);
    await clock.advance(1_000);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { paid: 'paid 9' } });
  });

  test('the rest of the limit is waited for in an activation that begins later', async () => {
    const clock = virtualClock();
    const { list } = inputs<{ list: readonly number[] }>();
    let slowMs = 0;
    const paid = stage('paid', { run: (_, { waitFor }) => waitFor('paid', { schema: number, timeoutMs: 100 }) });
    const beside = map('beside', list, (item) =>
      stage('item', { needs: { item }, run: (_, { waitFor }) => (slowMs === 0 ? waitFor('go', { schema: number }) : clock.sleep(slowMs)) }),
    );
    const made = pipeline('p', { outputs: { paid }, also: { beside } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    await clock.settle(runtime.run(made, { list: [1] }));
    await clock.advance(60);
    slowMs = 200;
    const run = await clock.settle(runtime.resume('r'));
    expect(run).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_WAIT_EXPIRED' } } });
    const { startedAfterMs = 0, durationMs = 0 } = run.stages.get('paid') ?? {};
    expect(startedAfterMs + durationMs).toBe(40);
  });

  test('may be longer than the longest timer', async () => {
    const days = 86_400_000;
    const { clock, begin } = paying({ timeoutMs: 60 * days, besideMs: 24 * days, leaseMs: 9 * days });
    const running = begin();
    await clock.advance(10);
    expect(await clock.settle(running)).toMatchObject({ status: 'suspended' });
  });

  test('is kept by the wall clock: one that was set back makes the wait longer', async () => {
    const { clock, sink, begin } = paying({ timeoutMs: 30, besideMs: 100 });
    const running = begin();
    await clock.advance(10);
    clock.jumpWall(-20);
    await clock.settle(running);
    expect(sink.of('stage.failed')).toMatchObject([{ stage: 'paid', elapsedMs: 50 }]);
  });

  test.each([-1, Number.NaN])('is refused where it is no time: %d', async (timeoutMs) => {
    const { clock, begin } = paying({ timeoutMs });
    expect(await clock.settle(begin())).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_OPTION_INVALID' } } });
  });
});

test('an answer to a call that was given up meanwhile changes nothing', async () => {
  const clock = virtualClock();
  const paid = stage('paid', { timeoutMs: 20, onFailure: 'skip', run: (_, { waitFor }) => waitFor('paid', { schema: number }) });
  const beside = stage('beside', { run: () => clock.sleep(100) });
  const made = pipeline('p', { outputs: {}, also: { paid, beside } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
  const running = runtime.run(made, {});
  await clock.advance(30);
  expect(await runtime.deliver('r', 'paid', 1)).toBe('answered');
  const run = await clock.settle(running);
  expect([run.status, run.stages.get('paid')?.status]).toEqual(['completed', 'skipped']);
});
