import type { StageOutcome } from '../outcome.ts';

/** Who wants to know when a stage has ended. */
export class Watchers {
  readonly #callbacks = new Map<number, (() => void)[]>();

  add(index: number, callback: () => void): void {
    const known = this.#callbacks.get(index);
    if (known === undefined) this.#callbacks.set(index, [callback]);
    else known.push(callback);
  }

  /** Once each. */
  tell(index: number): void {
    const callbacks = this.#callbacks.get(index);
    if (callbacks === undefined) return;
    this.#callbacks.delete(index);
    for (const callback of callbacks) callback();
  }
}

/** Who has a say before a stage ends. */
export class HeldBack {
  readonly #callbacks = new Map<number, (outcome: StageOutcome) => void>();

  set(index: number, callback: ((outcome: StageOutcome) => void) | undefined): void {
    if (callback === undefined) this.#callbacks.delete(index);
    else this.#callbacks.set(index, callback);
  }

  has(index: number): boolean {
    return this.#callbacks.has(index);
  }

  /** Whether somebody has taken the outcome, so that the stage has not ended. */
  take(index: number, outcome: StageOutcome): boolean {
    const callback = this.#callbacks.get(index);
    callback?.(outcome);
    return callback !== undefined;
  }
}
