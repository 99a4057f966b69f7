import type { ErrorCode } from '../error-details.ts';
import { summarizeError } from '../error-summary.ts';
import { isStageflowError, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { stageFields } from './emitter.ts';
import { gatherValues } from './gather-values.ts';
import type { Scope } from './scope.ts';
import { blockStage, failStage, locationOf } from './stage-endings.ts';

/** Failures that say nothing of what a guard was to judge: the run is set up wrongly, or was answered wrongly. */
const notOfGuards: ReadonlySet<string> = new Set<ErrorCode>(['SF_RUNTIME_REQUIRED', 'SF_STEP_REFUSED', 'SF_ANSWER_INVALID']);

/**
 * Ends a stage whose last attempt has failed. A guard that could not judge blocks, or lets its subject pass where it
 * fails open; anything else has failed.
 *
 * @param attempt - The number of that attempt.
 */
export function endFailed(scope: Scope, stage: PlannedStage, attempt: number, error: StageflowError): void {
  if (stage.kind !== 'guard' || notOfGuards.has(error.code)) return failStage(scope, stage, error);
  const why = isStageflowError(error, 'SF_GUARD_FAILED') ? error : guardFailed(scope, stage, attempt, error);
  if (!stage.failOpen) return blockStage(scope, stage, why.details.why, why);
  scope.emit({ type: 'guard.failed_open', ...stageFields(scope.state, stage, attempt), error: summarizeError(why) });
  scope.complete(stage.index, gatherValues(stage, scope.state)['subject']);
}

function guardFailed(scope: Scope, stage: PlannedStage, attempt: number, cause: StageflowError): StageflowError<'SF_GUARD_FAILED'> {
  const said = isStageflowError(cause, 'SF_STAGE_FAILED') ? `it threw: ${cause.details.thrown}` : cause.message;
  const why = said.replace(/\.$/, '');
  return new StageflowError('SF_GUARD_FAILED', { stage: stage.name, why }, { ...locationOf(scope, stage, attempt), cause });
}
