import { StageflowError, thrownSentence } from '../errors.ts';
import type { SkippedOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { join } from './join.ts';
import type { Scope } from './scope.ts';
import { blocked, cancelled, doomed, failed, skipped, waiting } from './status.ts';

/** Where an error of a stage belongs. */
export function locationOf(
  scope: Scope,
  stage: PlannedStage,
  attempt: number,
): { pipeline: string; runId: string; path: string; attempt: number } {
  return {
    pipeline: scope.scheduler.state.plan.name,
    runId: scope.scheduler.state.identity.runId,
    path: scope.state.pathOf(stage),
    attempt,
  };
}

/** What a stage threw, or gave to `fail()`, as an error of the run. */
export function stageFailed(scope: Scope, stage: PlannedStage, thrown: unknown, attempt: number): StageflowError {
  return new StageflowError(
    'SF_STAGE_FAILED',
    { stage: stage.name, thrown: thrownSentence(thrown) },
    { ...locationOf(scope, stage, attempt), cause: thrown },
  );
}

/** The stage asked for something that this run does not have. */
export function runtimeRequired(scope: Scope, stage: PlannedStage, feature: string, attempt: number): StageflowError {
  return new StageflowError('SF_RUNTIME_REQUIRED', { stage: stage.name, feature }, locationOf(scope, stage, attempt));
}

/** A stage failed for good: its readers are skipped, and the run stops if the failure is not handled. */
export function failStage(scope: Scope, stage: PlannedStage, error: StageflowError): void {
  const { index } = stage;
  if (stage.skipsOnFailure) {
    scope.state.recordFailure(index, error);
    return skipStage(scope, stage, `it failed: ${error.message}`);
  }
  if (!scope.end(index, failed, { status: 'failed', error })) return;
  scope.state.recordFailure(index, error);
  if (stage.handled || scope.failureMode !== 'fail-fast' || scope.scheduler.undoing !== undefined) return;
  const path = scope.state.pathOf(stage);
  scope.stop({ status: 'failed', reason: `stage "${path}" failed`, stage: path, error, signalReason: error });
}

/**
 * A guard blocked; with `error` where it could not judge.
 *
 * @param by - The path of the guard, where it stands inside `stage`.
 */
export function blockStage(
  scope: Scope,
  stage: PlannedStage,
  reason: string,
  error: StageflowError | undefined,
  by: string = scope.state.pathOf(stage),
): void {
  const { index } = stage;
  if (by !== scope.state.pathOf(stage)) scope.state.note(index).blockedBy = by;
  if (!scope.end(index, blocked, { status: 'blocked', reason, error })) return;
  if (error !== undefined) scope.state.recordFailure(index, error);
  if (stage.handled || scope.failureMode !== 'fail-fast' || scope.scheduler.undoing !== undefined) return;
  const signalReason = error ?? new StageflowError('SF_RUN_BLOCKED', { stage: by, reason }, locationOf(scope, stage, 1));
  scope.stop({ status: 'blocked', reason, stage: by, error, signalReason });
}

/** A stage had nothing to give, by choice. */
export function skipStage(scope: Scope, stage: PlannedStage, reason: string): void {
  scope.end(stage.index, skipped, { status: 'skipped', reason });
}

/** A stage is skipped because of how what it needs has ended. */
export function skipBehind(scope: Scope, stage: PlannedStage, outcome: SkippedOutcome): void {
  scope.end(stage.index, outcome.rootCause === undefined ? skipped : doomed, outcome);
}

/** Ends what has not begun, in a scope that starts nothing new. */
export function endWaiting(scope: Scope, reason: string): void {
  const { state, plan } = scope;
  for (const stage of plan.stages) {
    if (state.status[stage.index] !== waiting) continue;
    const outcome = join(stage, state);
    if (outcome === undefined || outcome === 'behind a cancel') cancelStage(scope, stage, reason);
    else skipBehind(scope, stage, outcome);
  }
}

/** A stage did not get to its end because the run stopped. */
export function cancelStage(scope: Scope, stage: PlannedStage, reason: string): void {
  scope.end(stage.index, cancelled, { status: 'cancelled', reason });
}

/** A stage asked for the whole run to stop. */
export function cancelRun(scope: Scope, stage: PlannedStage, reason: string): void {
  cancelStage(scope, stage, reason);
  const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason }, locationOf(scope, stage, 1));
  scope.scheduler.root.stop({ status: 'cancelled', reason, stage: scope.state.pathOf(stage), error: undefined, signalReason });
}
