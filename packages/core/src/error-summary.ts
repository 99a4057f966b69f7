import { describeThrown, isStageflowError } from './errors.ts';
import type { ErrorSummary } from './event.ts';
import { isWorthRetrying } from './retry.ts';

/** How far causes are followed; the chain of a hostile error has no end. */
const longestChain = 16;

/** Codes are labels of metrics and keys of alerts: what looks like text, or like a number without a name, is none. */
const codeLike = /^[A-Za-z][\w.-]{0,63}$/;

/**
 * What matters about an error, or about anything else that was thrown, as events carry it. Causes are
 * followed, and the first error of an `AggregateError`, past what merely wraps:
 *
 * - `code` and `message` are those of the first error with a code of its own. `SF_STAGE_FAILED`, which says only that a stage
 *   threw, stands back behind one. Where none has a code, they are those of the outermost, with its `name` as the code.
 * - `retryable` is the first that is said: by `retryable`, or by an HTTP `status`. Where nothing is said, `true`.
 * - `hint` is that of a {@link StageflowError}.
 *
 * Does not throw, whatever it is given.
 *
 * @example
 * ```ts
 * const run = await chat.run({ text: 'hi' });
 * if (run.status === 'failed') console.error(summarizeError(run.error).code); // 'ECONNREFUSED', not 'SF_STAGE_FAILED'
 * ```
 */
export function summarizeError(error: unknown): ErrorSummary {
  const links = chainOf(error).filter((link) => !isStageflowError(link, 'SF_STAGE_FAILED'));
  const telling = links.find((link) => codeOf(link) !== undefined);
  const { name, message } = describeThrown(telling ?? error);
  const hint = isStageflowError(telling) ? { hint: text(read(telling, 'hint')) } : {};
  return { code: codeOf(telling ?? error) ?? name, message: text(message), retryable: isRetryable(links), ...hint };
}

/** The error, what caused it, what caused that. */
function chainOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let link = error; link && chain.length < longestChain && !chain.includes(link); ) {
    chain.push(link);
    link = read(link, 'cause') ?? read(read(link, 'errors'), 0);
  }
  return chain;
}

function codeOf(error: unknown): string | undefined {
  const code = read(error, 'code');
  return typeof code === 'string' && codeLike.test(code) ? code : undefined;
}

function isRetryable(links: readonly unknown[]): boolean {
  for (const link of links) {
    const retryable = read(link, 'retryable');
    const status = read(link, 'status') ?? read(link, 'statusCode');
    if (typeof retryable === 'boolean' || typeof status === 'number') return isWorthRetrying({ retryable, status });
  }
  return true;
}

function read(from: unknown, key: PropertyKey): unknown {
  try {
    return typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : 'a message that is no text';
}
