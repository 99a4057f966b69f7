/** How an attempt that failed is followed by another. A policy of the stage. */
export interface RetryPolicy {
  /** Total calls of the function, the first included; an integer >= 1. @default 3 */
  readonly attempts?: number | undefined;
  /** How waits grow. @default 'exponential' */
  readonly backoff?: 'constant' | 'linear' | 'exponential' | undefined;
  /** The first wait, milliseconds, >= 0. @default 100 */
  readonly baseMs?: number | undefined;
  /** No wait is longer, whatever the backoff or a `Retry-After` says; milliseconds. @default 30_000 */
  readonly maxMs?: number | undefined;
  /** How waits are spread. @default 'full' */
  readonly jitter?: 'none' | 'full' | 'equal' | 'decorrelated' | undefined;
  /**
   * Whether this failure is worth another attempt. Receives what the stage threw, not the wrapper around it.
   *
   * By default an error is not retried when it says `retryable: false`, or carries an HTTP status in 400-499 other
   * than 408, 425 and 429; all else is.
   */
  readonly when?: ((error: unknown, attempt: number) => boolean) | undefined;
}

/** A {@link RetryPolicy} with its defaults filled in. */
export type ResolvedRetryPolicy = Required<{ readonly [K in keyof RetryPolicy]: Exclude<RetryPolicy[K], undefined> }>;

/** Fills in the defaults. */
export function resolveRetry({
  attempts = 3,
  backoff = 'exponential',
  baseMs = 100,
  maxMs = 30_000,
  jitter = 'full',
  when = isWorthRetrying,
}: RetryPolicy): ResolvedRetryPolicy {
  return { attempts, backoff, baseMs, maxMs, jitter, when };
}

/**
 * The wait after failed attempt number `attempt`, in milliseconds, in [0, `maxMs`].
 *
 * Growth: constant `base`, linear `base * attempt`, exponential `base * 2^(attempt - 1)`. Jitter: none; full, uniform in
 * [0, wait]; equal, uniform in [wait / 2, wait]; decorrelated, uniform in [base, 3 * previous wait] (M. Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param attempt - The attempt that failed, 1-based.
 * @param previousMs - The wait before that attempt; 0 for the first.
 * @param random - In [0, 1).
 */
export function backoffDelayMs(policy: ResolvedRetryPolicy, attempt: number, previousMs: number, random: number): number {
  const { baseMs, maxMs } = policy;
  if (policy.jitter === 'decorrelated') {
    const ceiling = Math.max(baseMs, (previousMs || baseMs) * 3);
    return Math.min(maxMs, baseMs + random * (ceiling - baseMs));
  }
  const growth = policy.backoff === 'constant' ? 1 : policy.backoff === 'linear' ? attempt : 2 ** (attempt - 1);
  // Growth ends in infinity, and nothing times infinity is no number.
  const waitMs = baseMs === 0 ? 0 : Math.min(maxMs, baseMs * growth);
  if (policy.jitter === 'none') return waitMs;
  return policy.jitter === 'full' ? random * waitMs : waitMs / 2 + (random * waitMs) / 2;
}

/**
 * The default of {@link RetryPolicy.when}, for one that is to make an exception.
 *
 * @example
 * ```ts
 * retry: { when: (error) => isWorthRetrying(error) && !isStageflowError(error, 'SF_STAGE_TIMEOUT') }
 * ```
 */
export function isWorthRetrying(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true;
  const { retryable, status, statusCode } = error as { retryable?: unknown; status?: unknown; statusCode?: unknown };
  if (typeof retryable === 'boolean') return retryable;
  const http = typeof status === 'number' ? status : statusCode;
  if (typeof http !== 'number' || http < 400 || http > 499) return true;
  return http === 408 || http === 425 || http === 429;
}

/**
 * How long the failed party asks to be left alone, in milliseconds, or `undefined` where it does not say.
 *
 * Reads `retryAfterMs` of the error or of its `details`, `retryAfter` (seconds) and a `Retry-After` header (`headers` or
 * `response.headers`) in either form of RFC 9110 section 10.2.3. What is malformed, negative or in the past counts as not
 * said.
 *
 * @param nowMs - The wall clock, for the HTTP-date form.
 */
export function retryAfterMs(error: unknown, nowMs: number): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const told = error as Told;
  const askedMs = told.retryAfterMs ?? told.details?.retryAfterMs;
  if (typeof askedMs === 'number') return sane(askedMs);
  if (typeof told.retryAfter === 'number') return sane(told.retryAfter * 1000);
  const header = retryAfterHeader(told.headers) ?? retryAfterHeader(told.response?.headers);
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return sane(Number(header) * 1000);
  return /[a-z]/i.test(header) ? sane(Date.parse(header) - nowMs) : undefined;
}

/** Where errors say how long to wait. */
interface Told {
  readonly retryAfterMs?: unknown;
  readonly details?: { readonly retryAfterMs?: unknown } | null;
  readonly retryAfter?: unknown;
  readonly headers?: unknown;
  readonly response?: { readonly headers?: unknown } | null;
}

function sane(ms: number): number | undefined {
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

function retryAfterHeader(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { get?: unknown };
  const value =
    typeof get === 'function'
      ? get.call(headers, 'retry-after')
      : Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
}
