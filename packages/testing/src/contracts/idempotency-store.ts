import type { IdempotencyStore } from '@stageflow/core/ports';
import type { ContractCase } from './contract-case.ts';
import { idempotencyStoreClaimCases } from './idempotency-store-claims.ts';
import { idempotencyStoreLeaseCases } from './idempotency-store-leases.ts';
import { idempotencyStoreRecordCases } from './idempotency-store-records.ts';

/** A store, and its time. */
export interface IdempotencyStoreSubject {
  readonly store: IdempotencyStore;
  /** Lets `ms` pass for the store: moves a virtual clock, or waits. Cases ask for at most 600 ms in all. */
  readonly advance: (ms: number) => Promise<void>;
}

/**
 * What every `IdempotencyStore` must do: claims, tokens, leases, records and their time, parameters, tenants, notice.
 * What a store is told lasts long where a case does not wait for its end, and at least 200 ms where it does.
 *
 * @example
 * ```ts
 * import { idempotencyStoreContract, virtualClock } from '@stageflow/testing';
 *
 * test.each(idempotencyStoreContract)('$name', ({ run }) => {
 *   const clock = virtualClock();
 *   return run({ store: myStore({ clock }), advance: (ms) => clock.advance(ms) });
 * });
 * ```
 */
export const idempotencyStoreContract: readonly ContractCase<IdempotencyStoreSubject>[] = [
  ...idempotencyStoreClaimCases,
  ...idempotencyStoreLeaseCases,
  ...idempotencyStoreRecordCases,
];
