import { pipeline, type RunEvent, type StreamedOptions, stage, streamed } from '@stageflow/core';
import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { allOf } from '../all-of.ts';

/** Gives 1 to `count`, one each `ms`, and takes no notice of its signal. */
function counts(clock: VirtualClock, count: number, ms = 0) {
  return stage('counts', {
    streams: true,
    run: async function* () {
      for (let at = 1; at <= count; at++) {
        if (ms > 0) await clock.sleep(ms);
        yield at;
      }
    },
  });
}

/** Waits for `ms`, and then takes all there is. */
function takesAfter(clock: VirtualClock, ms: number, producer: ReturnType<typeof counts>, options?: StreamedOptions, name = 'reader') {
  return stage(name, {
    needs: { numbers: streamed(producer, options) },
    run: async ({ numbers }, { signal }) => {
      await clock.sleep(ms, signal);
      return allOf(numbers);
    },
  });
}

function closing(events: readonly RunEvent[]) {
  return events.find((event) => event.type === 'stream.closed');
}

describe('streams', () => {
  test('[M159] chunks arrive in order, undefined and null among them; the iteration gives all of them and ends', async () => {
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield* [1, undefined, null, 2];
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer) },
      run: async ({ chunks }) => {
        const iterator = chunks[Symbol.asyncIterator]();
        const got: unknown[] = [];
        for (let at = 0; at < 6; at++) got.push(await iterator.next());
        return got;
      },
    });
    const run = await pipeline('p', { outputs: { reader } }).runOrThrow({});
    const chunk = (value: unknown) => ({ done: false, value });
    const end = { done: true, value: undefined };
    expect(run.outputs.reader).toEqual([chunk(1), chunk(undefined), chunk(null), chunk(2), end, end]);
  });

  test('[M160] five chunks for a buffer of three leave the last three; two drops are counted and announced', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const reader = takesAfter(clock, 100, counts(clock, 5), { capacity: 3, overflow: 'drop-oldest' });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, sinks: [sink] }));
    expect(run.outputs.reader).toEqual([3, 4, 5]);
    expect(sink.events.filter(({ type }) => type === 'stream.overflowed')).toMatchObject([{ reader: 'reader' }]);
    expect(closing(sink.events)).toMatchObject({ readers: [{ dropped: 2 }] });
  });

  test('[M161] the end of a stream is an event with totals', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const reader = takesAfter(clock, 100, counts(clock, 5), { capacity: 3 });
    await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, sinks: [sink] }));
    expect(closing(sink.events)).toMatchObject({
      stage: 'counts',
      chunks: 5,
      blockedMs: 100,
      readers: [{ reader: 'reader', delivered: 5, dropped: 0, unread: 0, highWaterMark: 3 }],
    });
  });

  test('[M158] [M162] a producer waits while there is no room, whatever a sink does', async () => {
    const clock = virtualClock();
    const sink = {
      name: 'broken',
      emit: () => {
        throw new Error('no');
      },
    };
    const reader = takesAfter(clock, 100, counts(clock, 10), { capacity: 2 });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, sinks: [sink] }));
    expect(run.outputs.reader).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('[M165] [M167] two readers of one producer each get every chunk in order, and both end', async () => {
    const clock = virtualClock();
    const producer = counts(clock, 3, 10);
    const outputs = { one: takesAfter(clock, 0, producer, {}, 'one'), two: takesAfter(clock, 50, producer, {}, 'two') };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock }));
    expect(run.outputs).toEqual({ one: [1, 2, 3], two: [1, 2, 3] });
  });

  test('[M166] chunks do not appear in events unless they are published', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const reader = takesAfter(clock, 0, counts(clock, 3));
    await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, sinks: [sink] }));
    expect(sink.events.map(({ type }) => type)).not.toContain('stream.chunk');
  });

  test('[M168] a buffer holds as many chunks as it may, whatever their size', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        for (let at = 0; at < 4; at++) yield new Uint8Array(1_000_000);
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer, { capacity: 2 }) },
      run: async ({ chunks }, { signal }) => {
        await clock.sleep(10, signal);
        return (await allOf(chunks)).length;
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, sinks: [sink] }));
    expect(run.outputs.reader).toBe(4);
    expect(closing(sink.events)).toMatchObject({ readers: [{ highWaterMark: 2 }] });
  });

  test('[M169] a reader runs at the same time as its producer: 1,000 chunks go through 10 places', async () => {
    const clock = virtualClock();
    const reader = takesAfter(clock, 0, counts(clock, 1_000), { capacity: 10 });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock }));
    expect(run.outputs.reader?.length).toBe(1_000);
  });

  test('[M170] a producer that waits for room is released by a cancel', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    clock.schedule(() => controller.abort(), 50);
    const reader = takesAfter(clock, 10_000, counts(clock, 10), { capacity: 2 });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, signal: controller.signal }));
    expect(run).toMatchObject({ status: 'cancelled', elapsedMs: 50, unsettled: [] });
  });

  test('[M170] a producer that waits for room is released when its reader ends', async () => {
    const clock = virtualClock();
    const producer = counts(clock, 10);
    const reader = stage('reader', { needs: { numbers: streamed(producer, { capacity: 2 }) }, run: () => clock.sleep(50) });
    const run = await clock.settle(pipeline('p', { outputs: { reader, producer } }).run({}, { clock }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 50 });
  });
});
