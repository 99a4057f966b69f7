/** Where a run reads the time and sets its timers. */
export interface Clock {
  /** Epoch milliseconds. May jump when the host's clock is set. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never goes back. */
  monotonic(): number;
  /**
   * Calls `callback` once, not before `delayMs` have passed, unless the timer is cancelled. Never calls it from within
   * `schedule`.
   *
   * @param delayMs - In [0, 2_147_483_647].
   */
  schedule(callback: () => void, delayMs: number): Timer;
}

/** A call that was scheduled. */
export interface Timer {
  /** Forgets the call. Does nothing if it was made or cancelled before. */
  cancel(): void;
}
