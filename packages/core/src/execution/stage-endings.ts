import { StageflowError, thrownSentence } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Scheduler } from './scheduler.ts';
import { blocked, cancelled, failed, skipped } from './status.ts';

/** Where an error of a stage belongs. */
export function locationOf(
  scheduler: Scheduler,
  stage: PlannedStage,
  attempt: number,
): { pipeline: string; runId: string; path: string; attempt: number } {
  return { pipeline: scheduler.plan.name, runId: scheduler.state.identity.runId, path: stage.name, attempt };
}

/** What a stage threw, or gave to `fail()`, as an error of the run. */
export function stageFailed(scheduler: Scheduler, stage: PlannedStage, thrown: unknown, attempt: number): StageflowError {
  return new StageflowError(
    'SF_STAGE_FAILED',
    { stage: stage.name, thrown: thrownSentence(thrown) },
    { ...locationOf(scheduler, stage, attempt), cause: thrown },
  );
}

/** The stage asked for something that this run does not have. */
export function runtimeRequired(scheduler: Scheduler, stage: PlannedStage, feature: string, attempt: number): StageflowError {
  return new StageflowError('SF_RUNTIME_REQUIRED', { stage: stage.name, feature }, locationOf(scheduler, stage, attempt));
}

/** A stage failed for good: its readers are skipped, and the run stops if the failure is not handled. */
export function failStage(scheduler: Scheduler, stage: PlannedStage, error: StageflowError): void {
  const { index, name } = stage;
  scheduler.state.recordFailure(index, error);
  if (stage.skipsOnFailure) return skipStage(scheduler, stage, `it failed: ${error.message}`);
  scheduler.end(index, failed, { status: 'failed', error });
  if (stage.handled || scheduler.limits.failureMode !== 'fail-fast') return;
  scheduler.stop({ status: 'failed', reason: `stage "${name}" failed`, stage: name, error, signalReason: error });
}

/** A guard blocked; with `error` where it could not judge. */
export function blockStage(scheduler: Scheduler, stage: PlannedStage, reason: string, error: StageflowError | undefined): void {
  const { index, name } = stage;
  if (error !== undefined) scheduler.state.recordFailure(index, error);
  scheduler.end(index, blocked, { status: 'blocked', reason, error });
  if (stage.handled || scheduler.limits.failureMode !== 'fail-fast') return;
  const signalReason = error ?? new StageflowError('SF_RUN_BLOCKED', { stage: name, reason }, locationOf(scheduler, stage, 1));
  scheduler.stop({ status: 'blocked', reason, stage: name, error, signalReason });
}

/** A stage had nothing to give, by choice. */
export function skipStage(scheduler: Scheduler, stage: PlannedStage, reason: string): void {
  scheduler.end(stage.index, skipped, { status: 'skipped', reason });
}

/** A stage did not get to its end because the run stopped. */
export function cancelStage(scheduler: Scheduler, stage: PlannedStage, reason: string): void {
  scheduler.end(stage.index, cancelled, { status: 'cancelled', reason });
}

/** A stage asked for the whole run to stop. */
export function cancelRun(scheduler: Scheduler, stage: PlannedStage, reason: string): void {
  cancelStage(scheduler, stage, reason);
  const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason }, locationOf(scheduler, stage, 1));
  scheduler.stop({ status: 'cancelled', reason, stage: stage.name, error: undefined, signalReason });
}
