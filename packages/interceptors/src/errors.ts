import { defineError, type ErrorDefinition } from '@stageflow/core';

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
