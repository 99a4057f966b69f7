import type { RunKey } from '@stageflow/core/ports';

/** A run as one text, in which no two are the same: SQLite would keep halves of surrogate pairs as one and the same letter. */
export function runKey({ tenantId, runId }: RunKey): string {
  return JSON.stringify([tenantId ?? null, runId]);
}
