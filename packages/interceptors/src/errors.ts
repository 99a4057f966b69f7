import { defineError, type ErrorDefinition, isStageflowError, type StageflowError } from '@stageflow/core';

/** What {@link breakerOpen} carries. */
export interface BreakerOpenDetails {
  readonly breaker: string;
  readonly key: string;
  readonly stage: string;
  readonly state: 'open' | 'half-open';
  /** Milliseconds until the first call may pass; 0 where that depends on the one that is being tried. A retry waits for it. */
  readonly retryAfterMs: number;
}

/** A circuit breaker let no call through: what it stands before has failed too often. Nothing was called. Retryable. */
export const breakerOpen: ErrorDefinition<'SF_BREAKER_OPEN', BreakerOpenDetails> = defineError('SF_BREAKER_OPEN', {
  message: ({ breaker, key, stage, state }: BreakerOpenDetails) =>
    `Stage "${stage}" was not called: breaker "${breaker}" is ${state} for "${key}".`,
  hint: () => 'Look at why the calls before it failed. To do without its value meanwhile, give the stage a fallback.',
  retryable: true,
});

/** What {@link bulkheadFull} carries. */
export interface BulkheadFullDetails {
  readonly bulkhead: string;
  readonly key: string;
  readonly stage: string;
  readonly why: 'queue_full' | 'queue_timeout';
  /** The number of places in the queue, or the milliseconds that one may wait: which was reached. */
  readonly limit: number;
}

/** A bulkhead had no slot for a call and no place to wait for one, or the wait took too long. Nothing was called. Retryable. */
export const bulkheadFull: ErrorDefinition<'SF_BULKHEAD_FULL', BulkheadFullDetails> = defineError('SF_BULKHEAD_FULL', {
  message: ({ bulkhead, key, stage, why, limit }: BulkheadFullDetails) =>
    `Stage "${stage}" was not called: bulkhead "${bulkhead}" had no slot for "${key}", and ${
      why === 'queue_full' ? `its queue of ${limit} is full` : `none came free within ${limit} ms`
    }.`,
  hint: () => 'Retry later, or raise the capacity or the queue of the bulkhead.',
  retryable: true,
});

/** What {@link rateLimited} carries. */
export interface RateLimitedDetails {
  readonly limit: string;
  readonly key: string;
  readonly stage: string;
  readonly calls: number;
  readonly perMs: number;
  /** Milliseconds until the next call can be granted. A retry waits for it. */
  readonly retryAfterMs: number;
}

/** A rate limit with `onLimit: 'fail'` was reached. Nothing was called. Retryable. */
export const rateLimited: ErrorDefinition<'SF_RATE_LIMITED', RateLimitedDetails> = defineError('SF_RATE_LIMITED', {
  message: ({ limit, key, stage, calls, perMs }: RateLimitedDetails) =>
    `Stage "${stage}" was not called: limit "${limit}" grants "${key}" ${calls} in ${perMs} ms.`,
  hint: () => 'Retry later, raise the limit, or let stages wait: "onLimit: \'wait\'".',
  retryable: true,
});

const refusals = [breakerOpen, bulkheadFull, rateLimited];

/** Whether nothing was called because of one of this package's limits. */
export function isRefusal(error: unknown): error is StageflowError {
  return refusals.some(({ code }) => isStageflowError(error, code));
}

/** A sink with `overflow: 'error'` had no room for an event. */
export const sinkOverflow: ErrorDefinition<'SF_SINK_OVERFLOW', { readonly sink: string; readonly size: number; readonly event: string }> =
  defineError('SF_SINK_OVERFLOW', {
    message: ({ sink, size, event }) => `Sink "${sink}" has no room for "${event}": ${size} events wait already.`,
    hint: () => 'Raise "size", make the destination faster, or let the sink drop events with overflow "drop-oldest".',
    retryable: true,
  });

/** Events did not reach their destination in time. */
export const exportTimeout: ErrorDefinition<
  'SF_EXPORT_TIMEOUT',
  { readonly sink: string; readonly events: number; readonly timeoutMs: number }
> = defineError('SF_EXPORT_TIMEOUT', {
  message: ({ sink, events, timeoutMs }) =>
    `Sink "${sink}" could not export ${events} ${events === 1 ? 'event' : 'events'} within ${timeoutMs} ms.`,
  hint: () => 'Look at what "export" waits for, and see that it obeys its signal; raise "timeoutMs", or "flushTimeoutMs" at the end.',
  retryable: true,
});
