import { type HeapItem, IndexedHeap } from './indexed-heap.ts';
import { precedes, type Waiter } from './waiter.ts';

/** What one key uses, and who waits for it. */
export class Lane implements HeapItem {
  /** Its place among the lanes whose first waiter could have a slot. */
  heapIndex = -1;
  inUse = 0;
  readonly key: string | undefined;
  #waiters: IndexedHeap<Waiter> | undefined = undefined;

  constructor(key: string | undefined) {
    this.key = key;
  }

  get first(): Waiter | undefined {
    return this.#waiters?.first;
  }

  add(waiter: Waiter): void {
    // Most keys never wait.
    this.#waiters ??= new IndexedHeap(precedes);
    this.#waiters.add(waiter);
  }

  /** @param waiter - One of this lane. */
  remove(waiter: Waiter): void {
    this.#waiters?.remove(waiter);
  }
}

/** Whether the first waiter of `lane` is to be served before that of `other`; both have one. */
export function lanePrecedes(lane: Lane, other: Lane): boolean {
  return precedes(lane.first as Waiter, other.first as Waiter);
}
