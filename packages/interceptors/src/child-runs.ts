import type { RunStatus } from '@stageflow/core';

/** What became of the runs that were started below others. */
export interface ChildRuns {
  readonly started: number;
  readonly running: number;
  /** The most that were under way at once. */
  readonly peak: number;
  /** How many activations ended in which way. */
  readonly byStatus: Readonly<Record<RunStatus, number>>;
  /** Of those that have ended, milliseconds. */
  readonly durationMs: { readonly sum: number; readonly max: number };
}

/** Counts runs as they begin and end. */
export class ChildRunCounter {
  #started = 0;
  #running = 0;
  #peak = 0;
  #sumMs = 0;
  #maxMs = 0;
  readonly #byStatus: Record<RunStatus, number> = { completed: 0, failed: 0, blocked: 0, cancelled: 0, suspended: 0 };

  get running(): number {
    return this.#running;
  }

  begins(): void {
    this.#started++;
    this.#running++;
    this.#peak = Math.max(this.#peak, this.#running);
  }

  ends(status: RunStatus, durationMs: number): void {
    this.#running--;
    this.#byStatus[status]++;
    this.#sumMs += durationMs;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
  }

  snapshot(): ChildRuns {
    const durationMs = { sum: this.#sumMs, max: this.#maxMs };
    return { started: this.#started, running: this.#running, peak: this.#peak, byStatus: { ...this.#byStatus }, durationMs };
  }
}
