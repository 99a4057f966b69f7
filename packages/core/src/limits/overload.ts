/** When a resource counts as overloaded: once one of its marks is reached. A mark that is left out is never reached. */
export interface OverloadOptions {
  /** Share of the capacity in use, above 0 and at most 1. */
  readonly atUtilization?: number | undefined;
  /** How many wait, an integer from 1 to `queue.limit`. */
  readonly atQueue?: number | undefined;
  /**
   * How long the one that waits longest has waited, milliseconds, less than `queue.timeoutMs`. Those that wait now
   * count, not those that were granted: where nothing is granted any more, that would never show.
   */
  readonly atWaitMs?: number | undefined;
  /**
   * The overload ends once everything is below this share of its mark, so that the signal does not flutter. Above 0, and
   * at most 1, which leaves the mark alone to decide. @default 0.75
   */
  readonly clearRatio?: number | undefined;
}

/** Tells overload from load, with hysteresis. */
export class OverloadGauge {
  readonly atWaitMs: number;
  overloaded = false;
  readonly #atUtilization: number;
  readonly #atQueue: number;
  readonly #clearRatio: number;

  constructor({ atUtilization, atQueue, atWaitMs, clearRatio = 0.75 }: OverloadOptions) {
    this.#atUtilization = atUtilization ?? Number.POSITIVE_INFINITY;
    this.#atQueue = atQueue ?? Number.POSITIVE_INFINITY;
    this.atWaitMs = atWaitMs ?? Number.POSITIVE_INFINITY;
    this.#clearRatio = clearRatio;
  }

  /** @param load.waitingSince - When the one that waits longest came, by the clock of `now`; undefined where none waits. */
  assess(load: {
    readonly utilization: number;
    readonly queued: number;
    readonly waitingSince: number | undefined;
    readonly now: number;
  }): void {
    const { utilization, queued, waitingSince, now } = load;
    const share = this.overloaded ? this.#clearRatio : 1;
    this.overloaded =
      utilization >= this.#atUtilization * share ||
      queued >= this.#atQueue * share ||
      // Compares instants, as timers do: of fractions, a difference may fall short of what was added.
      (waitingSince !== undefined && now >= waitingSince + this.atWaitMs * share);
  }
}
