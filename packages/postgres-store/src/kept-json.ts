import { StageflowError } from '@stageflow/core';

/** The path is the first member of a record, so that it is there where the rest has been cut off. */
const pathAhead = /^\{"path":("(?:[^"\\]|\\.)*")/;

/**
 * What a row holds, as it was written.
 *
 * @param at - Which part of the run this is.
 * @throws SF_JOURNAL_CORRUPT
 */
export function keptJson(text: string, runId: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const path = pathAhead.exec(text)?.[1];
    const location = { runId, path: path && (JSON.parse(path) as string), cause };
    throw new StageflowError('SF_JOURNAL_CORRUPT', { runId, at, why: 'it is no JSON, or not all of it' }, location);
  }
}
