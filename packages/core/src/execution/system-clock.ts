import type { Clock, Timer } from '../ports/clock.ts';

/**
 * The clock of the host. Timers of one duration share a single timeout of the platform: limits are mostly set and
 * cancelled, and that then costs two links of a list.
 */
export function systemClock(): Clock {
  const lists = new Map<number, DeadlineList>();
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    schedule(callback, delayMs) {
      let list = lists.get(delayMs);
      if (list === undefined) {
        list = new DeadlineList(delayMs, () => lists.delete(delayMs));
        lists.set(delayMs, list);
      }
      return list.add(callback);
    },
  };
}

interface Deadline extends Timer {
  readonly dueAt: number;
  callback: (() => void) | undefined;
  previous: Deadline | undefined;
  next: Deadline | undefined;
}

/** Deadlines of one duration: added at the end, due at the front. */
class DeadlineList {
  readonly #delayMs: number;
  readonly #onEmpty: () => void;
  #first: Deadline | undefined;
  #last: Deadline | undefined;
  #timeout: ReturnType<typeof setTimeout> | undefined;

  constructor(delayMs: number, onEmpty: () => void) {
    this.#delayMs = delayMs;
    this.#onEmpty = onEmpty;
  }

  add(callback: () => void): Timer {
    const deadline: Deadline = {
      dueAt: performance.now() + this.#delayMs,
      callback,
      previous: this.#last,
      next: undefined,
      cancel: () => this.#remove(deadline),
    };
    if (this.#last === undefined) this.#first = deadline;
    else this.#last.next = deadline;
    this.#last = deadline;
    this.#timeout ??= setTimeout(() => this.#fire(), this.#delayMs);
    return deadline;
  }

  #remove(deadline: Deadline): void {
    if (deadline.callback === undefined) return;
    deadline.callback = undefined;
    if (deadline.previous === undefined) this.#first = deadline.next;
    else deadline.previous.next = deadline.next;
    if (deadline.next === undefined) this.#last = deadline.previous;
    else deadline.next.previous = deadline.previous;
    if (this.#first !== undefined) return;
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    this.#onEmpty();
  }

  #fire(): void {
    this.#timeout = undefined;
    const now = performance.now();
    try {
      for (let due = this.#first; due !== undefined && due.dueAt <= now; due = this.#first) {
        const { callback } = due;
        this.#remove(due);
        callback?.();
      }
    } finally {
      // Also where a callback threw: the others have their time.
      if (this.#first !== undefined) this.#timeout ??= setTimeout(() => this.#fire(), Math.max(1, Math.ceil(this.#first.dueAt - now)));
    }
  }
}
