import type { RootCause, SkippedOutcome } from '../outcome.ts';
import type { Plan, PlannedNeed, PlannedStage } from '../plan/plan.ts';
import type { ScopeState } from './scope-state.ts';
import { blocked, cancelled, completed, doomed, failed, running, skipped, waiting } from './status.ts';

/**
 * The join table of the design, section 4: how a stage is skipped, or `undefined` where its needs let it run. A failure
 * weighs more than a cancel, a cancel more than a chosen skip; among equals the first in the order written decides,
 * never the first in time. A stage behind a cancel alone is not skipped: its scope is about to stop, and cancels it as well.
 */
export function join(stage: PlannedStage, state: ScopeState): SkippedOutcome | 'behind a cancel' | undefined {
  let chosenSkip: SkippedOutcome | undefined;
  let isBehindCancel = false;
  for (const need of stage.needs) {
    if (need.streamed === true && state.streams?.of(need.stage) !== undefined) continue;
    const end = need.group === -1 ? need.stage : decidingStage(need, state);
    switch (state.status[end]) {
      case failed:
      case blocked:
      case doomed:
        if (need.toleratesFailure) break;
        return joinOn(end, state);
      case cancelled:
        if (!need.toleratesFailure) isBehindCancel = true;
        break;
      case skipped:
        if (!need.toleratesSkip) chosenSkip ??= { status: 'skipped', reason: `"${state.pathAt(end)}" was skipped` };
        break;
    }
  }
  return isBehindCancel ? 'behind a cancel' : chosenSkip;
}

/** How a reader of a stage is skipped that failed, was blocked or was skipped because of one; `undefined` behind any other. */
export function joinOn(index: number, state: ScopeState): SkippedOutcome | undefined {
  const status = state.status[index];
  return status === failed || status === blocked || status === doomed ? behind(rootCauseOf(index, state)) : undefined;
}

/** The first of a `firstOf` group that was not skipped by choice; the last one where all were. */
function decidingStage(need: PlannedNeed, state: ScopeState): number {
  const { stages } = state.plan.groups[need.group] as Plan['groups'][number];
  return stages.find((index) => state.status[index] !== skipped) ?? (stages.at(-1) as number);
}

function rootCauseOf(index: number, state: ScopeState): RootCause {
  if (state.status[index] === doomed) return (state.outcome(index) as SkippedOutcome).rootCause as RootCause;
  return { stage: state.pathAt(index), status: state.status[index] === blocked ? 'blocked' : 'failed' };
}

function behind(rootCause: RootCause): SkippedOutcome {
  return { status: 'skipped', reason: `"${rootCause.stage}" ${rootCause.status === 'blocked' ? 'blocked' : 'failed'}`, rootCause };
}

/**
 * Whether the ends that are known decide a `firstOf` group: one has a value or failed, or all were skipped.
 *
 * @param cursor - Where the last look stopped; every stage before it was skipped.
 * @returns The new cursor; `taints` says whether the reader must look at how the group ended.
 */
export function advanceGroup(
  stages: readonly number[],
  cursor: number,
  state: ScopeState,
): { cursor: number; decided: boolean; taints: boolean } {
  for (let position = cursor; position < stages.length; position++) {
    const status = state.status[stages[position] as number];
    if (status === waiting || status === running) return { cursor: position, decided: false, taints: false };
    if (status !== skipped) return { cursor: position, decided: true, taints: status !== completed };
  }
  return { cursor: stages.length, decided: true, taints: true };
}
