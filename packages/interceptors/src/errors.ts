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

/** What an error of one call of an effect says of it. */
interface Call {
  readonly stage: string;
  readonly key: string;
}

/** What a `work` says about repeats of its effect cannot be used; it was not called. */
export const idempotencyKeyInvalid: ErrorDefinition<'SF_IDEMPOTENCY_KEY_INVALID', { readonly stage: string; readonly why: string }> =
  defineError('SF_IDEMPOTENCY_KEY_INVALID', {
    message: ({ stage, why }) => `Nothing says which calls of "${stage}" are one: ${why}.`,
    hint: () => 'Let idempotencyKey return a string that is not empty, and deduplicate.params plain data.',
  });

/** The key was used before, with other parameters; the effect was not called. */
export const idempotencyMismatch: ErrorDefinition<'SF_IDEMPOTENCY_MISMATCH', Call & { readonly scope: string }> = defineError(
  'SF_IDEMPOTENCY_MISMATCH',
  {
    message: ({ stage, key, scope }) => `"${stage}" was given the key "${key}", which was used before in "${scope}" with other parameters.`,
    hint: () => 'Make the key of what tells two effects apart, or give the new effect a new key.',
  },
);

/** The effect failed before, and failures of its kind are remembered; it was not called. */
export const idempotencyFailedBefore: ErrorDefinition<
  'SF_IDEMPOTENCY_FAILED_BEFORE',
  Call & { readonly runId: string; readonly error: string }
> = defineError('SF_IDEMPOTENCY_FAILED_BEFORE', {
  message: ({ stage, key, runId, error }) => `"${stage}" failed before for the key "${key}", in run "${runId}": ${error}`,
  hint: () => 'Use a new key to try again, or let rememberFailure say no to failures that may go away.',
});

/** Another may have made the call meanwhile, so what came of this one does not count. */
export const idempotencyLeaseLost: ErrorDefinition<'SF_IDEMPOTENCY_LEASE_LOST', Call & { readonly leaseMs: number }> = defineError(
  'SF_IDEMPOTENCY_LEASE_LOST',
  {
    message: ({ stage, key, leaseMs }) =>
      `"${stage}" did not hold the key "${key}" any more when it ended: its lease of ${leaseMs} ms was not renewed in time, or the key was cleared.`,
    hint: () => 'Look whether the effect was made twice. Raise leaseMs above the longest pause of the process.',
  },
);

/** The store did not do what it was asked for. */
export const idempotencyStoreFailed: ErrorDefinition<
  'SF_IDEMPOTENCY_STORE_FAILED',
  { readonly stage: string; readonly store: string; readonly call: string; readonly why: string }
> = defineError('SF_IDEMPOTENCY_STORE_FAILED', {
  message: ({ stage, store, call, why }) => `The idempotency store "${store}" failed at ${call}() for "${stage}": ${why}`,
  hint: () => 'Look at the store. The effect was not called, because nobody knows whether it was made before.',
  retryable: true,
});

/** Something changed a value that a stage reads, or that another has yielded. */
export const valueMutated: ErrorDefinition<
  'SF_VALUE_MUTATED',
  {
    readonly stage: string;
    readonly property: string;
    readonly change: 'added' | 'changed' | 'removed';
    readonly when: string;
    readonly alongside: readonly string[];
  }
> = defineError('SF_VALUE_MUTATED', {
  message: ({ stage, property, change, when, alongside }) =>
    `"${property}" of "${stage}" was ${change} ${when}${alongside.length === 0 ? '' : `; also under way: ${String(alongside).replaceAll(',', ', ')}`}.`,
  hint: () => 'Copy what is to be changed; values are shared by every stage that reads them.',
});

/** What a stage is given, or yields, is larger than it may be. */
export const contextTooLarge: ErrorDefinition<
  'SF_CONTEXT_TOO_LARGE',
  { readonly stage: string; readonly direction: 'given' | 'yielded'; readonly maxBytes: number }
> = defineError('SF_CONTEXT_TOO_LARGE', {
  message: ({ stage, direction, maxBytes }) =>
    direction === 'given' ? `"${stage}" is given more than ${maxBytes} bytes.` : `"${stage}" yields more than ${maxBytes} bytes.`,
  hint: () => 'Hand on a reference to large data in place of the data, or raise the limit.',
});
