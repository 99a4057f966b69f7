import { describe, expect, test } from 'vitest';
import type { RunEvent } from './event.ts';
import { EventStream } from './event-stream.ts';

const envelope = {
  runId: 'r',
  pipeline: 'p',
  epoch: 1,
  at: 0,
  elapsedMs: 0,
  tenantId: undefined,
  traceId: undefined,
  correlationId: undefined,
  parentRunId: undefined,
};
const started = (seq: number): RunEvent => ({ ...envelope, seq, type: 'run.started' });
const ended = (seq: number): RunEvent => ({
  ...envelope,
  seq,
  type: 'run.cancelled',
  reason: 'x',
  cancelledBy: undefined,
  durationMs: 0,
  unsettled: [],
  counts: { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 },
});

async function read(stream: EventStream): Promise<string[]> {
  const story: string[] = [];
  for await (const event of stream)
    story.push(event.type === 'events.dropped' ? `${event.count} dropped for ${event.sink}` : String(event.seq));
  return story;
}

describe('an event stream', () => {
  test('gives what was pushed before and after it is read, and ends with the last event', async () => {
    const stream = new EventStream();
    stream.push(started(1));
    const reading = read(stream);
    stream.push(started(2));
    await Promise.resolve();
    stream.push(started(3));
    stream.push(ended(4));
    stream.push(started(5));
    expect(await reading).toEqual(['1', '2', '3', '4']);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test('answers several readers that wait at once, each with an event of its own', async () => {
    const stream = new EventStream();
    const waiting = [stream.next(), stream.next(), stream.next()];
    stream.push(started(1));
    stream.push(ended(2));
    expect((await Promise.all(waiting)).map(({ value, done }) => [value?.seq, done])).toEqual([
      [1, false],
      [2, false],
      [undefined, true],
    ]);
  });

  test('keeps the newest events of a reader that is far behind, and tells it how many it lost', async () => {
    const stream = new EventStream(3);
    for (const seq of [1, 2, 3, 4, 5]) stream.push(started(seq));
    stream.push(ended(6));
    expect(await read(stream)).toEqual(['3 dropped for events()', '4', '5', '6']);
  });

  test('keeps order and nothing but what is unread over thousands of events', async () => {
    const stream = new EventStream(2_000);
    const seen: number[] = [];
    for (let seq = 1; seq <= 10_000; seq++) {
      stream.push(started(seq));
      if (seq % 2 === 0) {
        for (let taken = 0; taken < 2; taken++) seen.push((await stream.next()).value?.seq ?? 0);
      }
    }
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
    for (let seq = 1; seq <= 5_000; seq++) stream.push(started(seq));
    expect((await stream.next()).value).toMatchObject({ type: 'events.dropped', count: 3_000 });
    expect((await stream.next()).value).toMatchObject({ seq: 3_001 });
  });

  test('lets its reader leave early: says so once, and gives nothing any more', async () => {
    let left = 0;
    const stream = new EventStream(10, () => left++);
    stream.push(started(1));
    stream.push(started(2));
    for await (const event of stream) {
      expect(event.seq).toBe(1);
      break;
    }
    expect(left).toBe(1);
    stream.push(started(3));
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test('dismisses those who wait when it is left', async () => {
    const stream = new EventStream();
    const waiting = stream.next();
    await stream.return();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});
