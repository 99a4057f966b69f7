/** What an {@link IndexedHeap} holds: each item knows its place, so that any of them can be taken out. */
export interface HeapItem {
  /** -1 while it is in no heap. Written by the heap alone. */
  heapIndex: number;
}

/** A binary heap: the first item in O(1); adding, and removing or moving any item, in O(log n). */
export class IndexedHeap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #precedes: (item: T, other: T) => boolean;

  constructor(precedes: (item: T, other: T) => boolean) {
    this.#precedes = precedes;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    item.heapIndex = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  /** @param item - One of this heap. */
  remove(item: T): void {
    const index = item.heapIndex;
    const last = this.#items.pop() as T;
    item.heapIndex = -1;
    if (last === item) return;
    this.#put(last, index);
    this.update(last);
  }

  /** Finds the place of an item of this heap whose order may have changed. */
  update(item: T): void {
    this.#rise(item);
    this.#sink(item);
  }

  #rise(item: T): void {
    let index = item.heapIndex;
    while (index > 0) {
      const above = (index - 1) >>> 1;
      const parent = this.#items[above] as T;
      if (!this.#precedes(item, parent)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(item, index);
  }

  #sink(item: T): void {
    const { length } = this.#items;
    let index = item.heapIndex;
    for (let below = 2 * index + 1; below < length; below = 2 * index + 1) {
      const left = this.#items[below] as T;
      const right = this.#items[below + 1];
      const child = right !== undefined && this.#precedes(right, left) ? right : left;
      if (!this.#precedes(child, item)) break;
      const from = child.heapIndex;
      this.#put(child, index);
      index = from;
    }
    this.#put(item, index);
  }

  #put(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
