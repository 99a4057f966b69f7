import { recordingSink, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExclusiveOption } from './exclusive-runs.ts';
import { inputs } from './inputs.ts';
import type { RuntimeLimits } from './limits/runtime-limits.ts';
import { pipeline } from './pipeline.ts';
import { createRuntime, type Runtime } from './runtime.ts';
import type { RuntimeRunOptions } from './runtime-options.ts';
import { stage } from './stage.ts';

const { ms } = inputs<{ ms: number }>();

/** A runtime whose runs take as long as they are told, and when each began and ended. */
function host(limits?: RuntimeLimits) {
  const clock = virtualClock();
  const sink = recordingSink();
  const nap = pipeline('nap', {
    outputs: { rest: stage('rest', { needs: { ms }, run: ({ ms }, { signal }) => clock.sleep(ms, signal) }) },
  });
  const runtime = createRuntime({ pipelines: [nap], clock, sinks: [sink], limits });
  const begunAt = clock.now();
  const start = (
    runId: string,
    onConflict: ExclusiveOption['onConflict'],
    options: Partial<RuntimeRunOptions> & { key?: string; ms?: number } = {},
  ) => {
    const { key = 'k', ms = 100, ...rest } = options;
    const handle = runtime.start(nap, { ms }, { runId, exclusive: { key, onConflict }, ...rest });
    handle.result.catch(() => {});
    return handle;
  };
  const began = () => sink.of('run.started').map(({ runId, at }) => `${runId} ${at - begunAt}`);
  return { clock, runtime, nap, start, began };
}

describe('runs that share a key', () => {
  test('supersede: the new one begins at once, and those before it are cancelled with the reason', async () => {
    const { clock, start, began } = host();
    const first = start('a', 'supersede');
    await clock.advance(10);
    const second = start('b', 'supersede');
    expect(await clock.settle(first.result)).toMatchObject({ status: 'cancelled', reason: 'it was superseded by run "b"' });
    expect(clock.monotonic()).toBe(10);
    expect(await clock.settle(second.result)).toMatchObject({ status: 'completed' });
    expect(began()).toEqual(['a 0', 'b 10']);
  });

  test('queue: each begins when those before it have ended, in the order they came', async () => {
    const { clock, start, began } = host();
    const all = ['a', 'b', 'c'].map((runId) => start(runId, 'queue'));
    expect((await clock.settle(Promise.all(all.map(({ result }) => result)))).map(({ status }) => status)).toEqual(
      Array(3).fill('completed'),
    );
    expect(began()).toEqual(['a 0', 'b 100', 'c 200']);
  });

  test('reject: the second is refused while the first has not ended, and let through then', async () => {
    const { clock, start } = host();
    const first = start('a', 'reject');
    await expect(start('b', 'reject').result).rejects.toMatchObject({ code: 'SF_RUN_CONFLICT', details: { key: 'k', other: 'a' } });
    await clock.settle(first.result);
    expect(await clock.settle(start('c', 'reject').result)).toMatchObject({ status: 'completed' });
  });

  test('do not meet those of other keys and other tenants, and those that share none', async () => {
    const { clock, runtime, nap, start, began } = host();
    start('a', 'queue', { tenantId: 't' });
    start('b', 'queue', { tenantId: 'u' });
    start('c', 'queue', { key: 'other' });
    start('d', 'queue', { key: '["t","k"]' });
    await clock.settle(runtime.run(nap, { ms: 1 }, { runId: 'e' }));
    expect(began().map((line) => line.split(' ')[1])).toEqual(['0', '0', '0', '0', '0']);
    await clock.settle(runtime.close());
  });

  test.each(['cancel', 'abort'])('one that waits can be cancelled, and the next does not wait for it: %s', async (how) => {
    const { clock, start, began } = host();
    const controller = new AbortController();
    start('a', 'queue');
    const second = start('b', 'queue', { signal: controller.signal });
    const third = start('c', 'queue');
    await clock.advance(10);
    if (how === 'cancel') second.cancel('not needed');
    else controller.abort('not needed');
    expect(await clock.settle(second.result)).toMatchObject({ status: 'cancelled', reason: 'not needed' });
    expect(clock.monotonic()).toBe(10);
    await clock.settle(third.result);
    expect(began().filter((line) => line.startsWith('c'))).toEqual(['c 100']);
  });

  test.each(['cancel', 'abort'])('one that was cancelled before its turn never waits: %s', async (how) => {
    const { clock, start } = host();
    start('a', 'queue');
    const second = start('b', 'queue', how === 'abort' ? { signal: AbortSignal.abort('at once') } : {});
    if (how === 'cancel') second.cancel('at once');
    expect(await clock.settle(second.result)).toMatchObject({ status: 'cancelled', reason: 'at once' });
    expect(clock.monotonic()).toBe(0);
  });

  test('supersede cancels those that wait as well', async () => {
    const { clock, start } = host();
    const before = [start('a', 'queue'), start('b', 'queue')];
    await clock.advance(1);
    const last = start('c', 'supersede');
    const runs = await clock.settle(Promise.all([...before, last].map(({ result }) => result)));
    expect(runs.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'completed']);
  });

  test('one that waits for its turn holds no place among the runs that are under way', async () => {
    const { clock, start, runtime, nap, began } = host({ runs: { capacity: 2, queue: { limit: 10 } } });
    start('a', 'queue');
    const waiting = start('b', 'queue');
    await clock.advance(1);
    await clock.settle(runtime.run(nap, { ms: 1 }, { runId: 'free' }));
    expect(clock.monotonic()).toBe(2);
    await clock.settle(waiting.result);
    expect(began()).toEqual(['a 0', 'free 1', 'b 100']);
  });

  test.each(['queue', 'supersede', 'reject'] as const)('a run below another of its key has its turn: %s', async (onConflict) => {
    const exclusive = { key: 'k', onConflict };
    const inner = pipeline('inner', { outputs: { one: stage('one', { run: () => 1 }) } });
    const outer = pipeline('outer', {
      outputs: {
        two: stage('two', { run: async (_, { runId }) => (await runtime.run(inner, {}, { parent: runId, exclusive })).status }),
      },
    });
    const runtime: Runtime = createRuntime({ pipelines: [inner, outer], clock: virtualClock() });
    expect(await runtime.run(outer, {}, { exclusive })).toMatchObject({ status: 'completed', outputs: { two: 'completed' } });
  });

  test('a failure of the one before changes nothing for the next', async () => {
    const { clock, start } = host();
    start('a', 'queue', { deadlineMs: 10 });
    const second = start('b', 'queue');
    expect(await clock.settle(second.result)).toMatchObject({ status: 'completed' });
    expect(clock.monotonic()).toBe(110);
  });

  test.each([
    [{ key: '', onConflict: 'queue' }, 'exclusive.key'],
    [{ key: 7, onConflict: 'queue' }, 'exclusive.key'],
    [{ key: 'k', onConflict: 'wait' }, 'exclusive.onConflict'],
  ])('are refused where the option cannot be: %j', async (exclusive, option) => {
    const { runtime, nap } = host();
    const running = runtime.run(nap, { ms: 1 }, { exclusive: exclusive as never });
    await expect(running).rejects.toMatchObject({ code: 'SF_OPTION_INVALID', details: { option } });
    expect(runtime.activeRuns).toBe(0);
  });

  test('at most one is under way at any time, whatever comes when', async () => {
    const arrival = fc.record({
      afterMs: fc.nat(50),
      ms: fc.nat(50),
      key: fc.constantFrom('x', 'y'),
      onConflict: fc.constantFrom('queue', 'reject'),
    });
    const check = fc.asyncProperty(fc.array(arrival, { maxLength: 12 }), async (arrivals) => {
      const clock = virtualClock();
      const underWay = new Map<string, number>();
      const { key } = inputs<{ key: string }>();
      const rest = stage('rest', {
        needs: { key, ms },
        run: async ({ key, ms }) => {
          expect(underWay.get(key) ?? 0).toBe(0);
          underWay.set(key, 1);
          await clock.sleep(ms);
          underWay.set(key, 0);
        },
      });
      const nap = pipeline('nap', { outputs: { rest } });
      const runtime = createRuntime({ pipelines: [nap], clock });
      const results: Promise<string>[] = [];
      for (const { afterMs, ms, key, onConflict } of arrivals) {
        await clock.advance(afterMs);
        const running = runtime.run(nap, { key, ms }, { exclusive: { key, onConflict: onConflict as 'queue' } });
        results.push(
          running.then(
            ({ status }) => status,
            (error) => error.code,
          ),
        );
      }
      const ends = await clock.settle(Promise.all(results));
      for (const end of ends) expect(['completed', 'SF_RUN_CONFLICT']).toContain(end);
      for (const [at, end] of ends.entries()) if (arrivals[at]?.onConflict === 'queue') expect(end).toBe('completed');
    });
    await fc.assert(check, { numRuns: 100 });
  });
});
