import type { PlannedStage } from '../plan/plan.ts';
import type { Journal } from './journal.ts';
import { restoreStage } from './restore.ts';
import type { Scope } from './scope.ts';
import { cancelStage, failStage } from './stage-endings.ts';

/** Whether a stage is to be called now: not where its end is known already, and an effect not before what led to it is durable. */
export function mayBegin(scope: Scope, journal: Journal, stage: PlannedStage): boolean {
  const { state, scheduler } = scope;
  const known = journal.restored(state.pathOf(stage));
  // Of regions the stages inside are restored, unless somebody has skipped the whole.
  if (stage.region !== undefined && known?.skippedByHand !== true) return true;
  if (known !== undefined) {
    restoreStage(scope, stage, known);
    return false;
  }
  // What had not ended when an earlier activation began to undo what had does not go on.
  const { undoing } = scheduler;
  if (undoing !== undefined) cancelStage(scope, stage, undoing.reason);
  if (undoing !== undefined || stage.kind !== 'work') return undoing === undefined;
  const { parking, isStepping } = scheduler;
  parking.busy++;
  const durable = journal.mayBegin(state, stage, () => {
    parking.busy--;
    if (!scope.closing && scope.stopped === undefined) scope.requeue(stage.index, isStepping);
  });
  if (durable === false) return false;
  parking.busy--;
  if (durable !== true) failStage(scope, stage, durable);
  return durable === true;
}
