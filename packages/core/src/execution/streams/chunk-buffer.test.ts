import { describe, expect, test } from 'vitest';
import { ChunkBuffer } from './chunk-buffer.ts';

function drained(buffer: ChunkBuffer): unknown[] {
  const taken: unknown[] = [];
  while (buffer.size > 0) taken.push(buffer.take());
  return taken;
}

describe('a chunk buffer', () => {
  test('gives chunks in the order they came', () => {
    const buffer = new ChunkBuffer(3, 'block');
    for (const chunk of [1, undefined, null]) expect(buffer.offer(chunk)).toBe(true);
    expect(drained(buffer)).toEqual([1, undefined, null]);
  });

  test.each(['block', 'error'] as const)('refuses what it has no room for, under %s, and counts it nowhere', (overflow) => {
    const buffer = new ChunkBuffer(2, overflow);
    expect([1, 2, 3].map((chunk) => buffer.offer(chunk))).toEqual([true, true, false]);
    expect(drained(buffer)).toEqual([1, 2]);
    expect(buffer.counters).toEqual({ delivered: 2, dropped: 0, unread: 0, highWaterMark: 2 });
    expect(buffer.hasDropped).toBe(false);
  });

  test('loses the oldest under drop-oldest', () => {
    const buffer = new ChunkBuffer(3, 'drop-oldest');
    for (const chunk of [1, 2, 3, 4, 5]) expect(buffer.offer(chunk)).toBe(true);
    expect(buffer.hasDropped).toBe(true);
    expect(drained(buffer)).toEqual([3, 4, 5]);
    expect(buffer.counters).toEqual({ delivered: 3, dropped: 2, unread: 0, highWaterMark: 3 });
  });

  test('loses the newest under drop-newest', () => {
    const buffer = new ChunkBuffer(3, 'drop-newest');
    for (const chunk of [1, 2, 3, 4, 5]) buffer.offer(chunk);
    expect(drained(buffer)).toEqual([1, 2, 3]);
    expect(buffer.counters).toEqual({ delivered: 3, dropped: 2, unread: 0, highWaterMark: 3 });
  });

  test('counts what it still held when it was cleared', () => {
    const buffer = new ChunkBuffer(3, 'block');
    for (const chunk of [1, 2, 3]) buffer.offer(chunk);
    buffer.take();
    buffer.clear();
    expect(buffer.size).toBe(0);
    expect(buffer.counters).toEqual({ delivered: 1, dropped: 0, unread: 2, highWaterMark: 3 });
  });

  test('keeps the order over more chunks than it ever holds', () => {
    const buffer = new ChunkBuffer(100, 'block');
    const taken: unknown[] = [];
    for (let at = 0; at < 1_000; at++) {
      buffer.offer(at);
      if (at % 3 > 0 || buffer.size === 100) taken.push(buffer.take());
    }
    expect([...taken, ...drained(buffer)]).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  });
});
