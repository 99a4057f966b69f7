const slices = 10;

/**
 * How many calls there were of late, and how many of them failed. Time is cut into slices of a tenth of the window: a call
 * counts for at least nine tenths of the window and at most the whole of it, whatever the number of calls costs.
 */
export class RecentCalls {
  calls = 0;
  failures = 0;
  readonly #sliceMs: number;
  readonly #callsIn: number[] = Array.from({ length: slices }, () => 0);
  readonly #failuresIn: number[] = Array.from({ length: slices }, () => 0);
  #slice = 0;

  /** @param windowMs - Above 0. */
  constructor(windowMs: number) {
    this.#sliceMs = windowMs / slices;
  }

  /** @param now - Monotonic milliseconds. */
  record(failed: boolean, now: number): void {
    this.forget(now);
    const at = this.#slice % slices;
    this.#callsIn[at] = (this.#callsIn[at] as number) + 1;
    this.calls++;
    if (!failed) return;
    this.#failuresIn[at] = (this.#failuresIn[at] as number) + 1;
    this.failures++;
  }

  /** Forgets what is older than the window. */
  forget(now: number): void {
    const slice = Math.floor(now / this.#sliceMs);
    if (slice - this.#slice >= slices) this.clear();
    else for (let at = this.#slice + 1; at <= slice; at++) this.#empty(at % slices);
    if (slice > this.#slice) this.#slice = slice;
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.#callsIn.fill(0);
    this.#failuresIn.fill(0);
  }

  #empty(at: number): void {
    this.calls -= this.#callsIn[at] as number;
    this.failures -= this.#failuresIn[at] as number;
    this.#callsIn[at] = 0;
    this.#failuresIn[at] = 0;
  }
}
