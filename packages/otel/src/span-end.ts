import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import { isStageflowError, type OutcomeStatus, type RunStatus, type StageflowError } from '@stageflow/core';
import { attribute } from './attributes.ts';

/** How a run, a stage or an attempt has ended; outcomes and runs have this form. */
export interface Ending {
  readonly status: OutcomeStatus | RunStatus;
  /** Present where it failed, or could not judge. */
  readonly error?: { readonly code: string } | undefined;
}

/**
 * Writes on a span how it ended. A span is in error where something failed: a stage, an attempt or a run that is `failed`,
 * or `blocked` because a guard could not judge. What is `skipped`, `cancelled`, `suspended`, or blocked by a verdict, went
 * as it was meant to; `completed` leaves the status unset, as the conventions ask of instrumentations.
 *
 * Of an error its code is written and the kind of its cause, never a message: messages quote values.
 */
export function writeEnding(span: Span, { status, error }: Ending): void {
  span.setAttribute(attribute.status, status);
  if (error !== undefined) writeError(span, error.code);
}

/** @param type - A code, or the name of a class. */
export function writeError(span: Span, type: string): void {
  span.setAttribute(attribute.errorType, type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}

/** The attributes of the event `exception`. */
export function exceptionOf({ code, cause }: StageflowError): Attributes {
  return { [attribute.exceptionType]: kindOf(cause) ?? code };
}

/** The code of an error of ours, or the name of its class; names that are no identifiers may quote something. */
function kindOf(cause: unknown): string | undefined {
  if (isStageflowError(cause)) return cause.code;
  if (!(cause instanceof Error)) return undefined;
  const { name } = cause;
  return typeof name === 'string' && /^[A-Za-z_$][\w$.]{0,63}$/.test(name) ? name : undefined;
}
