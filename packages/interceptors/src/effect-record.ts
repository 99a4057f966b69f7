import { decode, isStageflowError, type StageflowError } from '@stageflow/core';
import type { Encoded } from '@stageflow/core/ports';

/** How a call ended, of those that are kept. */
export type EndedEffect =
  | { readonly status: 'completed'; readonly output: unknown }
  | { readonly status: 'failed'; readonly error: StageflowError };

/** What is kept of a call. */
export type EffectRecord = EndedEffect & {
  /** The run that made it. */
  readonly runId: string;
};

/** Reads what was kept; `undefined` where that is something else. */
export function decodeRecord(text: Encoded): EffectRecord | undefined {
  try {
    const record = decode(text);
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is EffectRecord {
  if (typeof value !== 'object' || value === null || !('status' in value) || !('runId' in value)) return false;
  if (value.status === 'completed') return 'output' in value;
  return value.status === 'failed' && 'error' in value && isStageflowError(value.error);
}
