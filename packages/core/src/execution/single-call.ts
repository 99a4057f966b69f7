import { freezeOutput } from '#freeze';
import { type Control, controlKind } from '../control.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { isAbort } from './abort-error.ts';
import { AttemptContext } from './context.ts';
import type { Scope } from './scope.ts';
import { cancelRun, cancelStage, failStage, runtimeRequired, skipStage, stageFailed } from './stage-endings.ts';

/**
 * The whole of a stage without policies: one call, and one reaction if it answers with a promise. Most stages are of
 * this kind, so nothing here is made that is not needed.
 */
export function callOnce(scope: Scope, stage: PlannedStage, values: unknown): void {
  let returned: unknown;
  // Counted before the call: what the call itself does may stop the run, which then has to wait for it.
  scope.enter();
  try {
    returned = stage.run(values as never, new AttemptContext(scope, stage, values, undefined));
    if (typeof returned === 'object' && returned !== null && typeof (returned as { then?: unknown }).then === 'function') {
      const promise = returned instanceof Promise ? returned : Promise.resolve(returned);
      promise.then(
        (value) => {
          if (scope.closing) return;
          scope.leave();
          take(scope, stage, value);
          scope.goOn();
        },
        (error) => {
          if (scope.closing) return;
          scope.leave();
          threw(scope, stage, error);
          scope.goOn();
        },
      );
      return;
    }
  } catch (error) {
    scope.leave();
    threw(scope, stage, error);
    return;
  }
  scope.leave();
  take(scope, stage, returned);
}

function take(scope: Scope, stage: PlannedStage, value: unknown): void {
  const kind = typeof value === 'object' && value !== null ? controlKind(value) : undefined;
  if (kind === undefined) {
    freezeOutput(value);
    scope.complete(stage.index, value);
  } else obey(scope, stage, value as Control, kind);
}

function threw(scope: Scope, stage: PlannedStage, error: unknown): void {
  const { stopped } = scope;
  if (stopped !== undefined && isAbort(error, stopped.signalReason)) cancelStage(scope, stage, stopped.reason);
  else failStage(scope, stage, stageFailed(scope, stage, error, 1));
}

function obey(scope: Scope, stage: PlannedStage, value: Control, kind: NonNullable<ReturnType<typeof controlKind>>): void {
  if (kind === 'skip') skipStage(scope, stage, (value as { reason: string }).reason);
  else if (kind === 'cancel') cancelRun(scope, stage, (value as { reason: string }).reason);
  else if (kind === 'suspend') failStage(scope, stage, runtimeRequired(scope, stage, 'a runtime with a store, which keeps waits', 1));
  else failStage(scope, stage, stageFailed(scope, stage, (value as { error: unknown }).error, 1));
}
