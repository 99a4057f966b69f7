/** How long the last grants had waited, milliseconds; 0 where there were none. */
export interface WaitPercentiles {
  readonly p50: number;
  readonly p95: number;
}

const kept = 1_000;

/** The waits of the last 1,000 grants. To record one allocates nothing. */
export class RecentWaits {
  readonly #waits = new Float64Array(kept);
  #count = 0;
  #next = 0;

  record(waitMs: number): void {
    this.#waits[this.#next] = waitMs;
    this.#next = this.#next + 1 === kept ? 0 : this.#next + 1;
    if (this.#count < kept) this.#count++;
  }

  /** By nearest rank: the smallest wait that at least that share of all does not exceed. */
  percentiles(): WaitPercentiles {
    const sorted = this.#waits.slice(0, this.#count).sort();
    const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
    return { p50: rank(0.5), p95: rank(0.95) };
  }
}
