import { defineError, type ErrorDefinition } from '@stageflow/core';

/** Redis could not be reached, did not answer, or answered with an error. */
export const redisUnavailable: ErrorDefinition<'SF_REDIS_UNAVAILABLE', { readonly subject: string; readonly why: string }> = defineError(
  'SF_REDIS_UNAVAILABLE',
  {
    message: ({ subject, why }: { readonly subject: string; readonly why: string }) => `Redis did not do what ${subject} asked for: ${why}`,
    hint: () => 'See whether Redis can be reached, has memory, and lets this user run scripts; the same call may succeed later.',
    retryable: true,
  },
);
