import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Journal, RecordNote } from './journal.ts';
import type { Scope } from './scope.ts';

/** Has a journal keep how a stage ended in any way but completed. What was never called, and regions, end so again by themselves. */
export function recordEnd(scope: Scope, journal: Journal, stage: PlannedStage, outcome: StageOutcome, started: boolean): void {
  const note = noteOf(scope, stage, outcome);
  if (note?.skippedByHand === true || (started && stage.region === undefined)) journal.record(scope.state, stage, outcome, note);
}

function noteOf({ scheduler, state }: Scope, stage: PlannedStage, { status }: StageOutcome): RecordNote | undefined {
  const isOfPipeline = state === scheduler.state;
  if (status === 'skipped' && isOfPipeline && scheduler.state.skippedByHand?.has(stage.index) === true) return { skippedByHand: true };
  const mayBeMade = status === 'failed' && stage.undo !== undefined && scheduler.ending.effects.has(state.pathOf(stage));
  return mayBeMade ? { mayBeMade } : undefined;
}
