import type { RunIdentity } from '../identity.ts';
import type { InterceptedRun } from '../interceptor.ts';
import type { Scheduler } from './scheduler.ts';

/** What interceptors see of a run. */
export function interceptedRun(scheduler: Scheduler): InterceptedRun {
  const { state, root, clock } = scheduler;
  return {
    get identity(): RunIdentity {
      return state.identity;
    },
    get runId(): string {
      return state.identity.runId;
    },
    get signal(): AbortSignal {
      return root.signal;
    },
    get elapsedMs(): number {
      return scheduler.elapsedMs();
    },
    pipeline: state.plan.name,
    stages: state.plan.stages.map(({ name }) => name),
    now: () => clock.now(),
  };
}
