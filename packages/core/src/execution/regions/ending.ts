import type { StageflowError } from '../../errors.ts';
import type { BlockedOutcome, FailedOutcome, RootCause, SkippedOutcome } from '../../outcome.ts';
import type { PlannedOutput, PlannedRead, PlannedStage } from '../../plan/plan.ts';
import type { Scope } from '../scope.ts';
import type { ScopeState } from '../scope-state.ts';
import { blocked, cancelled, completed, doomed, failed } from '../status.ts';

/** How a region, or one scope of it, has come out. */
export type Ending =
  | { readonly status: 'completed'; readonly value: unknown }
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: StageflowError }
  | { readonly status: 'blocked'; readonly reason: string; readonly by: string; readonly error: StageflowError | undefined }
  | { readonly status: 'cancelled'; readonly reason: string }
  /** Because of a stage outside of the scope. */
  | { readonly status: 'doomed'; readonly outcome: SkippedOutcome };

/** How one stage of a scope came out, a skip because of another traced to that other. */
export function endingOfStage(state: ScopeState, index: number): Ending {
  const outcome = state.outcome(index);
  switch (state.status[index]) {
    case completed:
      return { status: 'completed', value: state.slots[index] };
    case failed:
      return { status: 'failed', error: (outcome as FailedOutcome).error };
    case blocked: {
      const { reason, error } = outcome as BlockedOutcome;
      return { status: 'blocked', reason, by: state.blockedAt(index), error };
    }
    case doomed: {
      const root = ownRoot(state, (outcome as SkippedOutcome).rootCause as RootCause);
      return root === undefined ? { status: 'doomed', outcome: outcome as SkippedOutcome } : endingOfStage(state, root);
    }
    case cancelled:
      return { status: 'cancelled', reason: (outcome as { readonly reason: string }).reason };
    default:
      return { status: 'skipped', reason: (outcome as SkippedOutcome).reason };
  }
}

/**
 * How a scope with one output came out: as that output, but not better than its worst. What nothing takes into account
 * counts here as it does for a whole run, also where the output has a value without it.
 */
export function endingOfScope({ stopped, state, plan, failureMode }: Scope): Ending {
  if (stopped?.status === 'failed') return { status: 'failed', error: stopped.error as StageflowError };
  if (stopped?.status === 'blocked') {
    return { status: 'blocked', reason: stopped.reason, by: String(stopped.stage), error: stopped.error };
  }
  if (stopped !== undefined) return { status: 'cancelled', reason: stopped.reason };
  const [{ read }] = plan.outputs as readonly [PlannedOutput];
  const { slot } = read as Extract<PlannedRead, { readonly read: 'slot' }>;
  const ending = endingOfStage(state, slot);
  if ((ending.status !== 'completed' && ending.status !== 'skipped') || state.outcomes === undefined) return ending;
  const unhandled = (wanted: number): PlannedStage | undefined =>
    plan.stages.find((stage) => state.status[stage.index] === wanted && !stage.handled);
  const worst = (failureMode === 'best-effort' ? undefined : unhandled(failed)) ?? unhandled(blocked);
  return worst === undefined ? ending : endingOfStage(state, worst.index);
}

/** The stage of this scope that a skip began with; `undefined` where it stands around the scope. */
function ownRoot(state: ScopeState, { stage }: RootCause): number | undefined {
  if (!stage.startsWith(state.prefix)) return undefined;
  return state.plan.indexByName.get(stage.slice(state.prefix.length));
}
