import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as hostTurn } from 'node:timers/promises';
import { createRuntime, type RunEvent, topicOf } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { analyticsSink, bufferedSink, consoleSink, jsonLinesSink } from '@stageflow/interceptors/sinks';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { emitting, eventOf, runEmitting } from '../events.ts';
import { Printed } from '../printed.ts';

const seqs = (events: readonly RunEvent[]): readonly number[] => events.map(({ seq }) => seq);

/** A destination that keeps its first event until it is let go. */
function stuckSink() {
  const recorded = recordingSink('stuck');
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sink: EventSink = {
    name: 'stuck',
    emit: (event) => {
      void recorded.emit(event);
      return held;
    },
  };
  return { sink, recorded, release: () => release() };
}

test('[176] a logging sink logs what happened, for each event of a run', async () => {
  const stream = new Printed();
  const recorded = recordingSink();
  expect(await runEmitting(1, [recorded, consoleSink({ stream })])).toBe('completed');
  expect(stream.lines.length).toBe(recorded.events.length);
  expect(stream.lines.map((line) => line.replace(/^\S+ \S+ /, '').replace(/ in \d.*/, ''))).toEqual([
    'emitting: created: 1 stage',
    'emitting: started',
    'emitting it: started',
    'emitting it: emitted app.counted',
    'emitting it: completed',
    'emitting: completed',
  ]);
});

test('[178] a buffered sink delivers the same events to what stands behind it', async () => {
  const plain = recordingSink('plain');
  const behind = recordingSink('behind');
  await runEmitting(20, [plain, bufferedSink(behind)]);
  expect(behind.events).toEqual(plain.events);
});

test('[179] with room a buffered sink takes an event; at capacity it refuses, counts, and calls back', async () => {
  const { sink: stuck, release } = stuckSink();
  const told: unknown[] = [];
  const sink = bufferedSink(stuck, { size: 2, overflow: 'error', onOverflow: (state) => told.push(state) });
  void sink.emit(eventOf(1));
  await hostTurn();
  void sink.emit(eventOf(2));
  void sink.emit(eventOf(3));
  expect(() => sink.emit(eventOf(4))).toThrow(expect.objectContaining({ code: 'SF_SINK_OVERFLOW' }));
  expect(sink.counters).toMatchObject({ received: 4, dropped: 1 });
  expect(told).toEqual([{ dropped: 1, size: 2 }]);
  release();
});

test('[180] flushing a buffered sink delivers everything that is queued, and flushing again does nothing', async () => {
  const recorded = recordingSink();
  const sink = bufferedSink(recorded);
  for (let seq = 1; seq <= 5; seq++) void sink.emit(eventOf(seq));
  expect(recorded.events.length).toBe(0);
  await sink.flush?.();
  expect(seqs(recorded.events)).toEqual([1, 2, 3, 4, 5]);
  await sink.flush?.();
  expect(recorded.events.length).toBe(5);
});

test('[181] what a destination throws does not stop a buffered sink', async () => {
  const seen: number[] = [];
  const sink = bufferedSink({
    name: 'broken',
    emit: ({ seq }) => {
      seen.push(seq);
      throw new Error('no');
    },
  });
  for (let seq = 1; seq <= 3; seq++) void sink.emit(eventOf(seq));
  await sink.flush?.();
  expect(seen).toEqual([1, 2, 3]);
  expect(sink.counters).toMatchObject({ failed: 3, pending: 0 });
});

test('[182] [183] of a thousand events into room for a hundred, those delivered and those dropped are a thousand', async () => {
  const { sink: stuck, recorded, release } = stuckSink();
  const sink = bufferedSink(stuck, { size: 100, overflow: 'drop-newest' });
  for (let seq = 1; seq <= 1_000; seq++) void sink.emit(eventOf(seq));
  release();
  await sink.flush?.();
  // One was on its way when the hundred that waited were too many.
  expect(sink.counters).toEqual({ received: 1_000, delivered: 101, failed: 0, dropped: 899, pending: 0 });
  const reached = recorded.events.filter(({ type }) => type === 'custom');
  expect(seqs(reached)).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
  expect(recorded.of('events.dropped')).toMatchObject([{ count: 899 }]);
});

test('[M173] n events are n lines of JSON', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-conformance-'));
  const path = join(folder, 'deep', 'runs.jsonl');
  const emits = emitting(7);
  const runtime = createRuntime({ pipelines: [emits], sinks: [jsonLinesSink({ path })] });
  await runtime.run(emits, {});
  await runtime.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });
  expect(lines.map((line) => JSON.parse(line).seq)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  expect(runtime.sinks['json-lines']?.delivered).toBe(12);
});

test('[M174] below the size of a batch nothing is exported, at it one batch, at the end the rest', async () => {
  const clock = virtualClock();
  const batches: (readonly number[])[] = [];
  const sink = analyticsSink({ batchSize: 3, clock, deadLetter: () => {}, export: (events) => void batches.push(seqs(events)) });
  void sink.emit(eventOf(1));
  void sink.emit(eventOf(2));
  await clock.advance(0);
  expect(batches).toEqual([]);
  void sink.emit(eventOf(3));
  void sink.emit(eventOf(4));
  await clock.advance(0);
  expect(batches).toEqual([[1, 2, 3]]);
  await clock.settle(sink.flush?.() ?? Promise.resolve());
  expect(batches).toEqual([[1, 2, 3], [4]]);
});

test('[M175] of ten events behind a stuck export, with room for five, the oldest five are dropped and told of with the running total', async () => {
  const clock = virtualClock();
  const dropped: number[] = [];
  const stuck = (): Promise<void> => new Promise(() => {});
  const sink = analyticsSink({
    size: 5,
    batchSize: 1,
    clock,
    deadLetter: () => {},
    export: stuck,
    onOverflow: (state) => dropped.push(state.dropped),
  });
  void sink.emit(eventOf(0));
  await clock.advance(0);
  for (let seq = 1; seq <= 10; seq++) void sink.emit(eventOf(seq));
  expect(dropped).toEqual([1, 2, 3, 4, 5]);
  expect(sink.counters).toMatchObject({ received: 11, dropped: 5, pending: 6 });
});

test('[M176] the high-water mark is told of once, and again after the buffer was below half of it', async () => {
  const clock = virtualClock();
  const marks: number[] = [];
  const sink = analyticsSink({
    size: 10,
    batchSize: 100,
    clock,
    deadLetter: () => {},
    export: () => {},
    onHighWater: ({ waiting }) => marks.push(waiting),
  });
  for (let seq = 1; seq <= 10; seq++) void sink.emit(eventOf(seq));
  expect(marks).toEqual([8]);
  await clock.settle(sink.flush?.() ?? Promise.resolve());
  for (let seq = 1; seq <= 10; seq++) void sink.emit(eventOf(seq));
  expect(marks).toEqual([8, 8]);
});

test('[M177] a callback that throws never breaks exporting', async () => {
  const clock = virtualClock();
  let calls = 0;
  const throwing = (): void => {
    calls++;
    throw new Error('no');
  };
  const exported: number[] = [];
  const sink = analyticsSink({
    size: 1,
    clock,
    deadLetter: () => {},
    export: (events) => clock.sleep(10).then(() => void exported.push(...seqs(events))),
    onOverflow: throwing,
    onHighWater: throwing,
  });
  for (let seq = 1; seq <= 3; seq++) void sink.emit(eventOf(seq));
  await clock.settle(sink.flush?.() ?? Promise.resolve());
  expect(calls).toBe(3);
  expect(sink.counters).toMatchObject({ exported: 2, dropped: 1 });
});

test('[M178] each sink of a list gets each event, whatever becomes of the others', async () => {
  const clock = virtualClock();
  const one = recordingSink('one');
  const two = analyticsSink({
    name: 'two',
    clock,
    retry: { attempts: 1 },
    deadLetter: () => {},
    export: () => Promise.reject(new Error('no')),
  });
  const three: EventSink = {
    name: 'three',
    emit: () => {
      throw new Error('no');
    },
  };
  const four = recordingSink('four');
  expect(await clock.settle(runEmitting(3, [one, two, three, four], clock))).toBe('completed');
  expect([one.events.length, two.counters.deadLettered, four.events.length]).toEqual([8, 8, 8]);
});

test('[M179] topics include and exclude, exclusion wins, and stage, run and duration are fields of the event', async () => {
  const clock = virtualClock();
  const exported: RunEvent[] = [];
  const topics = ['stage.*', '!*.started'];
  const sink = analyticsSink({ topics, clock, deadLetter: () => {}, export: (events) => void exported.push(...events) });
  await clock.settle(runEmitting(3, [sink], clock));
  expect(exported.map(topicOf)).toEqual(['stage.it.completed']);
  expect(exported[0]).toMatchObject({ stage: 'it', runId: expect.any(String), durationMs: expect.any(Number) });
});

test('[M180] an export that fails once is repeated, and the interval goes on', async () => {
  const clock = virtualClock();
  const exported: number[] = [];
  let calls = 0;
  const sink = analyticsSink({
    intervalMs: 1_000,
    retry: { baseMs: 100 },
    clock,
    deadLetter: () => {},
    export(events) {
      if (++calls === 1) throw new Error('down');
      exported.push(...seqs(events));
    },
  });
  void sink.emit(eventOf(1));
  await clock.advance(1_100);
  expect([calls, exported]).toEqual([2, [1]]);
  void sink.emit(eventOf(2));
  await clock.advance(1_000);
  expect([calls, exported]).toEqual([3, [1, 2]]);
  expect(sink.counters).toMatchObject({ received: 2, exported: 2, dropped: 0, failedExports: 1 });
});

test('[M182] a recording sink has type, data and time of each event, by type and by stage, until it is cleared', async () => {
  const recorded = recordingSink();
  await runEmitting(1, [recorded]);
  expect(recorded.of('stage.completed')).toMatchObject([{ stage: 'it', at: expect.any(Number), elapsedMs: expect.any(Number) }]);
  expect(recorded.about('it').map(({ type }) => type)).toEqual(['stage.started', 'custom', 'stage.completed']);
  recorded.clear();
  expect(recorded.events).toEqual([]);
});
