import type { Encoded, IdempotencyClaim, IdempotencyIdentity, IdempotencyRecord, IdempotencyStore } from '@stageflow/core/ports';

/** Longer than any case lasts, milliseconds. */
export const longMs = 600_000;

/** The end of this is waited for, milliseconds. */
export const shortMs = 200;

/** A call, told apart from others by what is given. */
export function call(members: Partial<IdempotencyIdentity> = {}): IdempotencyIdentity {
  return { tenantId: 't', scope: 'shop/pay', key: 'order-1', ...members };
}

/** A claim of a call without parameters, held long. */
export function claim(members: Partial<IdempotencyClaim> = {}): IdempotencyClaim {
  return { paramsHash: undefined, leaseMs: longMs, ...members };
}

/** What is kept of a call, long. */
export function kept(value: unknown, members: Partial<IdempotencyRecord> = {}): IdempotencyRecord {
  return { record: JSON.stringify(value) as Encoded, ttlMs: longMs, ...members };
}

/** The token of a claim that must succeed. */
export async function taken(
  store: IdempotencyStore,
  identity: IdempotencyIdentity = call(),
  members: Partial<IdempotencyClaim> = {},
): Promise<number> {
  const result = await store.claim(identity, claim(members));
  if (result.status !== 'claimed') throw new Error(`expected to have the call, was told "${result.status}"`);
  return result.token;
}

/** What a claim is told, without what differs from store to store. */
export async function statusOf(
  store: IdempotencyStore,
  identity: IdempotencyIdentity = call(),
  members: Partial<IdempotencyClaim> = {},
): Promise<string> {
  return (await store.claim(identity, claim(members))).status;
}
