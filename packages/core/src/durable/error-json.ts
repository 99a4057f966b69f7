import { defineError } from '../define-error.ts';
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

/** The inverse of `StageflowError.toJSON()`: also of a code that this version does not know, and of details that were lost. */
export function revivedError(json: StageflowErrorJson): StageflowError {
  const { code, message, hint, docs, retryable, details, pipeline, runId, path, attempt, cause } = json;
  const definition = defineError(code, { message: () => message, hint: () => hint, retryable, docs });
  const location = { pipeline, runId, path, attempt, ...(cause === undefined ? {} : { cause: revivedCause(cause) }) };
  return new StageflowError(definition, details, location);
}

function revivedCause(cause: unknown): unknown {
  if (typeof cause !== 'object' || cause === null) return cause;
  if ('code' in cause && 'details' in cause) return revivedError(cause as StageflowErrorJson);
  if (!('message' in cause)) return cause;
  const { name, message } = cause as { readonly name?: string; readonly message: string };
  return Object.assign(new Error(message), name === undefined ? {} : { name });
}
