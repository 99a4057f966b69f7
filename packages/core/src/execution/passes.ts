import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { gate } from './gate.ts';
import { join } from './join.ts';
import type { Scope } from './scope.ts';
import { failStage, skipBehind, skipStage } from './stage-endings.ts';

/** Whether what a stage needs lets it run; where it does not, the stage is skipped. */
export function passesJoin(scope: Scope, stage: PlannedStage): boolean {
  const outcome = join(stage, scope.state);
  if (outcome === undefined) return true;
  // Behind a cancel alone it stays where it is: the stop of its scope, which is on its way, ends it.
  if (outcome !== 'behind a cancel') skipBehind(scope, stage, outcome);
  return false;
}

/** Whether a stage's `when` lets it run; where it does not, the stage is skipped, or failed where it could not say. */
export function passesGate(scope: Scope, stage: PlannedStage, values: unknown): boolean {
  const verdict = gate(stage, values, scope);
  if (verdict === undefined) return true;
  if (verdict instanceof StageflowError) failStage(scope, stage, verdict);
  else skipStage(scope, stage, verdict);
  return false;
}
