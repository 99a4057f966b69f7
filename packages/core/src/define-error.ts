import type { ErrorEntry } from './error-entry.ts';

/** A kind of {@link StageflowError} that a host or another package adds. */
export interface ErrorDefinition<out C extends string = string, in Details = never> extends ErrorEntry<Details> {
  readonly code: C;
}

/** What {@link defineError} takes. */
export interface ErrorText<in Details> {
  /** A full sentence that names the subject and what was received. */
  readonly message: (details: Details) => string;
  /** What to do about it. */
  readonly hint: (details: Details) => string;
  /** Whether the same call may succeed later. @default false */
  readonly retryable?: boolean | undefined;
  /** Where more is said about it. @default docs/errors/<code>.md */
  readonly docs?: string | undefined;
}

/**
 * Defines an error of one's own. It is thrown as a {@link StageflowError}, so that runs, retries, events and stores treat it
 * as one of Stageflow's.
 *
 * @param code - Stable, in capitals. Codes that begin with `SF_` belong to Stageflow and its packages.
 * @example
 * ```ts
 * const quotaSpent = defineError('SHOP_QUOTA_SPENT', {
 *   message: ({ customer }: { customer: string }) => `Customer "${customer}" has no calls left today.`,
 *   hint: () => 'Wait until midnight, or raise the quota.',
 *   retryable: true,
 * });
 * const order = stage('order', {
 *   run: () => {
 *     throw new StageflowError(quotaSpent, { customer: 'acme' });
 *   },
 * });
 * ```
 */
export function defineError<const C extends string, Details>(code: C, text: ErrorText<Details>): ErrorDefinition<C, Details> {
  const { message, hint, retryable = false, docs } = text;
  return Object.freeze({ code, message, hint, retryable, docs });
}
