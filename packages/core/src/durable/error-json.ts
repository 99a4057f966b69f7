import type { ErrorCode, ErrorDetails } from '../error-details.ts';
import { errorTable } from '../error-table.ts';
import { StageflowError, type StageflowErrorJson } from '../errors.ts';

/** `error.toJSON()` as JSON has it. Whatever its details hold, it must not keep what it is part of from being written down. */
export function plainError(error: StageflowError): StageflowErrorJson {
  const json = error.toJSON();
  try {
    return JSON.parse(JSON.stringify(json)) as StageflowErrorJson;
  } catch {
    return { ...json, details: {}, cause: undefined };
  }
}

/**
 * The inverse of `StageflowError.toJSON()`. A code that this version does not know, or details that it cannot read, become a
 * failure that quotes them.
 */
export function revivedError(json: StageflowErrorJson): StageflowError {
  const { pipeline, runId, path, attempt, retryable, cause } = json;
  const location = { pipeline, runId, path, attempt, retryable, ...(cause === undefined ? {} : { cause: revivedCause(cause) }) };
  if (Object.hasOwn(errorTable, json.code)) {
    try {
      return new StageflowError(json.code as ErrorCode, json.details as ErrorDetails[ErrorCode], location);
    } catch {
      // Its message is made of details that are not there.
    }
  }
  return new StageflowError('SF_STAGE_FAILED', { stage: path ?? '', thrown: `${json.code}: ${json.message}` }, location);
}

function revivedCause(cause: unknown): unknown {
  if (typeof cause !== 'object' || cause === null) return cause;
  if ('code' in cause && 'details' in cause) return revivedError(cause as StageflowErrorJson);
  if (!('message' in cause)) return cause;
  const { name, message } = cause as { readonly name?: string; readonly message: string };
  return Object.assign(new Error(message), name === undefined ? {} : { name });
}
