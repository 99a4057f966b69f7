import { describe, expect, test, vi } from 'vitest';
import type { RunEvent } from './event.ts';
import type { EventSink } from './ports/event-sink.ts';
import { SinkQueue, type SinkQueueOptions } from './sink-queue.ts';

const envelope = {
  runId: 'r',
  pipeline: 'p',
  epoch: 1,
  at: 0,
  elapsedMs: 0,
  tenantId: 'acme',
  traceId: 't',
  correlationId: 'c',
  parentRunId: 'parent',
};

function started(seq: number): RunEvent {
  return { ...envelope, seq, type: 'run.started' };
}

function ended(seq: number): RunEvent {
  return {
    ...envelope,
    seq,
    type: 'run.cancelled',
    reason: 'x',
    cancelledBy: undefined,
    durationMs: 0,
    unsettled: [],
    counts: { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 },
  };
}

function failedOpen(seq: number): RunEvent {
  return {
    ...envelope,
    seq,
    type: 'guard.failed_open',
    stage: 'safe',
    path: 'safe',
    attempt: 1,
    error: { code: 'SF_GUARD_FAILED', message: 'x', retryable: false },
  };
}

/** A sink whose deliveries wait until they are let through, one by one. */
function slowSink() {
  const seen: RunEvent[] = [];
  const waiting: (() => void)[] = [];
  const sink: EventSink = {
    name: 'slow',
    emit(event) {
      seen.push(event);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
  return {
    sink,
    seen,
    /** What it saw, in short: numbers, and how many were dropped. */
    get story() {
      return seen.map((event) => (event.type === 'events.dropped' ? `${event.count} dropped before ${event.seq}` : event.seq));
    },
    async letThrough(count: number) {
      for (let done = 0; done < count; done++) {
        await turn();
        waiting.shift()?.();
      }
      await turn();
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Feeds a slow sink, which is busy with event 1 while the others come. */
async function feedSlowly(options: SinkQueueOptions, events: readonly RunEvent[]) {
  const slow = slowSink();
  const queue = new SinkQueue(slow.sink, options);
  queue.push(started(1));
  await turn();
  for (const event of events) queue.push(event);
  await slow.letThrough(20);
  return { story: slow.story, seen: slow.seen, counters: queue.counters };
}

describe('a sink queue', () => {
  test('delivers off the path of who pushes, in order', async () => {
    const emit = vi.fn();
    const queue = new SinkQueue({ name: 'quick', emit });
    queue.push(started(1));
    queue.push(started(2));
    expect(emit).not.toHaveBeenCalled();
    await queue.flush();
    expect(emit.mock.calls.map(([event]) => event.seq)).toEqual([1, 2]);
    expect(queue.counters).toEqual({ delivered: 2, dropped: 0, failed: 0 });
  });

  test('delivers what a sink causes to be pushed while it emits', async () => {
    const seen: number[] = [];
    const queue: SinkQueue = new SinkQueue({
      name: 'echo',
      emit(event) {
        seen.push(event.seq);
        if (event.seq < 3) queue.push(started(event.seq + 1));
      },
    });
    queue.push(started(1));
    await queue.flush();
    expect(seen).toEqual([1, 2, 3]);
  });

  test('drops the oldest first where the sink is too slow, and says so before the next', async () => {
    const { story, seen, counters } = await feedSlowly({ capacity: 2 }, [2, 3, 4, 5].map(started));
    expect(story).toEqual([1, '2 dropped before 4', 4, 5]);
    expect(counters).toEqual({ delivered: 3, dropped: 2, failed: 0 });
    expect(seen[1]).toEqual({ ...envelope, seq: 4, type: 'events.dropped', sink: 'slow', count: 2 });
  });

  test('drops the newest where it is told to', async () => {
    const { story, counters } = await feedSlowly({ capacity: 2, overflow: 'drop-newest' }, [2, 3, 4, 5].map(started));
    expect(story).toEqual([1, '2 dropped before 2', 2, 3]);
    expect(counters).toEqual({ delivered: 3, dropped: 2, failed: 0 });
  });

  test.each(['drop-oldest', 'drop-newest'] as const)(
    'always has room for the last event of a run and for a guard that failed open: %s',
    async (overflow) => {
      const { story } = await feedSlowly({ capacity: 1, overflow }, [
        failedOpen(2),
        started(3),
        ended(4),
        failedOpen(5),
        started(6),
        ended(7),
      ]);
      expect(story.filter((entry) => typeof entry === 'number')).toEqual(expect.arrayContaining([1, 2, 4, 5, 7]));
    },
  );

  test('does not count a burst as overflow while the sink is not behind', async () => {
    const seen: number[] = [];
    const queue = new SinkQueue({ name: 'quick', emit: (event) => void seen.push(event.seq) }, { capacity: 3 });
    for (let seq = 1; seq <= 100; seq++) queue.push(started(seq));
    await queue.flush();
    expect(seen.length).toBe(100);
    expect(queue.counters.dropped).toBe(0);
  });

  test('keeps order over thousands of events behind a slow sink', async () => {
    const seen: number[] = [];
    const queue = new SinkQueue({ name: 'async', emit: async (event) => void seen.push(event.seq) });
    for (let seq = 1; seq <= 5_000; seq++) queue.push(started(seq));
    await queue.flush();
    expect(seen).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });
});

describe('a sink that fails', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('by one that %s: is counted, and gets the next event all the same', async (_, failure) => {
    let calls = 0;
    const queue = new SinkQueue({
      name: 'broken',
      emit(event) {
        calls++;
        if (event.seq === 2) return failure();
      },
    });
    for (const seq of [1, 2, 3]) queue.push(started(seq));
    await queue.flush();
    expect(calls).toBe(3);
    expect(queue.counters).toEqual({ delivered: 2, dropped: 0, failed: 1 });
  });

  test('at an announcement: is not counted, and gets the event behind it', async () => {
    for (const failure of [
      () => {
        throw new Error('no');
      },
      () => Promise.reject(new Error('no')),
    ]) {
      const slow = slowSink();
      const seen: (number | string)[] = [];
      const sink: EventSink = {
        name: 'broken',
        emit(event) {
          if (event.type === 'events.dropped') return failure();
          seen.push(event.seq);
          return slow.sink.emit(event);
        },
      };
      const queue = new SinkQueue(sink, { capacity: 1 });
      queue.push(started(1));
      await turn();
      for (const seq of [2, 3]) queue.push(started(seq));
      await slow.letThrough(5);
      expect(seen).toEqual([1, 3]);
      expect(queue.counters).toEqual({ delivered: 2, dropped: 1, failed: 0 });
    }
  });

  test('is told of drops also where it answers some events at once', async () => {
    const seen: RunEvent[] = [];
    let open: () => void = () => {};
    const queue = new SinkQueue(
      {
        name: 'mixed',
        emit(event) {
          seen.push(event);
          if (event.seq !== 1) return;
          return new Promise((resolve) => {
            open = resolve;
          });
        },
      },
      { capacity: 1 },
    );
    queue.push(started(1));
    await turn();
    for (const seq of [2, 3]) queue.push(started(seq));
    open();
    await queue.flush();
    expect(seen.map(({ type, seq }) => `${type} ${seq}`)).toEqual(['run.started 1', 'events.dropped 3', 'run.started 3']);
    expect(queue.counters).toEqual({ delivered: 2, dropped: 1, failed: 0 });
  });

  test('by never answering: gets one event, and pushing goes on without waiting', async () => {
    let calls = 0;
    const hanging = new SinkQueue(
      {
        name: 'hanging',
        emit: () => {
          calls++;
          return new Promise(() => {});
        },
      },
      { capacity: 2 },
    );
    for (let seq = 1; seq <= 10; seq++) {
      hanging.push(started(seq));
      await turn();
    }
    expect(calls).toBe(1);
    expect(hanging.counters).toEqual({ delivered: 0, dropped: 7, failed: 0 });
  });

  // biome-ignore-start lint/suspicious/noThenProperty: hostile thenables are what is tested
  test.each([
    [
      'whose then throws when it is read',
      {
        get then(): never {
          throw new Error('then');
        },
      },
      { delivered: 2, dropped: 0, failed: 1 },
    ],
    [
      'whose then throws when it is called',
      {
        then() {
          throw new Error('then');
        },
      },
      { delivered: 2, dropped: 0, failed: 1 },
    ],
    [
      'that calls back twice',
      {
        then(done: () => void) {
          done();
          done();
        },
      },
      { delivered: 3, dropped: 0, failed: 0 },
    ],
    [
      'that calls back and then throws',
      {
        then(done: () => void) {
          done();
          throw new Error('late');
        },
      },
      { delivered: 3, dropped: 0, failed: 0 },
    ],
  ])('by answering with a thenable %s: harms nothing', async (_, thenable, counters) => {
    let calls = 0;
    const queue = new SinkQueue({
      name: 'odd',
      emit(event) {
        calls++;
        if (event.seq === 2) return thenable as never;
      },
    });
    for (const seq of [1, 2, 3]) queue.push(started(seq));
    await turn();
    expect(calls).toBe(3);
    expect(queue.counters).toEqual(counters);
  });

  test('by answering with thenables that call back at once: does not grow the stack', async () => {
    const queue = new SinkQueue({ name: 'eager', emit: () => ({ then: (done: () => void) => done() }) as never }, { capacity: 100_000 });
    for (let seq = 1; seq <= 50_000; seq++) queue.push(started(seq));
    await queue.flush();
    expect(queue.counters).toEqual({ delivered: 50_000, dropped: 0, failed: 0 });
  });
  // biome-ignore-end lint/suspicious/noThenProperty: hostile thenables are what is tested
});

describe('flush()', () => {
  test('waits for what is queued, then for the sink', async () => {
    const slow = slowSink();
    const story: string[] = [];
    const queue = new SinkQueue({ ...slow.sink, flush: async () => void story.push('sink flushed') });
    queue.push(started(1));
    queue.push(started(2));
    const flushed = queue.flush().then(() => story.push('flushed'));
    await slow.letThrough(1);
    expect(story).toEqual([]);
    await slow.letThrough(1);
    await flushed;
    expect(story).toEqual(['sink flushed', 'flushed']);
  });

  test('resolves at once where nothing is queued, and does without a flush of the sink', async () => {
    await expect(new SinkQueue({ name: 'plain', emit: () => {} }).flush()).resolves.toBeUndefined();
  });

  test('rejects as the sink does', async () => {
    const queue = new SinkQueue({ name: 'broken', emit: () => {}, flush: () => Promise.reject(new Error('disk full')) });
    await expect(queue.flush()).rejects.toThrow('disk full');
  });
});
