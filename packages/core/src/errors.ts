import type { ErrorDefinition } from './define-error.ts';
import type { ErrorCode, ErrorDetails } from './error-details.ts';
import type { ErrorEntry } from './error-entry.ts';
import { errorTable } from './error-table.ts';

const brand: unique symbol = Symbol.for('stageflow.error');

/** Where in a run an error belongs. Each member is present when it is known. */
export interface ErrorLocation {
  readonly pipeline?: string | undefined;
  readonly runId?: string | undefined;
  /** The stage, by its path in the run. */
  readonly path?: string | undefined;
  /** 1-based. */
  readonly attempt?: number | undefined;
}

/** A code of Stageflow's own, or one that another package or the host defines. */
export type AnyErrorCode = ErrorCode | (string & {});

/** What an error of this code carries. */
export type DetailsOf<C extends string> = C extends ErrorCode ? ErrorDetails[C] : unknown;

/** The JSON form of a {@link StageflowError}. */
export interface StageflowErrorJson extends ErrorLocation {
  readonly name: string;
  readonly code: AnyErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly docs: string;
  readonly retryable: boolean;
  readonly details: unknown;
  readonly cause?: unknown;
}

/**
 * The one error class of Stageflow. What went wrong is its `code`; the table of codes is `docs/errors`.
 *
 * @example
 * ```ts
 * const run = await chat.run({ text: 'hi' });
 * if (run.status === 'failed') console.error(run.error.code, run.error.path, run.error.hint, run.error.cause);
 * ```
 */
export class StageflowError<C extends string = AnyErrorCode, Details = DetailsOf<C>> extends Error implements ErrorLocation {
  override readonly name = 'StageflowError';
  /** Stable; never renamed. */
  readonly code: C;
  /** What the message was made of. */
  readonly details: Details;
  /** What to do about it. */
  readonly hint: string;
  /** Where more is said about this code: of Stageflow's own, a page of this repository. */
  readonly docs: string;
  /** Whether the same call may succeed later: the default answer of a retry policy. */
  readonly retryable: boolean;
  readonly pipeline: string | undefined;
  readonly runId: string | undefined;
  readonly path: string | undefined;
  readonly attempt: number | undefined;

  /** @param kind - A code of the table, or what {@link defineError} gave. */
  constructor(
    kind: (C & ErrorCode) | ErrorDefinition<C, Details>,
    details: NoInfer<Details>,
    options: ErrorLocation & { readonly cause?: unknown; readonly retryable?: boolean } = {},
  ) {
    const entry = typeof kind === 'string' ? (errorTable[kind] as ErrorEntry<Details>) : kind;
    super(entry.message(details), 'cause' in options ? { cause: options.cause } : undefined);
    // Hidden, and the same symbol in every copy of this package, so that copies recognise each other's errors.
    Object.defineProperty(this, brand, { value: true });
    this.code = typeof kind === 'string' ? kind : kind.code;
    this.details = details;
    this.hint = entry.hint(details);
    this.docs = entry.docs ?? `docs/errors/${this.code}.md`;
    this.retryable = options.retryable ?? entry.retryable;
    this.pipeline = options.pipeline;
    this.runId = options.runId;
    this.path = options.path;
    this.attempt = options.attempt;
  }

  /** Plain data for logs and stores; `cause` is reduced to its name and message. */
  toJSON(): StageflowErrorJson {
    const { code, message, hint, docs, retryable, details, pipeline, runId, path, attempt, cause } = this;
    const json = { name: this.name, code, message, hint, docs, retryable, details, pipeline, runId, path, attempt };
    if (cause === undefined) return json;
    return { ...json, cause: isStageflowError(cause) ? cause.toJSON() : describeThrown(cause) };
  }
}

/**
 * Whether `error` is a {@link StageflowError}, made by this copy of the package or another.
 *
 * @param kind - Narrows to one code, or to what {@link defineError} gave.
 */
export function isStageflowError<C extends string = AnyErrorCode, Details = DetailsOf<C>>(
  error: unknown,
  kind?: C | ErrorDefinition<C, Details>,
): error is StageflowError<C, Details> {
  try {
    if (typeof error !== 'object' || error === null || !(brand in error)) return false;
    return kind === undefined || ('code' in error && error.code === (typeof kind === 'string' ? kind : kind.code));
  } catch {
    return false;
  }
}

/** A thrown value as a sentence: the message, after the name where that says more than `Error`. Does not throw either. */
export function thrownSentence(thrown: unknown): string {
  const { name, message } = describeThrown(thrown);
  const words = name.endsWith('Error') && name !== 'Error' && name !== 'StageflowError' ? `${name}: ${message}` : message;
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

/** A thrown value in a few words; whatever was thrown, this does not throw. */
export function describeThrown(thrown: unknown): { readonly name: string; readonly message: string } {
  try {
    if (thrown instanceof Error) return { name: thrown.name, message: thrown.message };
    return { name: typeof thrown, message: typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown)) };
  } catch {
    return { name: typeof thrown, message: 'a value that cannot be printed' };
  }
}
