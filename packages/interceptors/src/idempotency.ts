import type { InterceptedStage, Interceptor, StageflowError } from '@stageflow/core';
import type { IdempotencyStore } from '@stageflow/core/ports';
import { callAt, callsAbove } from './calls-under-way.ts';
import { EffectCall } from './effect-call.ts';
import { identify, waitsForItself } from './effect-identity.ts';
import { aDuration, aPositiveNumber, checkOptions } from './option-rules.ts';

/** What {@link idempotency} takes. */
export interface IdempotencyOptions {
  /** Remembers which calls were made. Runtimes that share it share what they remember. */
  readonly store: IdempotencyStore;
  /** How long a value is remembered where the work does not say, milliseconds. @default 86_400_000, a day */
  readonly ttlMs?: number | undefined;
  /**
   * How long a call stays with a process that says nothing more, milliseconds; then another may make it. Renewed all the
   * while, so it is about pauses and deaths of processes, not about how long the effect takes. @default 30_000
   */
  readonly leaseMs?: number | undefined;
  /** How long the store may take to answer, milliseconds. @default 5_000 */
  readonly storeTimeoutMs?: number | undefined;
  /** Which failures are remembered as values are, so that a repeat fails at once. @default none */
  readonly rememberFailure?: ((error: StageflowError) => boolean) | undefined;
  /**
   * What becomes of an effect when the store cannot say whether it was made. `'fail'`: it is not called. `'run'`: it is
   * called all the same, and the event `idempotency.bypassed` says so. @default 'fail'
   */
  readonly onStoreFailure?: 'fail' | 'run' | undefined;
}

/**
 * Makes each effect once. It stands around `work` that declares `idempotencyKey`: of all calls with one tenant, scope and
 * key, in any run of any process on the store, one is made, and the others get its value, flagged `cached` and checked by
 * the contract again. Who comes while it is made waits for it.
 *
 * Fails the stage, which is then not called: SF_IDEMPOTENCY_MISMATCH, SF_IDEMPOTENCY_FAILED_BEFORE,
 * SF_IDEMPOTENCY_KEY_INVALID, SF_IDEMPOTENCY_STORE_FAILED. Fails it while it runs or after: SF_IDEMPOTENCY_LEASE_LOST,
 * and SF_NOT_SERIALIZABLE where its value cannot be kept.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const charge = work('charge', {
 *   needs: { order },
 *   idempotencyKey: ({ order }) => order.id,
 *   deduplicate: { scope: 'charges', params: ({ order }) => order.total },
 *   run: ({ order }, { idempotencyKey }) => bank.charge(order, { idempotencyKey }),
 * });
 * const runtime = createRuntime({ pipelines: [checkout], interceptors: [idempotency({ store })] });
 * ```
 */
export function idempotency(options: IdempotencyOptions): Interceptor {
  const { store, ttlMs = 86_400_000, leaseMs = 30_000, storeTimeoutMs = 5_000, rememberFailure, onStoreFailure = 'fail' } = options;
  checkOptions('idempotency()', {
    ttlMs: [ttlMs, aPositiveNumber],
    leaseMs: [leaseMs, aDuration],
    storeTimeoutMs: [storeTimeoutMs, aDuration],
  });
  const settings = { store, ttlMs, leaseMs, storeTimeoutMs, rememberFailure, onStoreFailure };
  return {
    name: 'idempotency',
    only: { kinds: ['work'] },
    deduplicates: true,
    async stage(stage: InterceptedStage, next) {
      const identified = identify(stage);
      if (identified === undefined) return next();
      const call = new EffectCall(settings, stage, identified);
      // Another interceptor on the store, around this one, holds the call already.
      if (callAt(stage)?.isSameAs(call) === true) return next();
      if (callsAbove(stage).some((above) => above.isSameAs(call))) throw waitsForItself(stage);
      return call.through(next);
    },
    attempt: (stage, next) => callAt(stage)?.attempt(next) ?? next(),
  };
}
