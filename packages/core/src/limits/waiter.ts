import type { HeapItem } from './indexed-heap.ts';
import type { Lane } from './lane.ts';
import type { PoolTicket } from './ticket.ts';

/** A ticket in the queue. */
export class Waiter implements HeapItem {
  heapIndex = -1;
  /** Its neighbours by arrival. */
  previous: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  stopListening: (() => void) | undefined = undefined;
  readonly ticket: PoolTicket;
  readonly lane: Lane;
  /**
   * The lower goes first: when it came, less `ageingMs` for each level of its priority. As all age alike, the order of
   * two waiters never changes, and a heap needs no rebuilding.
   */
  readonly rank: number;
  readonly order: number;
  /** Monotonic milliseconds. */
  readonly since: number;

  constructor(ticket: PoolTicket, lane: Lane, place: { readonly rank: number; readonly order: number; readonly since: number }) {
    this.ticket = ticket;
    this.lane = lane;
    this.rank = place.rank;
    this.order = place.order;
    this.since = place.since;
  }
}

/** Whether `waiter` is to be served before `other`. */
export function precedes(waiter: Waiter, other: Waiter): boolean {
  return waiter.rank === other.rank ? waiter.order < other.order : waiter.rank < other.rank;
}

/** Waiters by when they came. */
export class Arrivals {
  first: Waiter | undefined = undefined;
  count = 0;
  #last: Waiter | undefined;

  add(waiter: Waiter): void {
    waiter.previous = this.#last;
    if (this.#last === undefined) this.first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    this.count++;
  }

  /** @param waiter - One of these. */
  remove(waiter: Waiter): void {
    const { previous, next } = waiter;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    waiter.previous = undefined;
    waiter.next = undefined;
    this.count--;
  }
}
