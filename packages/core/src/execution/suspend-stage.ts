import { describeThrown, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { stageFields } from './emitter.ts';
import { gatherValues } from './gather-values.ts';
import type { Journal } from './journal.ts';
import type { Scope } from './scope.ts';
import { blockStage, failStage, locationOf } from './stage-endings.ts';
import { running } from './status.ts';

/** By scope, the stages that suspended although they had been answered. */
const unread = new WeakMap<Scope, Set<number>>();

/** A stage waits: it is called again when the answer has come, in this activation or a later one. */
export function suspendStage(
  scope: Scope,
  stage: PlannedStage,
  { type, request }: { readonly type: string; readonly request: unknown },
): void {
  const { scheduler, state } = scope;
  const { parking } = scheduler;
  const journal = scheduler.journal as Journal;
  const path = state.pathOf(stage);
  const unfit = journal.keep(path, request);
  if (unfit !== undefined) return failStage(scope, stage, unfit);
  const goOn = (): void => {
    if (scope.closing || scope.stopped !== undefined || state.status[stage.index] !== running) return;
    scope.emit({ type: 'stage.resumed', ...stageFields(state, stage, state.attemptsOf(stage.index)), waitId });
    scope.requeue(stage.index);
  };
  const onOpen = (): void => {
    parking.busy--;
    scheduler.drain();
  };
  const onAnswer = (): void => {
    parking.waiting--;
    if (scope.caller !== undefined) parking.unpark(scope.caller.scope, scope.caller.index);
    goOn();
  };
  const { waitId, state: where } = journal.wait({ path, type, request, expiresAt: undefined }, { onOpen, onAnswer });
  scope.emit({ type: 'stage.suspended', ...stageFields(state, stage, state.attemptsOf(stage.index)), waitId, wait: type });
  if (where !== 'open') {
    if (isSecondTime(scope, stage)) return failStage(scope, stage, unreadAnswer(scope, stage, type));
    // Answered while it was being called: the next call finds the answer.
    return goOn();
  }
  parking.busy++;
  parking.waiting++;
  if (scope.caller !== undefined) parking.park(scope.caller.scope, scope.caller.index);
}

/** Whether a stage has been called with its answer and suspended all the same, which it would do for ever. */
function isSecondTime(scope: Scope, { index }: PlannedStage): boolean {
  const stages = unread.get(scope) ?? new Set<number>();
  unread.set(scope, stages);
  if (stages.has(index)) return true;
  stages.add(index);
  return false;
}

function unreadAnswer(scope: Scope, stage: PlannedStage, wait: string): StageflowError {
  const issues = ['it was given, and the stage returned suspend() again: read it with context.answer(), and ask for more with waitFor()'];
  return new StageflowError('SF_ANSWER_INVALID', { stage: stage.name, wait, issues }, locationOf(scope, stage, 1));
}

/** Ends a guard by the decision on its review, where there is one; `false` where it has to judge. */
export function applyReview(scope: Scope, stage: PlannedStage): boolean {
  const { scheduler, state } = scope;
  const { journal } = scheduler;
  const path = state.pathOf(stage);
  const answer = journal?.answer(path, 'review');
  if (journal === undefined || answer === undefined) return false;
  const decision = answer.value as { readonly approved?: unknown; readonly reason?: unknown } | null | undefined;
  if (typeof decision?.approved !== 'boolean') {
    const issues = [`expected { approved: boolean, reason?: string }, received ${describeThrown(answer.value).message}`];
    failStage(
      scope,
      stage,
      new StageflowError('SF_ANSWER_INVALID', { stage: stage.name, wait: 'review', issues }, locationOf(scope, stage, 1)),
    );
  } else if (decision.approved) {
    const subject = gatherValues(stage, state)['subject'];
    const unfit = journal.keep(path, subject);
    if (unfit === undefined) scope.complete(stage.index, subject);
    else failStage(scope, stage, unfit);
  } else blockStage(scope, stage, typeof decision.reason === 'string' ? decision.reason : 'a reviewer said no', undefined);
  return true;
}
