import type { Clock, RateLimit, RateLimitAnswer, RateLimiter, RateLimitRequest } from '@stageflow/core/ports';
import { ForgetfulMap } from './forgetful-map.ts';
import { aCount, aDuration, checkOptions } from './option-rules.ts';

/** What {@link memoryRateLimiter} takes. */
export interface MemoryRateLimiterOptions {
  /** Tells it the time. @default the monotonic clock of the host */
  readonly clock?: Pick<Clock, 'monotonic'> | undefined;
}

/** Sums of fractions miss a moment by less than this many milliseconds. */
const precisionMs = 1e-3;

/**
 * Makes a rate limiter that counts in this process: by the generic cell rate algorithm, one number a key. Keys that have all of
 * their calls again are forgotten.
 *
 * @example
 * ```ts
 * const limiter = memoryRateLimiter();
 * const answer = await limiter.take({ key: 'acme', limit: { calls: 10, perMs: 1_000 } });
 * if (!answer.granted) console.log(`again in ${answer.retryAfterMs} ms`);
 * ```
 */
export function memoryRateLimiter({ clock = performanceClock }: MemoryRateLimiterOptions = {}): RateLimiter {
  // When all calls of a key will have come back: the "theoretical arrival time" of the algorithm.
  const fullAt = new ForgetfulMap<number>();
  let checked: RateLimit | undefined;
  return {
    name: 'memory',
    async take({ key, limit, signal }: RateLimitRequest): Promise<RateLimitAnswer> {
      signal?.throwIfAborted();
      if (limit !== checked) checkOptions('take()', { 'limit.calls': [limit.calls, aCount], 'limit.perMs': [limit.perMs, aDuration] });
      checked = limit;
      const { calls, perMs } = limit;
      const now = clock.monotonic();
      const next = Math.max(fullAt.get(key) ?? now, now) + perMs / calls;
      const waitMs = next - perMs - now;
      if (waitMs > precisionMs) return { granted: false, retryAfterMs: Math.ceil(waitMs) };
      fullAt.set(key, next, (at) => at <= now);
      return { granted: true };
    },
  };
}

const performanceClock: Pick<Clock, 'monotonic'> = { monotonic: () => performance.now() };
