import type { StageflowError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

/** One call of a stage's function that has limits or can be repeated. */
export class Attempt {
  /** 1-based. */
  readonly number: number;
  /** Monotonic milliseconds when its function was called, where someone wants to know. */
  startedMono = 0;
  /** Whether its function was called. */
  called = false;
  /** Why it was given up; it may still be settling. */
  givenUp: StageflowError | undefined;
  /** Nothing it does counts any more: it has settled, or its grace has passed. */
  over = false;
  /** Whether what it came to has been taken. */
  applied = false;
  lastSignMono = 0;
  readonly #clock: Clock;
  #controller: AbortController | undefined;
  #abortReason: { readonly reason: unknown } | undefined;

  constructor(number: number, clock: Clock) {
    this.number = number;
    this.#clock = clock;
  }

  /** Made when it is first read. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason.reason);
    }
    return this.#controller.signal;
  }

  /** Why it is aborted; `undefined` where it is not. */
  get abortReason(): { readonly reason: unknown } | undefined {
    return this.#abortReason;
  }

  /** The first reason wins. */
  abort(reason: unknown): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = { reason };
    this.#controller?.abort(reason);
  }

  /** Its function is called: its limits count from here. */
  startClock(): void {
    this.startedMono = this.#clock.monotonic();
    this.lastSignMono = this.startedMono;
  }

  heartbeat(): void {
    this.lastSignMono = this.#clock.monotonic();
  }
}
