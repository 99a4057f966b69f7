import { type VirtualClock, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { EventBatches, type EventBatchesOptions } from './event-batches.ts';
import type { EventRow } from './event-row.ts';

function row(seq: number, { mustArrive = false, text = '' } = {}): EventRow {
  return { columns: ['', 'r', 1, seq, 1, text], mustArrive };
}

interface Subject {
  readonly batches: EventBatches;
  readonly clock: VirtualClock;
  /** The batches that were written, each as the numbers of its events. */
  readonly written: (readonly number[])[];
  /** Writing fails, or is held up, while this says so. */
  readonly server: { isDown: boolean; failures: number; gate: Promise<void> | undefined };
}

function subject(options: Partial<EventBatchesOptions> = {}): Subject {
  const clock = virtualClock();
  const written: (readonly number[])[] = [];
  const server: Subject['server'] = { isDown: false, failures: 0, gate: undefined };
  const write = async (rows: readonly EventRow[]): Promise<number> => {
    await server.gate;
    if (server.isDown) {
      server.failures++;
      throw new Error('away');
    }
    written.push(rows.map(({ columns }) => columns[3]));
    return rows.length;
  };
  const batches = new EventBatches({ name: 'rows', batchSize: 3, lingerMs: 50, bufferSize: 100, clock, write, ...options });
  return { batches, clock, written, server };
}

/** A gate, and how to open it. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

test('events that come within the time to linger are one batch, and nobody waits for it', async () => {
  const { batches, clock, written } = subject();
  expect([batches.add(row(1)), batches.add(row(2))]).toEqual([undefined, undefined]);
  await clock.advance(49);
  expect(written).toEqual([]);
  await clock.advance(1);
  expect(written).toEqual([[1, 2]]);
});

test('a full batch is written at once, and what is over waits', async () => {
  const { batches, clock, written } = subject();
  for (let seq = 1; seq <= 4; seq++) void batches.add(row(seq));
  await clock.advance(0);
  expect(written).toEqual([[1, 2, 3]]);
  expect(batches.counters).toEqual({ received: 4, kept: 3, refused: 0, pending: 1 });
  await clock.advance(50);
  expect(written).toEqual([[1, 2, 3], [4]]);
});

test('one batch is on its way at a time, and what comes meanwhile follows in whole batches', async () => {
  const { batches, clock, written, server } = subject();
  const { promise, open } = gate();
  server.gate = promise;
  for (let seq = 1; seq <= 8; seq++) void batches.add(row(seq));
  await clock.advance(1_000);
  expect(written).toEqual([]);
  open();
  await clock.advance(0);
  expect(written).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  await clock.advance(50);
  expect(written.at(-1)).toEqual([7, 8]);
});

test('a flush resolves when everything that was taken before is written, also what was on its way', async () => {
  const { batches, written, server } = subject();
  const { promise, open } = gate();
  server.gate = promise;
  for (let seq = 1; seq <= 5; seq++) void batches.add(row(seq));
  let isFlushed = false;
  const flushed = batches.flush().then(() => {
    isFlushed = true;
  });
  // An event that is refused meanwhile is none of those that the flush waits for.
  for (let count = 0; count < 5; count++) batches.refuse();
  await Promise.resolve();
  expect(isFlushed).toBe(false);
  open();
  await flushed;
  expect(written.flat()).toEqual([1, 2, 3, 4, 5]);
});

test('what was taken while the server was away is written when it is back, and not asked for more than once a second', async () => {
  const { batches, clock, written, server } = subject();
  server.isDown = true;
  for (let seq = 1; seq <= 20; seq++) void batches.add(row(seq));
  await clock.advance(0);
  expect(server.failures).toBe(1);
  expect(batches.lastFailure).toMatchObject({ message: 'away' });
  await clock.advance(3_000);
  expect(server.failures).toBe(4);
  server.isDown = false;
  await clock.advance(1_000);
  expect(written.flat()).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  expect(batches.lastFailure).toBeUndefined();
});

test('a flush rejects with what went wrong, keeps what waits, and does not wait for the next try', async () => {
  const { batches, written, server } = subject();
  server.isDown = true;
  void batches.add(row(1));
  await expect(batches.flush()).rejects.toThrow('away');
  await expect(batches.flush()).rejects.toThrow('away');
  expect(server.failures).toBe(2);
  server.isDown = false;
  await batches.flush();
  expect(written).toEqual([[1]]);
});

test('where the buffer is full, the next event waits for one try, and is taken where that made room', async () => {
  const { batches, written, server } = subject({ bufferSize: 3 });
  const { promise, open } = gate();
  server.gate = promise;
  for (const seq of [1, 2, 3]) expect(batches.add(row(seq))).toBeUndefined();
  const waiting = batches.add(row(4));
  expect(waiting).toBeInstanceOf(Promise);
  expect(batches.counters.pending).toBe(3);
  open();
  await waiting;
  await batches.flush();
  expect(written).toEqual([[1, 2, 3], [4]]);
});

test('where there is no room and nothing can be written, events are refused at once and counted, but for those that must arrive', async () => {
  const { batches, clock, written, server } = subject({ bufferSize: 3 });
  server.isDown = true;
  for (const seq of [1, 2, 3]) void batches.add(row(seq));
  await expect(batches.add(row(4))).rejects.toThrow('The sink "rows" has 3 events that it could not write (away), and takes no more.');
  await expect(batches.add(row(5))).rejects.toThrow('takes no more');
  expect(server.failures).toBe(1);
  expect(batches.add(row(6, { mustArrive: true }))).toBeUndefined();
  expect(batches.counters).toEqual({ received: 6, kept: 0, refused: 2, pending: 4 });
  server.isDown = false;
  await clock.advance(1_000);
  expect(written.flat()).toEqual([1, 2, 3, 6]);
});

test('events that are large are written in batches of their own', async () => {
  const { batches, written } = subject({ batchSize: 100 });
  for (const seq of [1, 2, 3]) void batches.add(row(seq, { text: 'x'.repeat(2_500_000) }));
  await batches.flush();
  expect(written).toEqual([[1], [2], [3]]);
});

test('events that can never be written are counted as refused, and the others as kept', async () => {
  const { batches } = subject({ write: async (rows) => rows.length - 1 });
  for (const seq of [1, 2]) void batches.add(row(seq));
  await batches.flush();
  expect(batches.counters).toEqual({ received: 2, kept: 1, refused: 1, pending: 0 });
});
