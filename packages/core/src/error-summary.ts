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
  const chain = chainOf(error);
  const telling = chain.find((link) => codeOf(link) !== undefined && !isWrapper(link)) ?? error;
  const { name, message } = describeThrown(telling);
  const summary = { code: codeOf(telling) ?? name, message: asText(message), retryable: isRetryable(chain) };
  return isStageflowError(telling) && !isWrapper(telling) ? { ...summary, hint: asText(read(telling, 'hint')) } : summary;
}

/** The error, what caused it, what caused that. */
function chainOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let link = error; link !== undefined && link !== null && chain.length < longestChain && !chain.includes(link); ) {
    chain.push(link);
    link = read(link, 'cause') ?? firstOf(read(link, 'errors'));
  }
  return chain;
}

function isWrapper(error: unknown): boolean {
  return isStageflowError(error, 'SF_STAGE_FAILED');
}

function codeOf(error: unknown): string | undefined {
  const code = read(error, 'code');
  return typeof code === 'string' && codeLike.test(code) ? code : undefined;
}

function isRetryable(chain: readonly unknown[]): boolean {
  for (const link of chain) {
    if (isWrapper(link)) continue;
    const said = { retryable: read(link, 'retryable'), status: read(link, 'status'), statusCode: read(link, 'statusCode') };
    if (typeof said.retryable === 'boolean' || typeof said.status === 'number' || typeof said.statusCode === 'number')
      return isWorthRetrying(said);
  }
  return true;
}

function firstOf(errors: unknown): unknown {
  return Array.isArray(errors) ? read(errors, 0) : undefined;
}

function read(from: unknown, key: PropertyKey): unknown {
  if (typeof from !== 'object' || from === null) return undefined;
  try {
    return Reflect.get(from, key);
  } catch {
    return undefined;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : 'a message that is no text';
}
