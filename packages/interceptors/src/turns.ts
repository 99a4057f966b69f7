import { unlessAborted } from './unless-aborted.ts';

/** Lets those that wait for one thing go one after the other, in the order they came. */
export class Turns {
  /** Of each key that is waited for: when the last of them has had its turn. */
  readonly #lastOf = new Map<string, Promise<void>>();

  isWaitedFor(key: string): boolean {
    return this.#lastOf.has(key);
  }

  /**
   * Calls `act` when those before have settled or given up.
   *
   * @param signal - Gives up: rejects with its reason, and is waited for no longer.
   */
  async take(key: string, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    const before = this.#lastOf.get(key);
    let done: () => void = () => {};
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    // Whoever gives up still stands before those behind until those before have had their turn.
    const last = Promise.all([before, mine]).then(() => {
      if (this.#lastOf.get(key) === last) this.#lastOf.delete(key);
    });
    this.#lastOf.set(key, last);
    try {
      if (before !== undefined) await unlessAborted(before, signal);
      signal.throwIfAborted();
      await act();
    } finally {
      done();
    }
  }
}
