import { type ErrorLocation, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import { describeReceived, issueLines, type Schema, validate } from '../schema.ts';
import type { WaitForOptions } from '../stage-context.ts';
import { stageFields } from './emitter.ts';
import type { Journal, WaitAnswer } from './journal.ts';
import { scheduleAt } from './schedule-at.ts';
import type { Scope } from './scope.ts';
import { locationOf, runtimeRequired } from './stage-endings.ts';

/** The call that waits. */
export interface WaitingCall {
  /** 1-based. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** The type of the waits of those that sleep. */
export const sleepType = '$sleep';

/** How many times each call has slept: sleeps are told apart by their place among those of the call. */
const sleeps = new WeakMap<WaitingCall, number>();

/**
 * Waits for an answer from outside, within a call. While the process lives the promise resolves when the answer comes;
 * where the run has nothing else to do it is suspended, and the stage is called again when the run is resumed.
 */
export async function waitFor<Read>(
  scope: Scope,
  stage: PlannedStage,
  call: WaitingCall,
  type: string,
  { schema, timeoutMs, key }: WaitForOptions<Read>,
): Promise<Read> {
  const { journal, clock } = scope.scheduler;
  if (journal === undefined) throw runtimeRequired(scope, stage, 'a runtime with a store, which keeps waits', call.attempt);
  const path = pathOfWait(scope, stage, key);
  const problem = timeoutProblem(timeoutMs, locationOf(scope, stage, call.attempt));
  if (problem !== undefined) throw problem;
  const expiresAt = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
  const answer = await answered(scope, stage, call, journal, { path, type, expiresAt });
  return readAnswer(scope, stage, call.attempt, type, schema, answer);
}

/**
 * Sleeps within a call. A sleep that is longer than a run may do nothing in its process is kept as a wait, so that the run
 * comes to rest where it has nothing else to do.
 *
 * @param at - Epoch milliseconds; of a sleep that was begun before, the first time counts.
 */
export async function sleepUntil(scope: Scope, stage: PlannedStage, call: WaitingCall, at: number): Promise<void> {
  const { journal, clock } = scope.scheduler;
  if (!Number.isFinite(at)) {
    const details = { option: 'sleepUntil(at)', expected: 'epoch milliseconds', received: describeReceived(at) };
    throw new StageflowError('SF_OPTION_INVALID', details, locationOf(scope, stage, call.attempt));
  }
  const place = (sleeps.get(call) ?? 0) + 1;
  sleeps.set(call, place);
  const path = pathOfWait(scope, stage, `${call.attempt}.${place}`);
  const isKept = journal !== undefined && (at - clock.now() > journal.restAfterMs || hasBegun(journal, path));
  if (!isKept) return asleep(scope, call.signal, at);
  await answered(scope, stage, call, journal, { path, type: sleepType, expiresAt: at });
}

/** Whether an earlier activation has kept a sleep. */
function hasBegun(journal: Journal, path: string): boolean {
  return journal.answer(path, sleepType) !== undefined || journal.openWaits.some((wait) => wait.type === sleepType && wait.path === path);
}

/** Why a wait cannot last that long. */
export function timeoutProblem(timeoutMs: number | undefined, location: ErrorLocation): StageflowError | undefined {
  if (timeoutMs === undefined || timeoutMs >= 0) return undefined;
  const details = { option: 'timeoutMs', expected: 'a number >= 0, in milliseconds', received: describeReceived(timeoutMs) };
  return new StageflowError('SF_OPTION_INVALID', details, location);
}

/** Escaped as the keys of items are: no key ends the path it is in. */
function pathOfWait(scope: Scope, stage: PlannedStage, key: string | undefined): string {
  const own = scope.state.pathOf(stage);
  return key === undefined ? own : `${own}[${key.replace(/[%[\]]/g, encodeURIComponent)}]`;
}

/** In this process. @throws The reason of the signal. */
function asleep({ scheduler }: Scope, signal: AbortSignal, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = scheduleAt(scheduler.clock, at, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort);
  });
}

interface Waiting {
  readonly path: string;
  readonly type: string;
  readonly expiresAt: number | undefined;
}

/** How a wait came out. @throws The reason of the signal. */
function answered(
  scope: Scope,
  stage: PlannedStage,
  { attempt, signal }: WaitingCall,
  journal: Journal,
  waiting: Waiting,
): Promise<WaitAnswer> {
  const { parking, clock, result } = scope.scheduler;
  const { path, type, expiresAt } = waiting;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let timer: Timer | undefined;
    let isOver = false;
    /** Its time has come while no process was there: what it comes to is known in a moment, so the run does not rest. */
    let isDue = false;
    const over = (then: () => void): void => {
      if (isOver) return;
      isOver = true;
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
      if (!isDue) {
        parking.waiting--;
        parking.unpark(scope, stage.index);
      }
      // A run that has come to rest calls the stage again: what is left of this call must not go on beside it.
      if (!scope.closing) then();
    };
    const onAbort = (): void => over(() => reject(signal.reason));
    const onOpen = (): void => {
      parking.busy--;
      scope.scheduler.drain();
    };
    const onAnswer = (): void => over(() => resolve(journal.answer(path, type) as WaitAnswer));
    const wait = journal.wait({ path, type, request: undefined, expiresAt }, { onOpen, onAnswer });
    if (wait.state === 'expired') return resolve({ expired: true });
    if (wait.state === 'answered') return resolve({ value: wait.answer });
    const { waitId } = wait;
    scope.emit({ type: 'stage.suspended', ...stageFields(scope.state, stage, attempt), waitId, wait: type });
    parking.busy++;
    signal.addEventListener('abort', onAbort);
    isDue = wait.expiresAt !== undefined && wait.expiresAt <= clock.now();
    if (isDue) return journal.expire?.(waitId);
    parking.waiting++;
    parking.park(scope, stage.index);
    if (wait.expiresAt === undefined) return;
    timer = scheduleAt(clock, wait.expiresAt, () => journal.expire?.(waitId));
    // Nothing of a run that rests may keep its process.
    void result.then(() => timer?.cancel());
  });
}

/** An answer as its schema reads it. @throws SF_WAIT_EXPIRED, SF_ANSWER_INVALID */
export function readAnswer<Read>(
  scope: Scope,
  stage: PlannedStage,
  attempt: number,
  wait: string,
  schema: Schema<unknown, Read>,
  answer: WaitAnswer,
): Read {
  const location = locationOf(scope, stage, attempt);
  if (answer.expired === true) throw new StageflowError('SF_WAIT_EXPIRED', { stage: stage.name, wait }, location);
  const result = validate(schema, answer.value);
  if (result instanceof Promise) throw new StageflowError('SF_SCHEMA_ASYNC', { subject: `answer "${wait}"` }, location);
  if (result.issues === undefined) return result.value;
  const issues = [...issueLines(result.issues), `received ${describeReceived(answer.value)}`];
  throw new StageflowError('SF_ANSWER_INVALID', { stage: stage.name, wait, issues }, location);
}
