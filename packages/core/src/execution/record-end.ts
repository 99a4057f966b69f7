import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Journal, RecordNote } from './journal.ts';
import type { Scope } from './scope.ts';

/** Has a journal keep how a stage ended in any way but completed. What was never called, and regions, end so again by themselves. */
export function recordEnd(scope: Scope, journal: Journal, stage: PlannedStage, outcome: StageOutcome, started: boolean): void {
  // What a stage makes of being let go of is no end: it is called again where the run goes on.
  if (scope.scheduler.parked && outcome.status === 'failed') return;
  const note = noteOf(scope, stage, outcome);
  if (note?.skippedByHand === true || (started && stage.region === undefined)) journal.record(scope.state, stage, outcome, note);
}

function noteOf(scope: Scope, stage: PlannedStage, { status }: StageOutcome): RecordNote | undefined {
  const { scheduler, state } = scope;
  const isOfPipeline = state === scheduler.state;
  const mayBeMade = stage.undo !== undefined && isInDoubt(scope, stage);
  if (status === 'skipped' && isOfPipeline && scheduler.state.skippedByHand?.has(stage.index) === true)
    return { skippedByHand: true, ...(mayBeMade ? { mayBeMade } : {}) };
  return mayBeMade ? { mayBeMade } : undefined;
}

/** Whether an attempt may have made the effect, here or in an earlier activation, whatever the last one said. */
function isInDoubt({ scheduler, state }: Scope, stage: PlannedStage): boolean {
  const path = state.pathOf(stage);
  return scheduler.ending.effects.has(path) || scheduler.journal?.undo?.effects.some((effect) => effect.path === path) === true;
}
