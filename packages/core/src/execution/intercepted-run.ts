import type { RunIdentity } from '../identity.ts';
import type { InterceptedRun } from '../interceptor.ts';
import { checkedExtension, checkedPayload } from './checked.ts';
import type { Scheduler } from './scheduler.ts';

/** What interceptors see of a run. */
export function interceptedRun(scheduler: Scheduler): InterceptedRun {
  const { state, root, clock, journal } = scheduler;
  const location = () => ({ pipeline: state.plan.name, runId: state.identity.runId });
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
    epoch: journal?.epoch ?? 1,
    now: () => clock.now(),
    extension: (key, schema) => scheduler.extensions.read(key, schema, (value) => checkedExtension(key, schema, value, location())),
    emit: ({ name, schema }, payload) => {
      const value = checkedPayload(name, schema, payload, location());
      scheduler.emit({ type: 'custom', name, payload: value, stage: '', path: '', attempt: 0 });
    },
  };
}
