/** So many calls in so much time. */
export interface RateLimit {
  /** Calls that one key may make in `perMs`, and at once where it has made none for that long; an integer >= 1. */
  readonly calls: number;
  /** Milliseconds, above 0. */
  readonly perMs: number;
}

/** One call that wants to be made. */
export interface RateLimitRequest {
  /** Whose calls are counted together. The tenant is part of it where tenants have limits of their own. One key goes with one limit. */
  readonly key: string;
  readonly limit: RateLimit;
  /** Ends the wait for an answer; what was taken stays taken. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Whether the call may be made, or when it is worth asking again. */
export type RateLimitAnswer =
  | { readonly granted: true }
  | {
      readonly granted: false;
      /** Milliseconds until the next call of this key can be granted, above 0: where nobody else asks meanwhile, it then is. */
      readonly retryAfterMs: number;
    };

/**
 * Counts calls by key. Several processes may share what is behind one.
 *
 * The algorithm is that of every adapter, so that one stands in for another: the generic cell rate algorithm (ITU-T I.371,
 * annex A), the token bucket in one number a key. A key may save up `limit.calls`, and gains one each
 * `limit.perMs / limit.calls` milliseconds. In any span of `t` milliseconds it is granted at most
 * `limit.calls * (1 + t / limit.perMs)`.
 */
export interface RateLimiter {
  readonly name: string;
  /**
   * Takes one call of a key, or says when to come back. Atomic: of any number of requests at once no more are granted than
   * the limit has. A refusal takes nothing, and holds no place. Time is that of the limiter. A key that was never asked for has all
   * of its calls.
   *
   * Rejects where it cannot tell, and with the signal's reason once that aborts; it never grants because it cannot tell.
   */
  take(request: RateLimitRequest): Promise<RateLimitAnswer>;
}
