import type { Timer } from '@stageflow/core/ports';

/** A timer of a virtual clock. */
export interface VirtualTimer extends Timer {
  /** Monotonic milliseconds. */
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Timers by the time they are due; those due at once in the order they were set. */
export class TimerQueue {
  readonly #timers: VirtualTimer[] = [];
  #set = 0;

  get size(): number {
    return this.#timers.length;
  }

  get first(): VirtualTimer | undefined {
    return this.#timers[0];
  }

  add(callback: () => void, dueAt: number): VirtualTimer {
    const timer: VirtualTimer = { dueAt, order: this.#set++, callback, cancel: () => this.remove(timer) };
    this.#timers.splice(this.#position(timer), 0, timer);
    return timer;
  }

  /** Does nothing where the timer is gone. */
  remove(timer: VirtualTimer): void {
    const position = this.#position(timer);
    if (this.#timers[position] === timer) this.#timers.splice(position, 1);
  }

  /** Where `timer` is, or belongs. */
  #position({ dueAt, order }: VirtualTimer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle] as VirtualTimer;
      if (other.dueAt < dueAt || (other.dueAt === dueAt && other.order < order)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
