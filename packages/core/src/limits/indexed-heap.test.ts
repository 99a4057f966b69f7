import { seededRandom } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { type HeapItem, IndexedHeap } from './indexed-heap.ts';

interface Item extends HeapItem {
  rank: number;
}

function item(rank: number): Item {
  return { rank, heapIndex: -1 };
}

/** A heap of numbers, and how many comparisons it has made. */
function counting() {
  const count = { comparisons: 0 };
  const heap = new IndexedHeap<Item>((one, other) => {
    count.comparisons++;
    return one.rank < other.rank;
  });
  return { heap, count };
}

/** Takes everything out, first by first. */
function drained(heap: IndexedHeap<Item>): number[] {
  const ranks: number[] = [];
  for (let first = heap.first; first !== undefined; first = heap.first) {
    ranks.push(first.rank);
    heap.remove(first);
  }
  return ranks;
}

describe('a heap', () => {
  test('gives its items in order, whatever the order they came in', () => {
    const { heap } = counting();
    for (const rank of [5, 3, 8, 1, 9, 2, 7]) heap.add(item(rank));
    expect([heap.size, heap.first?.rank]).toEqual([7, 1]);
    expect(drained(heap)).toEqual([1, 2, 3, 5, 7, 8, 9]);
    expect(heap.size).toBe(0);
  });

  test('lets go of any item, and the item knows', () => {
    const { heap } = counting();
    const items = [4, 2, 6, 1, 3, 5, 7].map(item);
    for (const each of items) heap.add(each);
    for (const gone of [items[1], items[2], items[6]] as Item[]) {
      expect(gone.heapIndex).toBeGreaterThanOrEqual(0);
      heap.remove(gone);
      expect(gone.heapIndex).toBe(-1);
    }
    expect(drained(heap)).toEqual([1, 3, 4, 5]);
  });

  test('fills the place of one taken out from another branch, where that may be too low', () => {
    const { heap } = counting();
    const items = [1, 10, 2, 11, 12, 3, 4].map(item);
    for (const each of items) heap.add(each);
    heap.remove(items[3] as Item);
    expect(drained(heap)).toEqual([1, 2, 3, 4, 10, 12]);
  });

  test.each([
    ['up', 5, 0],
    ['down', 1, 20],
    ['nowhere', 5, 5.5],
  ])('moves an item whose order has changed: %s', (_, from, to) => {
    const { heap } = counting();
    const items = [1, 2, 3, 4, 5, 6, 7].map(item);
    for (const each of items) heap.add(each);
    const moved = items[from - 1] as Item;
    moved.rank = to;
    heap.update(moved);
    expect(drained(heap)).toEqual(items.map(({ rank }) => rank).toSorted((left, right) => left - right));
  });

  test('needs a number of comparisons that grows with the logarithm of what it holds', () => {
    const { heap, count } = counting();
    const random = seededRandom(7);
    const items = Array.from({ length: 10_000 }, () => item(random()));
    for (const each of items) heap.add(each);
    for (const each of items.slice(0, 5_000)) heap.remove(each);
    const left = drained(heap);
    expect(left).toEqual(left.toSorted((one, other) => one - other));
    expect(left).toHaveLength(5_000);
    expect(count.comparisons).toBeLessThan(10_000 * 3 * Math.log2(10_000));
  });
});
