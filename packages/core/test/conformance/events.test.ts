import { createRuntime, defineEvent, type OverflowPolicy, pipeline, type RunEvent, stage } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { aNumber } from './plain-schemas.ts';

const counted = defineEvent('app.counted', aNumber);

/** A pipeline whose one stage emits this many events at once: with those of the run, five more. */
function emitting(count: number) {
  const it = stage('it', {
    run: (_, context) => {
      for (let index = 0; index < count; index++) context.emit(counted, index);
    },
  });
  return pipeline('emitting', { outputs: { it } });
}

/** A sink that keeps each event until it is let go. */
function heldSink() {
  const events: RunEvent[] = [];
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sink: EventSink = {
    name: 'held',
    emit: (event) => {
      events.push(event);
      return held;
    },
  };
  return { sink, events, release: () => release() };
}

/** Runs a pipeline that emits `count` events on a runtime with one held sink, lets go, and closes. */
async function overflowing(count: number, capacity: number, overflow: OverflowPolicy) {
  const { sink, events, release } = heldSink();
  const runtime = createRuntime({ pipelines: [emitting(count)], sinks: [{ sink, capacity, overflow }] });
  const p = runtime.pipelines.get('emitting') as ReturnType<typeof emitting>;
  const run = await runtime.run(p, {});
  expect(run.status).toBe('completed');
  release();
  await runtime.close();
  const announced = events.flatMap((event) => (event.type === 'events.dropped' ? [event.count] : []));
  return { counters: runtime.sinks['held'], announced, events: events.filter(({ type }) => type !== 'events.dropped') };
}

test('[176] any object with a name and emit() is a sink, and none at all is fine', async () => {
  const seen: string[] = [];
  const logging: EventSink = { name: 'log', emit: (event) => void seen.push(`${event.seq} ${event.type}`) };
  const p = emitting(0);

  expect((await p.run({}, { sinks: [] })).status).toBe('completed');
  expect((await p.run({}, { sinks: [logging] })).status).toBe('completed');
  expect(seen).toEqual(['1 run.created', '2 run.started', '3 stage.started', '4 stage.completed', '5 run.completed']);
});

test('[177] sinks belong to a runtime or to one run, and hear nothing of others', async () => {
  const ofRuntime = recordingSink('runtime');
  const ofRun = recordingSink('run');
  const p = emitting(0);
  const runtime = createRuntime({ pipelines: [p], sinks: [ofRuntime] });
  await p.run({}, { runId: 'alone' });
  await p.run({}, { runId: 'own', sinks: [ofRun] });
  await runtime.run(p, {}, { runId: 'hosted' });

  expect(new Set(ofRun.events.map(({ runId }) => runId))).toEqual(new Set(['own']));
  expect(new Set(ofRuntime.events.map(({ runId }) => runId))).toEqual(new Set(['hosted']));
});

test('[178] behind its queue a slow sink gets the same events as a quick one, in the same order', async () => {
  const quick = recordingSink('quick');
  const events: RunEvent[] = [];
  const slow: EventSink = {
    name: 'slow',
    emit: async (event) => {
      await Promise.resolve();
      events.push(event);
    },
  };
  const runtime = createRuntime({ pipelines: [emitting(20)], sinks: [quick, slow] });
  await runtime.run(runtime.pipelines.get('emitting') as ReturnType<typeof emitting>, {});
  await runtime.close();

  expect(events).toEqual(quick.events);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
});

describe('a sink that is behind', () => {
  test('[179] loses nothing while there is room', async () => {
    expect(await overflowing(5, 100, 'drop-newest')).toMatchObject({ counters: { delivered: 10, dropped: 0, failed: 0 }, announced: [] });
  });

  test.each<[OverflowPolicy, number[]]>([
    ['drop-newest', [1, 2, 3, 4, 10]],
    ['drop-oldest', [1, 7, 8, 9, 10]],
  ])(
    '[179] at capacity loses events by %s, which are counted, and hears how many; the last one of the run is kept',
    async (overflow, kept) => {
      const { counters, announced, events } = await overflowing(5, 3, overflow);

      expect(events.map(({ seq }) => seq)).toEqual(kept);
      expect(counters?.dropped).toBe(5);
      expect(announced.reduce((sum, count) => sum + count)).toBe(5);
    },
  );

  test.each<[OverflowPolicy]>([['drop-newest'], ['drop-oldest']])(
    '[182] of a burst of a thousand into room for a hundred, by %s, each event is delivered or dropped',
    async (overflow) => {
      const { counters, events } = await overflowing(1_000, 100, overflow);

      expect(counters?.dropped).toBeGreaterThan(800);
      expect(events.length + (counters?.dropped ?? 0)).toBe(1_005);
      expect((counters?.delivered ?? 0) + (counters?.dropped ?? 0)).toBe(1_005);
      expect(events.at(-1)?.type).toBe('run.completed');
    },
  );

  test('[183] of ten events of which two found no room, the counters say eight and two', async () => {
    expect((await overflowing(5, 6, 'drop-newest')).counters).toEqual({ delivered: 8, dropped: 2, failed: 0 });
    expect(createRuntime({ pipelines: [], sinks: [recordingSink('idle')] }).sinks['idle']).toEqual({ delivered: 0, dropped: 0, failed: 0 });
  });
});

test('[180] closing delivers what was queued, flushes the sink, and closing again does nothing', async () => {
  const clock = virtualClock();
  const delivered: number[] = [];
  let flushes = 0;
  const slow: EventSink = {
    name: 'slow',
    emit: async ({ seq }) => {
      await clock.sleep(10);
      delivered.push(seq);
    },
    flush: async () => void flushes++,
  };
  const runtime = createRuntime({ pipelines: [emitting(3)], sinks: [slow], clock });
  const p = runtime.pipelines.get('emitting') as ReturnType<typeof emitting>;
  await clock.settle(runtime.run(p, {}));
  const before = delivered.length;
  await clock.settle(runtime.close());

  expect(before).toBeLessThan(8);
  expect([delivered, flushes]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], 1]);
  await clock.settle(runtime.close());
  await expect(runtime.run(p, {})).rejects.toMatchObject({ code: 'SF_RUNTIME_CLOSED' });
});

test('[181] a sink that throws or rejects gets the next event all the same', async () => {
  const seen: number[] = [];
  const broken: EventSink = {
    name: 'broken',
    emit: ({ seq }) => {
      seen.push(seq);
      if (seq === 2) throw new Error('no');
      return seq === 3 ? Promise.reject(new Error('no')) : undefined;
    },
  };
  const runtime = createRuntime({ pipelines: [emitting(0)], sinks: [broken] });
  await runtime.run(runtime.pipelines.get('emitting') as ReturnType<typeof emitting>, {});
  await runtime.close();

  expect(seen).toEqual([1, 2, 3, 4, 5]);
  expect(runtime.sinks['broken']).toEqual({ delivered: 3, dropped: 0, failed: 2 });
});

test('[186] runs at once keep their own correlation and trace ids, across what they wait for', async () => {
  const clock = virtualClock();
  const sink = recordingSink();
  const it = stage('it', {
    run: async (_, { identity }) => {
      await clock.sleep(identity.correlationId === 'a' ? 20 : 10);
      return [identity.correlationId, identity.traceId];
    },
  });
  const p = pipeline('p', { outputs: { it } });
  const runs = ['a', 'b', undefined].map((correlationId) =>
    p.runOrThrow({}, { clock, sinks: [sink], runId: `run-${correlationId}`, correlationId, traceId: correlationId?.repeat(32) }),
  );

  expect((await clock.settle(Promise.all(runs))).map(({ outputs }) => outputs.it)).toEqual([
    ['a', 'a'.repeat(32)],
    ['b', 'b'.repeat(32)],
    [undefined, undefined],
  ]);
  for (const { runId, correlationId, traceId } of sink.events)
    expect([runId, traceId]).toEqual([`run-${correlationId}`, correlationId?.repeat(32)]);
});

test('[174] nothing is shared by two runtimes: each counts its own runs', async () => {
  const clock = virtualClock();
  const p = pipeline('p', { outputs: { it: stage('it', { run: () => clock.sleep(10) }) } });
  const [one, two] = [createRuntime({ pipelines: [p], clock }), createRuntime({ pipelines: [p], clock })];
  const runs = Promise.all([one.run(p, {}), one.run(p, {}), two.run(p, {})]);
  const during = [one.activeRuns, two.activeRuns];
  await clock.settle(runs);

  expect(during).toEqual([2, 1]);
  expect([one.activeRuns, two.activeRuns]).toEqual([0, 0]);
});
