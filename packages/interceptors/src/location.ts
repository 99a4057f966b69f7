import type { ErrorLocation, InterceptedStage } from '@stageflow/core';

/** Where an error of a stage belongs. */
export function locationOf({ pipeline, runId, path, attempt }: InterceptedStage): ErrorLocation {
  return { pipeline, runId, path, attempt };
}
