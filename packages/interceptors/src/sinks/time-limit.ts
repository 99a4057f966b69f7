import type { Clock } from '@stageflow/core/ports';

/** Ends what takes too long: each piece of work by a limit of its own, all of them at once when the end has come. */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #running = new Set<(timeoutMs: number) => void>();
  /** Set once the time for everything is over, with how long that was. */
  #overAfterMs: number | undefined;
  #ends = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOver(): boolean {
    return this.#overAfterMs !== undefined;
  }

  get overAfterMs(): number {
    return this.#overAfterMs ?? 0;
  }

  /** Does `work` until the end of it, but gives everything that is then under way up after `timeoutMs`. */
  async during(work: Promise<void>, timeoutMs: number): Promise<void> {
    this.#ends++;
    const timer = this.#clock.schedule(() => {
      this.#overAfterMs = timeoutMs;
      for (const stop of [...this.#running]) stop(timeoutMs);
    }, timeoutMs);
    await work;
    timer.cancel();
    if (--this.#ends === 0) this.#overAfterMs = undefined;
  }

  /** Settles as `work` does, or rejects with what `late` makes of the limit that was passed; its signal aborts then. */
  limited<T>(work: (signal: AbortSignal) => T | Promise<T>, timeoutMs: number, late: (timeoutMs: number) => Error): Promise<T> {
    const controller = new AbortController();
    return new Promise<T>((resolve, reject) => {
      const over = (): void => {
        timer.cancel();
        this.#running.delete(stop);
      };
      const stop = (afterMs: number): void => {
        over();
        const error = late(afterMs);
        reject(error);
        controller.abort(error);
      };
      const timer = this.#clock.schedule(() => stop(timeoutMs), timeoutMs);
      this.#running.add(stop);
      void Promise.resolve()
        .then(() => work(controller.signal))
        .then(resolve, reject)
        .then(over);
    });
  }

  /** Waits, unless everything is over first. */
  pause(ms: number): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = (): void => {
        timer.cancel();
        this.#running.delete(stop);
        resolve();
      };
      const timer = this.#clock.schedule(stop, ms);
      this.#running.add(stop);
    });
  }
}
