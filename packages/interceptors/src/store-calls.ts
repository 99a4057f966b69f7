import { type InterceptedStage, isStageflowError, StageflowError } from '@stageflow/core';
import type { IdempotencyStore, StoreCallOptions } from '@stageflow/core/ports';
import { idempotencyStoreFailed } from './errors.ts';
import { locationOf } from './location.ts';

/** Calls a store for one stage: what throws, rejects or takes too long is one error. */
export class StoreCalls {
  readonly #store: IdempotencyStore;
  readonly #stage: InterceptedStage;
  readonly #timeoutMs: number;

  constructor(store: IdempotencyStore, stage: InterceptedStage, timeoutMs: number) {
    this.#store = store;
    this.#stage = stage;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param name - Of the method, for the error.
   * @param whileWanted - Where it aborts, the call is not waited for any more.
   * @param onLate - Takes what comes of a call that was not waited for.
   * @throws SF_IDEMPOTENCY_STORE_FAILED; the reason of `whileWanted`.
   */
  async call<T>(
    name: string,
    method: (store: IdempotencyStore, options: StoreCallOptions) => Promise<T>,
    { whileWanted, onLate }: { readonly whileWanted?: AbortSignal; readonly onLate?: (result: T) => void } = {},
  ): Promise<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const stop = (): void => controller.abort(whileWanted?.reason);
    const timer = this.#stage.clock.schedule(() => {
      controller.abort(this.failed(name, `it did not answer within ${this.#timeoutMs} ms.`));
    }, this.#timeoutMs);
    whileWanted?.addEventListener('abort', stop);
    if (whileWanted?.aborted === true) stop();
    let over = false;
    const result = this.#settled(name, () => method(this.#store, { signal }));
    result.then(
      (late) => over && onLate?.(late),
      () => {},
    );
    try {
      return await Promise.race([result, abortOf(signal)]);
    } finally {
      over = true;
      timer.cancel();
      whileWanted?.removeEventListener('abort', stop);
    }
  }

  async #settled<T>(name: string, method: () => Promise<T>): Promise<T> {
    try {
      return await method();
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw this.failed(name, /[.!?]$/.test(why) ? why : `${why}.`, thrown);
    }
  }

  /** The store did not do what it was asked for. */
  failed(call: string, why: string, cause?: unknown): StageflowError {
    const details = { stage: this.#stage.stage, store: this.#store.name, call, why };
    return new StageflowError(idempotencyStoreFailed, details, {
      ...locationOf(this.#stage),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** Whether it is the store that failed. */
export function isStoreFailure(error: unknown): error is StageflowError {
  return isStageflowError(error, idempotencyStoreFailed);
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
