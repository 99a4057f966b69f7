import type { Encoded } from '../durable/codec.ts';

/** Which calls of an effect are one call. Two identities are the same where all three members are. */
export interface IdempotencyIdentity {
  /** `undefined` is a tenant of its own, and not the one of the empty name. */
  readonly tenantId: string | undefined;
  readonly scope: string;
  readonly key: string;
}

/** What a caller that wants to make the call says. */
export interface IdempotencyClaim extends StoreCallOptions {
  /** Of the parameters; `undefined` where nothing is to be compared. */
  readonly paramsHash: string | undefined;
  /** How long the call is the caller's to make if it says nothing more, milliseconds. */
  readonly leaseMs: number;
}

/** What became of a claim. */
export type ClaimResult =
  /**
   * The call is the caller's. `token` is greater than every token that was given for this identity before, also where
   * nothing is left of those claims.
   */
  | { readonly status: 'claimed'; readonly token: number }
  /** Another holds the call, for at most `leaseEndsInMs` more unless it renews. */
  | { readonly status: 'held'; readonly leaseEndsInMs: number }
  /** The call was made, and this is what was kept of it. */
  | { readonly status: 'settled'; readonly record: Encoded }
  /** The call was made, or is held, with other parameters: both hashes are there, and differ. */
  | { readonly status: 'mismatch'; readonly paramsHash: string };

/** What is kept of a call that was made. */
export interface IdempotencyRecord extends StoreCallOptions {
  readonly record: Encoded;
  /** How long it is kept, milliseconds. */
  readonly ttlMs: number;
}

/** What every method can be given. */
export interface StoreCallOptions {
  /** The caller does not wait any longer; the method may still take effect. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Remembers which calls of effects were made, so that each is made once. Many processes may use one store at once.
 *
 * For each identity it keeps nothing, or who holds the call until when, or what was kept of it until when. A lease or a
 * record whose time has passed is as if it had never been. Durations are measured by the store: the clocks of callers may
 * differ. Every method is atomic, takes effect before it resolves, and rejects where the store cannot be reached.
 */
export interface IdempotencyStore {
  readonly name: string;
  /** Takes the call where nobody holds it and nothing is kept of it. Of many at once, one is told `claimed`. */
  claim(identity: IdempotencyIdentity, claim: IdempotencyClaim): Promise<ClaimResult>;
  /** Holds the call for `leaseMs` from now; `false`, and nothing changes, where `token` does not hold it any more. */
  renew(identity: IdempotencyIdentity, token: number, lease: StoreCallOptions & { readonly leaseMs: number }): Promise<boolean>;
  /**
   * Keeps what came of the call, and ends the lease. Of one token the first record counts, and `true` is the answer to all
   * others; `false`, and nothing is kept, where `token` does not hold the call any more.
   */
  settle(identity: IdempotencyIdentity, token: number, record: IdempotencyRecord): Promise<boolean>;
  /** Gives the call back, so that another may make it; `false`, and nothing changes, where `token` does not hold it any more. */
  release(identity: IdempotencyIdentity, token: number, options?: StoreCallOptions): Promise<boolean>;
  /** Drops whatever is kept, for people who clear a key: a record, or a lease, whose holder then keeps nothing. Whether there was anything. */
  forget(identity: IdempotencyIdentity, options?: StoreCallOptions): Promise<boolean>;
  /**
   * Resolves when the call is not held any more because it was settled, released or forgotten: at once where it is not held.
   * It may resolve for no reason, and need not where a lease runs out. Where it is absent, callers ask again from time to time.
   */
  whenFree?(identity: IdempotencyIdentity, options?: StoreCallOptions): Promise<void>;
}
