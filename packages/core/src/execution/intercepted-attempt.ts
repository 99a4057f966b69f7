import { isStageflowError, type StageflowError } from '../errors.ts';
import type { CompletedOutcome, StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { isAbort } from './abort-error.ts';
import type { Attempt } from './attempt.ts';
import { type AttemptEnd, outcomeOfAttempt } from './attempt-end.ts';
import { cachedOutcome } from './cached-outcome.ts';
import { gatherValues } from './gather-values.ts';
import { InterceptedContext } from './intercepted-context.ts';
import { callThrough, type StageLayers } from './interceptor-chain.ts';
import type { Scope } from './scope.ts';

/**
 * One attempt within its interceptors: what they make of it.
 *
 * @param begin - Makes the attempt and tells how it ended.
 */
export function attemptWithin(
  layers: StageLayers,
  scope: Scope,
  stage: PlannedStage,
  attempt: Attempt,
  begin: (onEnd: (end: AttemptEnd) => void) => void,
): Promise<AttemptEnd> {
  const subject = new InterceptedContext(scope, stage, gatherValues(stage, scope.state), attempt);
  let inner: AttemptEnd | undefined;
  let outcome: StageOutcome | undefined;
  const core = (): Promise<StageOutcome> =>
    new Promise((resolve) => {
      begin((end) => {
        inner = end;
        outcome = outcomeOfAttempt(end, scope);
        resolve(outcome);
      });
    });
  return callThrough(layers, subject, core, (layer, { value }) => cachedOutcome(scope, stage, layer, value, attempt.number, outcome)).then(
    (result) =>
      result === outcome ? (inner as AttemptEnd) : { ended: 'completed', value: (result as CompletedOutcome).output, cached: true },
    (error) => thrownBy(error as StageflowError, scope),
  );
}

/** Classifiers see what the interceptor threw; one that merely obeyed the signal has not failed. */
function thrownBy(error: StageflowError, { stopped }: Scope): AttemptEnd {
  const thrown = isStageflowError(error, 'SF_INTERCEPTOR_FAILED') ? error.cause : error;
  if (stopped !== undefined && isAbort(thrown, stopped.signalReason)) return { ended: 'aborted' };
  return { ended: 'failed', error, thrown };
}
