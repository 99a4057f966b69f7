import type { PlannedStage } from '../plan/plan.ts';
import type { Journal } from './journal.ts';
import { restoreStage } from './restore.ts';
import type { Scope } from './scope.ts';

/** Whether a stage is to be called now: not where its end is known already, and an effect not before what led to it is durable. */
export function mayBegin(scope: Scope, journal: Journal, stage: PlannedStage): boolean {
  const { state, scheduler } = scope;
  const known = journal.restored(state.pathOf(stage));
  if (known !== undefined) {
    restoreStage(scope, stage, known);
    return false;
  }
  if (stage.kind !== 'work') return true;
  const { parking } = scheduler;
  parking.busy++;
  const durable = journal.mayBegin(state, stage, () => {
    parking.busy--;
    if (!scope.closing && scope.stopped === undefined) scope.requeue(stage.index);
  });
  if (durable) parking.busy--;
  return durable;
}
