import { type DraftEdge, isValueRead } from '../plan/draft.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { RunState } from './run-state.ts';
import type { Scheduler } from './scheduler.ts';
import { skipStage } from './stage-endings.ts';
import { running, skipped, waiting } from './status.ts';

/** Skips a stage of the pipeline that has not ended, as if it had said so itself; whether it could be. */
export function skipByHand({ root, state }: Scheduler, stage: PlannedStage, reason: string): boolean {
  const status = state.status[stage.index];
  if (root.stopped !== undefined || root.closing || (status !== waiting && status !== running)) return false;
  noteSkippedByHand(state, stage);
  if (status === waiting) skipStage(root, stage, reason);
  else if (!root.withdraw(stage.index, reason)) {
    // One plain call, which cannot be aborted alone: its value is dropped when it comes.
    root.holdBack(stage.index, () => {
      root.holdBack(stage.index, undefined);
      skipStage(root, stage, reason);
    });
  }
  root.goOn();
  return true;
}

/** Keeps in mind who skipped a stage. */
export function noteSkippedByHand(state: RunState, { index }: PlannedStage): void {
  state.skippedByHand ??= new Set();
  state.skippedByHand.add(index);
}

/**
 * The stage that was skipped by hand and is why a required output has no value; `undefined` where each has what its type
 * says.
 */
export function skippedBehindOutputs(state: RunState): PlannedStage | undefined {
  const { plan, skippedByHand } = state;
  if (skippedByHand === undefined) return undefined;
  const lacking = plan.draft.outputs.filter(({ read }) => !isValueRead(read) && !toleratesSkip(read));
  const pending = lacking.flatMap(({ from }) => from.map((name) => plan.indexByName.get(name) as number));
  const seen = new Set<number>();
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (seen.has(index) || state.status[index] !== skipped) continue;
    seen.add(index);
    const stage = plan.stages[index] as PlannedStage;
    if (skippedByHand.has(index)) return stage;
    for (const { stage: need, group, toleratesSkip } of stage.needs)
      if (!toleratesSkip) pending.push(...(plan.groups[group]?.stages ?? [need]));
  }
  return undefined;
}

function toleratesSkip(read: DraftEdge['read']): boolean {
  return read === 'optional' || read === 'optionalFirstOf' || read === 'settled';
}
