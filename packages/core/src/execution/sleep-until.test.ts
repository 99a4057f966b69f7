import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { pipeline } from '../pipeline.ts';
import { createRuntime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';

const day = 86_400_000;
const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

/** A pipeline whose one stage sleeps for each of these times, and says when it woke. */
function sleeping(...lengths: readonly number[]) {
  const clock = virtualClock();
  const [store, sink, calls] = [memoryRunStore(), recordingSink(), [] as number[]];
  const begunAt = clock.now();
  const nap = stage('nap', {
    run: async (_, { sleepUntil, now }) => {
      calls.push(now() - begunAt);
      const woke: number[] = [];
      for (const length of lengths) {
        await sleepUntil(now() + length);
        woke.push(now() - begunAt);
      }
      return woke;
    },
  });
  const made = pipeline('p', { outputs: { nap } });
  const runtime = createRuntime({ pipelines: [made], store, clock, sinks: [sink], makeId: () => 'r' });
  return { clock, sink, calls, made, runtime, begunAt };
}

describe('context.sleepUntil()', () => {
  test('resolves at its time, in a run that no store keeps', async () => {
    const { clock, made } = sleeping(40 * day, 5);
    const run = await clock.settle(made.run({}, { clock }));
    expect(run).toMatchObject({ status: 'completed', outputs: { nap: [40 * day, 40 * day + 5] } });
  });

  test('stays in the process of a run that is kept, where it is not longer than the lease', async () => {
    const { clock, runtime, made, calls } = sleeping(30_000);
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({ status: 'completed', outputs: { nap: [30_000] } });
    expect(calls).toEqual([0]);
  });

  test('brings the run to rest where it is longer, and is over at once when the run goes on', async () => {
    const { clock, sink, runtime, made, calls, begunAt } = sleeping(day, 5);
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({
      status: 'suspended',
      waits: [{ path: 'nap[1.1]', type: '$sleep', expiresAt: begunAt + day }],
    });
    expect(sink.of('stage.suspended')).toMatchObject([{ stage: 'nap', wait: '$sleep' }]);
    await clock.advance(day);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { nap: [day, day + 5] } });
    expect(calls).toEqual([0, day]);
  });

  test('keeps the time that it was given first', async () => {
    const { clock, runtime, made, calls } = sleeping(day);
    await clock.settle(runtime.run(made, {}));
    await clock.advance(day - 1_000);
    const running = runtime.resume('r');
    expect(await clock.settle(running)).toMatchObject({ status: 'suspended' });
    await clock.advance(1_000);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { nap: [day] } });
    expect(calls).toEqual([0, day - 1_000, day]);
  });

  test('tells the sleeps of one call apart', async () => {
    const { clock, runtime, made } = sleeping(day, 2 * day);
    await clock.settle(runtime.run(made, {}));
    await clock.advance(day);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'suspended', waits: [{ path: 'nap[1.2]' }] });
    await clock.advance(2 * day);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ outputs: { nap: [3 * day, 3 * day] } });
  });

  test('can be cut short by whoever delivers to it', async () => {
    const { clock, runtime, made } = sleeping(day);
    await clock.settle(runtime.run(made, {}));
    expect(await runtime.deliver('r', '$sleep', undefined)).toBe('answered');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { nap: [0] } });
  });

  test.each([day, 10])('rejects with the reason of the run that stops, also before it began: %d', async (length) => {
    const { clock, made } = sleeping(length);
    const controller = new AbortController();
    const running = made.run({}, { clock, signal: controller.signal });
    await clock.advance(5);
    controller.abort('enough');
    expect(await clock.settle(running)).toMatchObject({ status: 'cancelled', reason: 'enough' });
  });

  test.each([day, 10])('is not begun in a call that is aborted: %d', async (length) => {
    const clock = virtualClock();
    const told: unknown[] = [];
    const stubborn = stage('stubborn', {
      run: async (_, { sleepUntil, now }) => {
        await clock.sleep(50);
        await sleepUntil(now() + length).catch((reason) => told.push(reason));
      },
    });
    const made = pipeline('p', { outputs: { stubborn } });
    const kept = createRuntime({ pipelines: [made], store: memoryRunStore(), clock });
    for (const host of [kept, made]) {
      const controller = new AbortController();
      const options = { clock, signal: controller.signal };
      const running = host === made ? made.run({}, options) : kept.run(made, {}, { signal: controller.signal });
      await clock.advance(10);
      controller.abort('enough');
      expect(await clock.settle(running)).toMatchObject({ status: 'cancelled' });
    }
    expect(told).toEqual(['enough', 'enough']);
  });

  test('is remembered in every activation that follows, however near its time has come', async () => {
    const clock = virtualClock();
    const at = clock.now() + day;
    const woke: number[] = [];
    const nap = stage('nap', {
      run: async (_, { sleepUntil, waitFor, now }) => {
        await sleepUntil(at);
        woke.push(now() - at);
        return waitFor('go', { schema: anything });
      },
    });
    const made = pipeline('p', { outputs: { nap } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    await clock.settle(runtime.run(made, {}));
    await clock.advance(day);
    for (let activation = 0; activation < 2; activation++)
      expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'suspended', waits: [{ type: 'go' }] });
    expect(woke).toEqual([0, 0]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, '12' as never])('refuses %s as a time', async (at) => {
    const odd = stage('odd', { run: (_, { sleepUntil }) => sleepUntil(at) });
    const run = await pipeline('p', { outputs: { odd } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_OPTION_INVALID', details: { option: 'sleepUntil(at)' } } } });
  });
});
