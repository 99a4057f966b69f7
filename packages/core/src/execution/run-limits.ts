import type { FailureMode, PipelinePolicy } from '../plan/draft.ts';
import type { UndoneEnding } from '../undo.ts';
import type { RunResources } from './run-resources.ts';

/** The limits of one run. */
export interface RunLimits {
  readonly failureMode: FailureMode;
  readonly maxConcurrency: number;
  readonly deadlineMs: number | undefined;
  readonly graceMs: number;
  readonly cleanupMs: number;
  readonly maxCallDepth: number;
  readonly undoOn: readonly UndoneEnding[];
  /** What its stages can name, where the runtime has resources. */
  readonly resources: RunResources | undefined;
}

/** After which effects are undone where nobody says otherwise: who cancels a run asks for no more of it. */
const badEndings: readonly UndoneEnding[] = ['failed', 'blocked'];

/**
 * The limits that follow from what a pipeline, a run and a runtime say, the run before the pipeline before the runtime.
 *
 * @param own - What the run says.
 * @param defaults - What the runtime says.
 */
export function runLimits(
  policy: PipelinePolicy,
  own: PipelinePolicy = {},
  defaults: PipelinePolicy = {},
  resources: RunResources | undefined = undefined,
): RunLimits {
  return {
    failureMode: own.failureMode ?? policy.failureMode ?? defaults.failureMode ?? 'fail-fast',
    maxConcurrency: own.maxConcurrency ?? policy.maxConcurrency ?? defaults.maxConcurrency ?? Number.POSITIVE_INFINITY,
    deadlineMs: own.deadlineMs ?? policy.deadlineMs ?? defaults.deadlineMs,
    graceMs: own.graceMs ?? policy.graceMs ?? defaults.graceMs ?? 5_000,
    cleanupMs: own.cleanupMs ?? policy.cleanupMs ?? defaults.cleanupMs ?? 10_000,
    maxCallDepth: own.maxCallDepth ?? policy.maxCallDepth ?? defaults.maxCallDepth ?? 5,
    undoOn: own.undoOn ?? policy.undoOn ?? defaults.undoOn ?? badEndings,
    resources,
  };
}
