import type { StageflowError } from '../errors.ts';

/** One call of a stage's function that has limits or can be repeated. */
export class Attempt {
  /** 1-based. */
  readonly number: number;
  /** Monotonic milliseconds: when its function was called; before that, when it began. */
  startedMono: number;
  /** Whether its function was called. */
  called = false;
  /** Why it was given up; it may still be settling. */
  givenUp: StageflowError | undefined;
  /** Nothing it does counts any more: it has settled, or its grace has passed. */
  over = false;
  /** Whether what it came to has been taken. */
  applied = false;
  lastSignMono: number;
  readonly #monotonic: () => number;
  #controller: AbortController | undefined;
  #abortReason: { readonly reason: unknown } | undefined;

  constructor(number: number, monotonic: () => number) {
    this.number = number;
    this.#monotonic = monotonic;
    this.startedMono = monotonic();
    this.lastSignMono = this.startedMono;
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

  /** Its limits count from here. */
  restart(): void {
    this.startedMono = this.#monotonic();
    this.lastSignMono = this.startedMono;
  }

  heartbeat(): void {
    this.lastSignMono = this.#monotonic();
  }
}
