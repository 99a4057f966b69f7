import type { Clock, Timer } from '../ports/clock.ts';
import type { AnsweredWait, RunStore } from '../ports/run-store.ts';

/** Has a store tell of answers, whichever process gives them, until it is stopped. */
export class AnswerWatch {
  readonly #watch: NonNullable<RunStore['watch']>;
  readonly #clock: Clock;
  readonly #retryMs: number;
  readonly #onAnswer: (answered: AnsweredWait) => void;
  #isStopped = false;
  #retry: Timer | undefined;
  #watching: Promise<(() => Promise<void>) | undefined>;

  constructor(watch: NonNullable<RunStore['watch']>, clock: Clock, retryMs: number, onAnswer: (answered: AnsweredWait) => void) {
    this.#watch = watch;
    this.#clock = clock;
    this.#retryMs = retryMs;
    this.#onAnswer = onAnswer;
    this.#watching = this.#begin();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#retry?.cancel();
    const end = await this.#watching;
    // Whoever stops has no more use for the connection, in whatever state it is.
    await end?.().catch(() => undefined);
  }

  /** A store that cannot be watched now may be later; runs that were answered stay due meanwhile. */
  async #begin(): Promise<(() => Promise<void>) | undefined> {
    try {
      return await this.#watch((answered) => {
        if (!this.#isStopped) this.#onAnswer(answered);
      });
    } catch {
      if (!this.#isStopped)
        this.#retry = this.#clock.schedule(() => {
          this.#watching = this.#begin();
        }, this.#retryMs);
      return undefined;
    }
  }
}
