import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import { describeReceived, issueLines, type Schema, validate } from '../schema.ts';
import type { WaitForOptions } from '../stage-context.ts';
import { stageFields } from './emitter.ts';
import type { Journal } from './journal.ts';
import type { Scope } from './scope.ts';
import { locationOf, runtimeRequired } from './stage-endings.ts';

/** The call that waits. */
export interface WaitingCall {
  /** 1-based. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** The longest that a timer can be set for. */
const longestTimerMs = 2_147_483_647;

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
  const { journal } = scope.scheduler;
  if (journal === undefined) throw runtimeRequired(scope, stage, 'a runtime with a store, which keeps waits', call.attempt);
  const own = scope.state.pathOf(stage);
  // Escaped as the keys of items are: no key ends the path it is in.
  const path = key === undefined ? own : `${own}[${key.replace(/[%[\]]/g, encodeURIComponent)}]`;
  await answered(scope, stage, call, journal, { path, type, timeoutMs });
  return readAnswer(scope, stage, call.attempt, type, schema, journal.answer(path, type)?.value);
}

interface Waiting {
  readonly path: string;
  readonly type: string;
  readonly timeoutMs: number | undefined;
}

/** @throws SF_WAIT_EXPIRED; the reason of the signal. */
function answered(scope: Scope, stage: PlannedStage, { attempt, signal }: WaitingCall, journal: Journal, waiting: Waiting): Promise<void> {
  const { parking, clock, result } = scope.scheduler;
  const { path, type, timeoutMs } = waiting;
  const expired = (): StageflowError =>
    new StageflowError('SF_WAIT_EXPIRED', { stage: stage.name, wait: type }, locationOf(scope, stage, attempt));
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let timer: Timer | undefined;
    let isOver = false;
    const over = (then: () => void): void => {
      if (isOver) return;
      isOver = true;
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
      parking.waiting--;
      parking.unpark(scope, stage.index);
      // A run that has come to rest calls the stage again: what is left of this call must not go on beside it.
      if (!scope.closing) then();
    };
    const onAbort = (): void => over(() => reject(signal.reason));
    const onOpen = (): void => {
      parking.busy--;
      scope.scheduler.drain();
    };
    const expiresAt = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
    const wait = journal.wait({ path, type, request: undefined, expiresAt }, { onOpen, onAnswer: () => over(resolve) });
    if (wait.state === 'expired') return reject(expired());
    if (wait.state === 'answered') return resolve();
    scope.emit({ type: 'stage.suspended', ...stageFields(scope.state, stage, attempt), waitId: wait.waitId, wait: type });
    parking.busy++;
    parking.waiting++;
    parking.park(scope, stage.index);
    signal.addEventListener('abort', onAbort);
    const watch = (until: number): void => {
      const leftMs = until - clock.now();
      if (leftMs <= 0) return over(() => reject(expired()));
      timer = clock.schedule(() => watch(until), Math.min(leftMs, longestTimerMs));
    };
    if (wait.expiresAt === undefined) return;
    watch(wait.expiresAt);
    // Nothing of a run that rests may keep its process.
    void result.then(() => timer?.cancel());
  });
}

/** An answer as its schema reads it. @throws SF_ANSWER_INVALID */
export function readAnswer<Read>(
  scope: Scope,
  stage: PlannedStage,
  attempt: number,
  wait: string,
  schema: Schema<unknown, Read>,
  value: unknown,
): Read {
  const location = locationOf(scope, stage, attempt);
  const result = validate(schema, value);
  if (result instanceof Promise) throw new StageflowError('SF_SCHEMA_ASYNC', { subject: `answer "${wait}"` }, location);
  if (result.issues === undefined) return result.value;
  const issues = [...issueLines(result.issues), `received ${describeReceived(value)}`];
  throw new StageflowError('SF_ANSWER_INVALID', { stage: stage.name, wait, issues }, location);
}
