import type { SkippedOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { JournaledEnd } from './journal.ts';
import type { Scope } from './scope.ts';
import { noteSkippedByHand } from './skipped-by-hand.ts';
import { blockStage, failStage, skipStage } from './stage-endings.ts';

/** Ends a stage as it ended in an earlier activation, without calling it. */
export function restoreStage(scope: Scope, stage: PlannedStage, { outcome, attempts, failure, skippedByHand }: JournaledEnd): void {
  const { state, scheduler } = scope;
  Object.assign(state.note(stage.index), { restored: true, attempts });
  switch (outcome.status) {
    case 'completed':
      if (isOwnEffect(scope, stage)) scheduler.ending.effects.completed(scope, stage, outcome.output);
      return scope.complete(stage.index, outcome.output);
    case 'failed':
      return failStage(scope, stage, outcome.error);
    case 'blocked':
      return blockStage(scope, stage, outcome.reason, outcome.error);
    default:
      if (skippedByHand === true) noteSkippedByHand(scheduler.state, stage);
      if (failure !== undefined) state.recordFailure(stage.index, failure);
      skipStage(scope, stage, (outcome as SkippedOutcome).reason);
  }
}

/** Whether the run has made it itself: a fork leaves effects that it begins with to the run that made them. */
function isOwnEffect({ scheduler, state }: Scope, stage: PlannedStage): boolean {
  if (stage.undo === undefined) return false;
  const path = state.pathOf(stage);
  return scheduler.journal?.undo?.effects.some((effect) => effect.path === path) === true;
}
