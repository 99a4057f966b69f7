import type { RootCause, StageOutcome } from '../outcome.ts';
import type { Plan, PlannedNeed, PlannedStage } from '../plan/plan.ts';
import type { RunState } from './run-state.ts';
import { blocked, cancelled, completed, doomed, failed, running, skipped, waiting } from './status.ts';

/** What the ends of a stage's needs make of it, where they keep it from running. */
export type JoinOutcome = Extract<StageOutcome, { readonly status: 'skipped' | 'cancelled' }>;

/**
 * The join table of the design, section 4: `undefined` where the stage may run. A failure weighs more than a cancel, a
 * cancel more than a chosen skip; among equals the first in the order written decides, never the first in time.
 */
export function join(stage: PlannedStage, state: RunState): JoinOutcome | undefined {
  let chosenSkip: JoinOutcome | undefined;
  let cancel: JoinOutcome | undefined;
  for (const need of stage.needs) {
    const end = need.group === -1 ? need.stage : decidingStage(need, state);
    const { name } = state.plan.stages[end] as PlannedStage;
    switch (state.status[end]) {
      case failed:
      case blocked:
      case doomed:
        if (need.toleratesFailure) break;
        return behind(rootCauseOf(end, state));
      case cancelled:
        if (!need.toleratesFailure) cancel ??= { status: 'cancelled', reason: `"${name}" was cancelled` };
        break;
      case skipped:
        if (!need.toleratesSkip) chosenSkip ??= { status: 'skipped', reason: `"${name}" was skipped` };
        break;
    }
  }
  return cancel ?? chosenSkip;
}

/** The first of a `firstOf` group that was not skipped by choice; the last one where all were. */
function decidingStage(need: PlannedNeed, state: RunState): number {
  const { stages } = state.plan.groups[need.group] as Plan['groups'][number];
  return stages.find((index) => state.status[index] !== skipped) ?? (stages.at(-1) as number);
}

function rootCauseOf(index: number, state: RunState): RootCause {
  const outcome = state.outcomes?.get(index);
  if (outcome?.status === 'skipped' && outcome.rootCause !== undefined) return outcome.rootCause;
  return { stage: (state.plan.stages[index] as PlannedStage).name, status: state.status[index] === blocked ? 'blocked' : 'failed' };
}

function behind(rootCause: RootCause): JoinOutcome {
  const verb = rootCause.status === 'blocked' ? 'blocked' : 'failed';
  return { status: 'skipped', reason: `"${rootCause.stage}" ${verb}`, rootCause };
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
  state: RunState,
): { cursor: number; decided: boolean; taints: boolean } {
  for (let position = cursor; position < stages.length; position++) {
    const status = state.status[stages[position] as number];
    if (status === waiting || status === running) return { cursor: position, decided: false, taints: false };
    if (status !== skipped) return { cursor: position, decided: true, taints: status !== completed };
  }
  return { cursor: stages.length, decided: true, taints: true };
}
