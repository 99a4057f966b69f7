import { StageflowError } from '@stageflow/core';
import type { RateLimit, RateLimitAnswer, RateLimiter, RateLimitRequest } from '@stageflow/core/ports';
import { keyPart } from './key-part.ts';
import type { RedisClient } from './redis-client.ts';
import { RedisScript, unavailable } from './redis-script.ts';

/** What {@link redisRateLimiter} takes. */
export interface RedisRateLimiterOptions {
  /** A client of `ioredis`, of one server or of a cluster. It stays the host's. */
  readonly redis: RedisClient;
  /** What the keys begin with. Limiters with one prefix on one server or cluster count together. @default 'stageflow' */
  readonly prefix?: string | undefined;
  /**
   * What a call is told that Redis gives no answer to. `'deny'`: it fails with SF_REDIS_UNAVAILABLE, and nothing is called.
   * `'allow'`: it is granted, so there is no limit while Redis is down. @default 'deny'
   */
  readonly whenDown?: 'deny' | 'allow' | undefined;
  /** How long Redis may take to answer, milliseconds. @default 1_000 */
  readonly timeoutMs?: number | undefined;
}

/** The longest delay that timers of the platform keep: 2^31 - 1 milliseconds, about 24.8 days. */
const longestTimerMs = 2_147_483_647;

/**
 * Arguments: calls, ms. Gives 0 where the call is granted, or the whole milliseconds until one is.
 *
 * The key holds when all calls of it will have come back. Where the clock of the server was set back, or another server took over whose
 * clock is behind, it waits no longer than if all calls had been made just now.
 */
const takeScript = new RedisScript(`
local calls, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = tonumber(redis.call('GET', KEYS[1]) or now)
local next = math.min(math.max(full, now), now + per) + per / calls
local wait = next - per - now
if wait > 0.001 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.17g', next), 'PX', string.format('%d', math.ceil(next - now)))
return 0
`);

/**
 * Makes a rate limiter on Redis: all processes that share the server or cluster, and the prefix, count together. By the generic
 * cell rate algorithm, one number a key, by the clock of the server. A key is dropped when it has all of its calls again. Where a replica takes over
 * that had not been told of the last calls, those are not counted.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const limiter = redisRateLimiter({ redis: new Redis('redis://127.0.0.1:6379') });
 * const quota = rateLimit({ name: 'model calls', limiter, limit: { calls: 60, perMs: 60_000 } });
 * ```
 */
export function redisRateLimiter({
  redis,
  prefix = 'stageflow',
  whenDown = 'deny',
  timeoutMs = 1_000,
}: RedisRateLimiterOptions): RateLimiter {
  if (whenDown !== 'deny' && whenDown !== 'allow') throw invalid('whenDown of redisRateLimiter()', '"deny" or "allow"', whenDown);
  checkDuration('timeoutMs of redisRateLimiter()', timeoutMs);
  return {
    name: 'redis',
    async take({ key, limit, signal }: RateLimitRequest): Promise<RateLimitAnswer> {
      signal?.throwIfAborted();
      checkLimit(limit);
      const stop = new AbortController();
      const onAbort = (): void => stop.abort(signal?.reason);
      signal?.addEventListener('abort', onAbort);
      const timer = setTimeout(() => stop.abort(unavailable('take()', `it did not answer within ${timeoutMs} ms`)), timeoutMs);
      try {
        const args = [`${prefix}:rate:${keyPart(key)}`, String(limit.calls), String(limit.perMs)] as const;
        const retryAfterMs = Number(await takeScript.run(redis, 'take()', args, stop.signal));
        return retryAfterMs === 0 ? { granted: true } : { granted: false, retryAfterMs };
      } catch (error) {
        if (whenDown === 'deny' || signal?.aborted === true) throw error;
        return { granted: true };
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}

function checkLimit({ calls, perMs }: RateLimit): void {
  if (!(Number.isSafeInteger(calls) && calls >= 1)) throw invalid('limit.calls of take()', 'an integer of at least 1', calls);
  checkDuration('limit.perMs of take()', perMs);
}

function checkDuration(option: string, ms: number): void {
  if (ms > 0 && ms <= longestTimerMs) return;
  throw invalid(option, `a number of milliseconds above 0 and at most ${longestTimerMs}`, ms);
}

function invalid(option: string, expected: string, received: unknown): StageflowError {
  return new StageflowError('SF_OPTION_INVALID', { option, expected, received: String(received) });
}
