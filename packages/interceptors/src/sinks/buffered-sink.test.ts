import { setImmediate as hostTurn } from 'node:timers/promises';
import { createRuntime, isStageflowError, type RunEvent } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { type BatchSink, type BufferedSinkOptions, bufferedSink, sinkOverflow } from '@stageflow/interceptors/sinks';
import { recordingSink } from '@stageflow/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emitting, eventOf, lastEvent, runEmitting } from '../../test/events.ts';

const seqs = (events: readonly RunEvent[]): readonly number[] => events.map(({ seq }) => seq);

/** A destination that takes batches, each of which ends when it is told to. */
function heldBatches() {
  const batches: (readonly RunEvent[])[] = [];
  const ends: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const sink: BatchSink = {
    name: 'held',
    emitBatch: (events) => {
      batches.push(events);
      return new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
    },
  };
  return { sink, batches, end: () => ends.shift()?.resolve(), fail: () => ends.shift()?.reject(new Error('no')) };
}

describe('a buffered sink in a runtime', () => {
  test('hands on everything, in order and in batches, by the time the runtime is closed', async () => {
    const batches: (readonly number[])[] = [];
    const table: BatchSink = {
      name: 'table',
      emitBatch: async (events) => {
        await hostTurn();
        batches.push(seqs(events));
      },
    };
    const sink = bufferedSink(table, { batchSize: 4 });
    expect(await runEmitting(10, [sink])).toBe('completed');

    expect(batches.flat()).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
    expect(Math.max(...batches.map(({ length }) => length))).toBe(4);
    expect(sink.counters).toEqual({ received: 15, delivered: 15, failed: 0, dropped: 0, pending: 0 });
  });

  test('takes any sink, one event at a time', async () => {
    const recorded = recordingSink();
    expect(await runEmitting(3, [bufferedSink(recorded)])).toBe('completed');
    expect(seqs(recorded.events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('counts what the destination throws or rejects, and goes on', async () => {
    const seen: number[] = [];
    const broken: EventSink = {
      name: 'broken',
      emit: ({ seq }) => {
        seen.push(seq);
        if (seq === 2) throw new Error('no');
        return seq === 3 ? Promise.reject(new Error('no')) : undefined;
      },
    };
    const sink = bufferedSink(broken);
    expect(await runEmitting(0, [sink])).toBe('completed');
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(sink.counters).toEqual({ received: 5, delivered: 3, failed: 2, dropped: 0, pending: 0 });
  });

  test("with overflow 'error' refuses, which the runtime counts as a failure of the sink", async () => {
    const { sink: table, end, batches } = heldBatches();
    const sink = bufferedSink(table, { size: 2, batchSize: 2, overflow: 'error' });
    const emits = emitting(6);
    const runtime = createRuntime({ pipelines: [emits], sinks: [sink] });
    expect((await runtime.run(emits, {})).status).toBe('completed');
    for (let turn = 0; turn < 10; turn++) {
      end();
      await hostTurn();
    }
    await runtime.close();

    const failed = runtime.sinks['held']?.failed ?? 0;
    expect(failed).toBeGreaterThan(0);
    expect(sink.counters).toMatchObject({ received: 11, delivered: 11 - failed, dropped: failed, pending: 0 });
    expect(batches.flat().at(-1)?.type).toBe('run.completed');
  });

  test('flushes what stands behind it', async () => {
    let flushes = 0;
    const recorded = recordingSink();
    const flushed: EventSink = { name: 'flushed', emit: (event) => recorded.emit(event), flush: async () => void flushes++ };
    await runEmitting(0, [bufferedSink(flushed)]);
    expect([flushes, recorded.events.length]).toEqual([1, 5]);
  });
});

describe('overflow', () => {
  /** Seven events into room for three, while the destination holds a first one. */
  async function overflowing(options: BufferedSinkOptions) {
    const { sink: table, batches, end } = heldBatches();
    const overflows: unknown[] = [];
    const sink = bufferedSink(table, { size: 3, batchSize: 10, ...options, onOverflow: (state) => overflows.push(state) });
    const refused: number[] = [];
    const emit = (event: RunEvent): void => {
      try {
        void sink.emit(event);
      } catch (error) {
        expect(isStageflowError(error, sinkOverflow) && error.details).toEqual({ sink: 'held', size: 3, event: 'custom' });
        refused.push(event.seq);
      }
    };
    emit(eventOf(1));
    await hostTurn();
    for (let seq = 2; seq <= 7; seq++) emit(eventOf(seq));
    emit(lastEvent(8));
    const during = sink.counters;
    end();
    await hostTurn();
    end();
    await sink.flush?.();
    return { during, after: sink.counters, overflows, refused, batches };
  }

  test("'drop-oldest' keeps the newest, and tells the destination how many went", async () => {
    const { batches, overflows, during, after } = await overflowing({});
    expect(batches.map(seqs)).toEqual([[1], [6, 6, 7, 8]]);
    expect(batches[1]?.[0]).toMatchObject({ type: 'events.dropped', sink: 'held', count: 4, seq: 6, runId: 'r-1' });
    expect(overflows).toEqual([1, 2, 3, 4].map((dropped) => ({ dropped, size: 3 })));
    expect(during).toEqual({ received: 8, delivered: 0, failed: 0, dropped: 4, pending: 4 });
    expect(after).toEqual({ received: 8, delivered: 4, failed: 0, dropped: 4, pending: 0 });
  });

  test.each([
    ['drop-newest', []],
    ['error', [5, 6, 7]],
  ] as const)("'%s' keeps the oldest, and the last event of a run besides", async (overflow, refusals) => {
    const { batches, refused, after, overflows } = await overflowing({ overflow });
    expect(batches.map(seqs)).toEqual([[1], [2, 2, 3, 4, 8]]);
    expect(refused).toEqual(refusals);
    expect(overflows).toEqual([1, 2, 3].map((dropped) => ({ dropped, size: 3 })));
    expect(after).toEqual({ received: 8, delivered: 5, failed: 0, dropped: 3, pending: 0 });
  });

  test('never drops what must arrive for what need not', async () => {
    const { sink: table, batches, end } = heldBatches();
    const sink = bufferedSink(table, { size: 2, batchSize: 10 });
    void sink.emit(eventOf(1));
    await hostTurn();
    void sink.emit(lastEvent(2));
    void sink.emit({ ...eventOf(3), type: 'guard.failed_open', error: { code: 'X', message: 'x', retryable: false } } as RunEvent);
    for (let seq = 4; seq <= 9; seq++) void sink.emit(eventOf(seq));
    end();
    await hostTurn();
    end();
    await sink.flush?.();
    expect(batches[1]?.map(({ type, seq }) => `${seq} ${type}`)).toEqual([
      '2 events.dropped',
      '2 run.completed',
      '3 guard.failed_open',
      '9 custom',
    ]);
  });
});

describe('the high-water mark', () => {
  test('is told once each time it is reached, after the fill was below half of it', async () => {
    const { sink: table, end, fail } = heldBatches();
    const marks: unknown[] = [];
    const sink = bufferedSink(table, { size: 10, batchSize: 4, highWater: 0.8, onHighWater: (state) => marks.push(state) });
    const emit = (count: number): void => {
      for (let index = 0; index < count; index++) void sink.emit(eventOf(index));
    };
    emit(1);
    await hostTurn();
    emit(7);
    expect(marks).toEqual([]);
    emit(2);
    expect(marks).toEqual([{ waiting: 8, size: 10 }]);
    // 9 wait; 5 are not below half of 8, so that reaching it again is not told again.
    end();
    await hostTurn();
    emit(4);
    expect(marks.length).toBe(1);
    // 9 wait; 5, then 1.
    fail();
    await hostTurn();
    end();
    await hostTurn();
    emit(7);
    expect(marks).toEqual([
      { waiting: 8, size: 10 },
      { waiting: 8, size: 10 },
    ]);
  });

  test('and overflow are told to callbacks that may throw or reject', async () => {
    const { sink: table, batches, end } = heldBatches();
    let calls = 0;
    const sink = bufferedSink(table, {
      size: 1,
      onOverflow: async () => {
        calls++;
        throw new Error('no');
      },
      onHighWater: () => {
        calls++;
        throw new Error('no');
      },
    });
    for (let seq = 1; seq <= 3; seq++) void sink.emit(eventOf(seq));
    for (let turn = 0; turn < 4; turn++) {
      end();
      await hostTurn();
    }
    expect(calls).toBe(3);
    expect(batches.map((batch) => batch.map(({ type }) => type))).toEqual([['custom'], ['events.dropped', 'custom']]);
  });
});

test('many thousands of events reach a slow destination in order', async () => {
  const reached: number[] = [];
  const table: BatchSink = {
    name: 'table',
    emitBatch: async (events) => {
      await hostTurn();
      reached.push(...seqs(events));
    },
  };
  const sink = bufferedSink(table, { size: 3_000, batchSize: 100 });
  for (let seq = 1; seq <= 6_000; seq++) {
    void sink.emit(eventOf(seq));
    if (seq % 60 === 0) await hostTurn();
  }
  await sink.flush?.();
  expect(reached).toEqual(Array.from({ length: 6_000 }, (_, index) => index + 1));
});

test('a burst of more events than have room is no overflow where the destination takes them at once', async () => {
  const recorded = recordingSink();
  const sink = bufferedSink(recorded, { size: 10 });
  expect(await runEmitting(1_000, [sink])).toBe('completed');
  expect(seqs(recorded.events)).toEqual(Array.from({ length: 1_005 }, (_, index) => index + 1));
  expect(sink.counters).toMatchObject({ delivered: 1_005, dropped: 0 });
});

test.each([
  ['size', { size: 0 }],
  ['size', { size: 1.5 }],
  ['batchSize', { batchSize: 0 }],
  ['highWater', { highWater: 0 }],
  ['highWater', { highWater: 1.1 }],
  ['overflow', { overflow: 'block' as 'error' }],
])('option %s cannot be what it is in %j', (option, options) => {
  const make = (): unknown => bufferedSink(recordingSink(), options);
  expect(make).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) }));
});

test('whatever happens, each event is delivered, failed, dropped or pending, and nothing is delivered twice or out of order', async () => {
  const steps = fc.array(fc.constantFrom('emit', 'emit', 'emit', 'last', 'end', 'fail', 'turn'), { maxLength: 80 });
  const policy = fc.constantFrom('drop-oldest' as const, 'drop-newest' as const, 'error' as const);
  await fc.assert(
    fc.asyncProperty(
      steps,
      policy,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      async (script, overflow, size, batchSize) => {
        const { sink: table, batches, end, fail } = heldBatches();
        const sink = bufferedSink(table, { size, batchSize, overflow });
        const must: number[] = [];
        let seq = 0;
        let refused = 0;
        const check = (): void => {
          const { received, delivered, failed, dropped, pending } = sink.counters;
          expect(received).toBe(seq);
          expect(delivered + failed + dropped + pending).toBe(received);
        };
        for (const step of script) {
          if (step === 'emit' || step === 'last') {
            seq++;
            if (step === 'last') must.push(seq);
            try {
              void sink.emit(step === 'last' ? lastEvent(seq) : eventOf(seq));
            } catch {
              refused++;
            }
          } else if (step === 'turn') await hostTurn();
          else if (step === 'end') end();
          else fail();
          check();
        }
        const flushed = sink.flush?.();
        for (let turn = 0; turn < seq + 2; turn++) {
          end();
          await hostTurn();
        }
        await flushed;
        check();
        const reached = batches.flat().filter(({ type }) => type !== 'events.dropped');
        const announced = batches.flat().flatMap((event) => (event.type === 'events.dropped' ? [event.count] : []));
        expect(seqs(reached)).toEqual([...new Set(seqs(reached))].sort((a, b) => a - b));
        expect(must.filter((each) => !seqs(reached).includes(each))).toEqual([]);
        expect(sink.counters).toMatchObject({ pending: 0, dropped: seq - reached.length });
        expect(overflow === 'error' ? refused : 0).toBe(overflow === 'error' ? sink.counters.dropped : 0);
        // Drops after which nothing came are not announced.
        expect(announced.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(sink.counters.dropped);
      },
    ),
    { numRuns: 200 },
  );
});
