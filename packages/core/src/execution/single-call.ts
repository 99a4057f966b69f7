import { freezeOutput } from '#freeze';
import { type Control, controlKind } from '../control.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { isAbort } from './abort-error.ts';
import { AttemptContext } from './context.ts';
import type { Scheduler } from './scheduler.ts';
import { cancelRun, cancelStage, failStage, runtimeRequired, skipStage, stageFailed } from './stage-endings.ts';

/**
 * The whole of a stage without policies: one call, and one reaction if it answers with a promise. Most stages are of
 * this kind, so nothing here is made that is not needed.
 */
export function callOnce(scheduler: Scheduler, stage: PlannedStage, values: unknown): void {
  let returned: unknown;
  // Counted before the call: what the call itself does may stop the run, which then has to wait for it.
  scheduler.active++;
  try {
    returned = stage.run(values as never, new AttemptContext(scheduler, stage, values, undefined));
    if (typeof returned === 'object' && returned !== null && typeof (returned as { then?: unknown }).then === 'function') {
      const promise = returned instanceof Promise ? returned : Promise.resolve(returned);
      promise.then(
        (value) => {
          if (scheduler.closing) return;
          scheduler.active--;
          take(scheduler, stage, value);
          scheduler.drain();
        },
        (error) => {
          if (scheduler.closing) return;
          scheduler.active--;
          threw(scheduler, stage, error);
          scheduler.drain();
        },
      );
      return;
    }
  } catch (error) {
    scheduler.active--;
    threw(scheduler, stage, error);
    return;
  }
  scheduler.active--;
  take(scheduler, stage, returned);
}

function take(scheduler: Scheduler, stage: PlannedStage, value: unknown): void {
  const kind = typeof value === 'object' && value !== null ? controlKind(value) : undefined;
  if (kind === undefined) {
    freezeOutput(value);
    scheduler.complete(stage.index, value);
  } else obey(scheduler, stage, value as Control, kind);
}

function threw(scheduler: Scheduler, stage: PlannedStage, error: unknown): void {
  const { stopped } = scheduler;
  if (stopped !== undefined && isAbort(error, stopped.signalReason)) cancelStage(scheduler, stage, stopped.reason);
  else failStage(scheduler, stage, stageFailed(scheduler, stage, error, 1));
}

function obey(scheduler: Scheduler, stage: PlannedStage, value: Control, kind: NonNullable<ReturnType<typeof controlKind>>): void {
  if (kind === 'skip') skipStage(scheduler, stage, (value as { reason: string }).reason);
  else if (kind === 'cancel') cancelRun(scheduler, stage, (value as { reason: string }).reason);
  else if (kind === 'suspend') failStage(scheduler, stage, runtimeRequired(scheduler, stage, 'a store that keeps waits', 1));
  else failStage(scheduler, stage, stageFailed(scheduler, stage, (value as { error: unknown }).error, 1));
}
