import type { Asked } from '../control.ts';
import { describeThrown, type ErrorLocation, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import { describeReceived } from '../schema.ts';
import { stageFields } from './emitter.ts';
import { gatherValues } from './gather-values.ts';
import type { Journal } from './journal.ts';
import { scheduleAt } from './schedule-at.ts';
import type { Scope } from './scope.ts';
import { blockStage, failStage, locationOf } from './stage-endings.ts';
import { running } from './status.ts';
import { timeoutProblem } from './wait-for.ts';

/** Why something cannot be asked like that. */
function askProblem({ timeoutMs, mayDecide, quorum }: Asked, location: ErrorLocation): StageflowError | undefined {
  const broken = (option: string, expected: string, received: unknown): StageflowError =>
    new StageflowError('SF_OPTION_INVALID', { option, expected, received: describeReceived(received) }, location);
  const isNames = Array.isArray(mayDecide) && mayDecide.length > 0 && mayDecide.every((name) => typeof name === 'string');
  if (mayDecide !== undefined && !isNames) return broken('mayDecide', 'a list of ids and roles that is not empty', mayDecide);
  if (quorum !== undefined && !(Number.isSafeInteger(quorum) && quorum >= 1)) return broken('quorum', 'an integer of at least 1', quorum);
  return timeoutProblem(timeoutMs, location);
}

/** By scope, the stages that suspended although they had been answered. */
const unread = new WeakMap<Scope, Set<number>>();

/** A stage waits: it is called again when the answer has come, in this activation or a later one. */
export function suspendStage(scope: Scope, stage: PlannedStage, { type, asked }: { readonly type: string; readonly asked: Asked }): void {
  const { scheduler, state } = scope;
  const { parking, clock } = scheduler;
  const journal = scheduler.journal as Journal;
  const path = state.pathOf(stage);
  const { request, timeoutMs, default: otherwise, mayDecide, quorum } = asked;
  const location = locationOf(scope, stage, state.attemptsOf(stage.index));
  const unfit = askProblem(asked, location) ?? journal.keep(path, otherwise) ?? journal.keep(path, request);
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
  let timer: Timer | undefined;
  /** Its time has come while no process was there: what it comes to is known in a moment, so the run does not rest. */
  let isDue = false;
  const onAnswer = (): void => {
    timer?.cancel();
    if (isDue) parking.busy--;
    else {
      parking.waiting--;
      if (scope.caller !== undefined) parking.unpark(scope.caller.scope, scope.caller.index);
    }
    goOn();
  };
  const expiresAt = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
  const wait = journal.wait({ path, type, request, expiresAt, otherwise, mayDecide, quorum }, { onOpen, onAnswer });
  const { waitId } = wait;
  scope.emit({ type: 'stage.suspended', ...stageFields(state, stage, state.attemptsOf(stage.index)), waitId, wait: type });
  if (wait.state !== 'open') {
    if (isSecondTime(scope, stage)) return failStage(scope, stage, unreadAnswer(scope, stage, type));
    // Answered while it was being called: the next call finds the answer.
    return goOn();
  }
  parking.busy++;
  isDue = wait.expiresAt !== undefined && wait.expiresAt <= clock.now();
  if (isDue) {
    parking.busy++;
    return journal.expire?.(waitId);
  }
  parking.waiting++;
  if (scope.caller !== undefined) parking.park(scope.caller.scope, scope.caller.index);
  if (wait.expiresAt === undefined) return;
  timer = scheduleAt(clock, wait.expiresAt, () => journal.expire?.(waitId));
  // Nothing of a run that rests may keep its process.
  void scheduler.result.then(() => timer?.cancel());
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
  if (answer.expired === true) {
    blockStage(scope, stage, 'nobody decided in time', undefined);
    return true;
  }
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
