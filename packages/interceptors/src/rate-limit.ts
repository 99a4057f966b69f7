import { type InterceptedStage, type Interceptor, type InterceptorScope, StageflowError, type StageOutcome } from '@stageflow/core';
import type { Clock, RateLimit, RateLimitAnswer, RateLimiter, Timer } from '@stageflow/core/ports';
import { rateLimited } from './errors.ts';
import { aCount, aDuration, aFunction, aName, anObjectWith, checkOptions, longestTimerMs, oneOf } from './option-rules.ts';
import { keyOf, locationOf, type StageKey } from './stage-key.ts';
import { Turns } from './turns.ts';
import { unlessAborted } from './unless-aborted.ts';

/** What {@link rateLimit} takes. */
export interface RateLimitOptions {
  /** Names the limit in errors, and is part of what the limiter counts by: limits of other names are counted apart. */
  readonly name: string;
  /** Which stages it stands before. @default every stage */
  readonly only?: InterceptorScope | undefined;
  /** Counts the calls: in this process, or for all that share what is behind it. */
  readonly limiter: RateLimiter;
  readonly limit: RateLimit;
  /** Calls with one key are counted together. @default those of each tenant and stage for themselves */
  readonly key?: StageKey | undefined;
  /** What an attempt does that is not granted: waits, or fails with SF_RATE_LIMITED. @default 'wait' */
  readonly onLimit?: 'wait' | 'fail' | undefined;
}

/**
 * Makes a rate limit: each attempt takes a call from the limiter before its stage is called.
 *
 * Where none is left it waits, in the order of arrival among the attempts of this process: queue time, never failure, ended by the
 * signal. Or it fails with SF_RATE_LIMITED, which is retryable and carries `retryAfterMs`: a retry policy waits that long. Where the
 * limiter fails, the attempt fails: no call is made that was not granted.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const quota = rateLimit({
 *   name: 'model calls',
 *   only: { tags: ['model'] },
 *   limiter: memoryRateLimiter(),
 *   limit: { calls: 60, perMs: 60_000 },
 * });
 * ```
 */
export function rateLimit({ name, only, limiter, limit, key = byTenantAndStage, onLimit = 'wait' }: RateLimitOptions): Interceptor {
  checkOptions('rateLimit()', {
    name: [name, aName],
    limiter: [limiter, anObjectWith('take')],
    'limit.calls': [limit?.calls, aCount],
    'limit.perMs': [limit?.perMs, aDuration],
    key: [key, aFunction],
    onLimit: [onLimit, oneOf('wait', 'fail')],
  });
  const turns = new Turns();
  return {
    name,
    only,
    async attempt(stage, next): Promise<StageOutcome> {
      const { signal, clock } = stage;
      const own = keyOf(key, stage, name);
      // Both in one string that no other pair gives.
      const counted = JSON.stringify([name, own]);
      const take = (): Promise<RateLimitAnswer> => unlessAborted(limiter.take({ key: counted, limit, signal }), signal);
      if (onLimit === 'fail' || !turns.isWaitedFor(counted)) {
        const answer = await take();
        if (answer.granted) return next();
        if (onLimit === 'fail') throw refusal(name, own, stage, limit, answer.retryAfterMs);
      }
      await turns.take(counted, signal, () => untilGranted(take, clock, signal));
      return next();
    },
  };
}

function refusal(name: string, key: string, stage: InterceptedStage, limit: RateLimit, retryAfterMs: number): StageflowError {
  const { calls, perMs } = limit;
  return new StageflowError(rateLimited, { limit: name, key, stage: stage.stage, calls, perMs, retryAfterMs }, locationOf(stage));
}

/** Stage names hold no `/`, so no tenant can stand for another. */
function byTenantAndStage({ identity: { tenantId }, stage }: InterceptedStage): string {
  return tenantId === undefined ? stage : `${tenantId}/${stage}`;
}

async function untilGranted(take: () => Promise<RateLimitAnswer>, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let answer = await take(); !answer.granted; answer = await take()) await pause(clock, answer.retryAfterMs, signal);
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  let timer: Timer | undefined;
  const over = new Promise<void>((resolve) => {
    timer = clock.schedule(resolve, Math.min(longestTimerMs, Math.max(1, ms)));
  });
  try {
    await unlessAborted(over, signal);
  } finally {
    timer?.cancel();
  }
}
