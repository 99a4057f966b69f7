import { type Asked, type Control, controlKind, type RetryLater, type Suspend } from '../control.ts';
import { summarizeError } from '../error-summary.ts';
import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import { isAbort } from './abort-error.ts';
import { Attempt } from './attempt.ts';
import type { AttemptEnd, FailedAttempt } from './attempt-end.ts';
import { AttemptTimers } from './attempt-timers.ts';
import { AttemptContext } from './context.ts';
import { stageFields } from './emitter.ts';
import { endFailed } from './end-failed.ts';
import type { Execution } from './execution.ts';
import { gatherValues } from './gather-values.ts';
import { attemptWithin } from './intercepted-attempt.ts';
import type { StageLayers } from './interceptor-chain.ts';
import { interpret } from './interpret.ts';
import { missingProvision } from './missing-provision.ts';
import { overrun } from './overrun.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { SingleAttempt } from './run-setup.ts';
import type { Scope } from './scope.ts';
import { blockStage, cancelRun, cancelStage, locationOf, runtimeRequired, skipStage, stageFailed } from './stage-endings.ts';
import type { Stop } from './stop.ts';
import { applyReview, suspendStage } from './suspend-stage.ts';

/** All attempts of one stage that has limits, retries, a contract or a verdict. */
export class StageExecution implements Execution {
  readonly #scope: Scope;
  readonly #stage: PlannedStage;
  readonly #layers: StageLayers | undefined;
  /** What a guard judges, whatever its function does to the record it is given. */
  #subject: unknown;
  #attempt: Attempt | undefined;
  /** Made when a limit is to be watched. */
  #timers: AttemptTimers | undefined;
  #count = 0;
  #activeMs = 0;
  #previousWaitMs = 0;
  #grace: Timer | undefined;
  #backoff: Timer | undefined;
  /** Whether it waits for an answer. */
  #suspended = false;
  /** Set where it is not wanted any more, because it lost a race. */
  #withdrawn: string | undefined;
  /** Whether someone wants to know how long its calls take. */
  readonly #isTimed: boolean;
  readonly #onAttemptOver: (() => void) | undefined;
  readonly #single: SingleAttempt | undefined;
  /** Takes how the attempt ended, where interceptors stand around it. */
  #onEnd: ((end: AttemptEnd) => void) | undefined;

  /**
   * @param layers - The interceptors around each attempt.
   * @param onAttemptOver - Told when an attempt has settled or was given up, before what follows from that.
   */
  constructor(scope: Scope, stage: PlannedStage, layers: StageLayers | undefined, onAttemptOver: (() => void) | undefined = undefined) {
    this.#scope = scope;
    this.#stage = stage;
    this.#layers = layers;
    // What it calls has attempts of its own.
    this.#single = scope.caller === undefined ? scope.scheduler.single : undefined;
    const { timeoutMs, budgetMs, idleMs } = stage;
    this.#isTimed = (timeoutMs ?? budgetMs ?? idleMs) !== undefined || this.#single !== undefined;
    this.#count = this.#single?.attemptsBefore ?? 0;
    this.#activeMs = this.#single?.activeMsBefore ?? 0;
    this.#onAttemptOver = onAttemptOver;
  }

  /** Whether a call of the function is under way; between two attempts none is. */
  get isCalling(): boolean {
    return this.#attempt?.applied === false;
  }

  get holdsSlot(): boolean {
    return this.isCalling;
  }

  /** @param refused - Why the attempt cannot have what it needs: it has failed before it began. */
  start(refused: StageflowError | undefined = missingProvision(this.#scope, this.#stage)): void {
    const scope = this.#scope;
    const stage = this.#stage;
    const { clock } = scope.scheduler;
    if (stage.kind === 'guard' && applyReview(scope, stage)) return scope.goOn();
    // An activation that begins with an answer is the same attempt.
    if (!this.#suspended) this.#count++;
    this.#suspended = false;
    const attempt = new Attempt(this.#count, clock);
    this.#attempt = attempt;
    if (this.#count > 1) scope.state.note(stage.index).attempts = this.#count;
    scope.enter();
    scope.scheduler.parking.busy++;
    if (refused !== undefined) this.#ended(attempt, { ended: 'failed', error: refused, thrown: refused, retryable: refused.retryable });
    else if (this.#layers === undefined) this.#call(attempt);
    else this.#callThrough(attempt, this.#layers);
  }

  #call(attempt: Attempt): void {
    const scope = this.#scope;
    const stage = this.#stage;
    attempt.called = true;
    if (this.#isTimed) this.#watchLimits(attempt);
    if (stage.undo !== undefined) scope.scheduler.ending.effects.began(scope, stage);
    const values = gatherValues(stage, scope.state);
    this.#subject = values['subject'];
    let returned: unknown;
    try {
      returned = stage.run(values as never, new AttemptContext(scope, stage, values, attempt));
      if (typeof returned === 'object' && returned !== null && typeof (returned as { then?: unknown }).then === 'function') {
        Promise.resolve(returned).then(
          (value) => this.#returned(attempt, value),
          (error) => this.#threw(attempt, error),
        );
        return;
      }
    } catch (error) {
      this.#threw(attempt, error);
      return;
    }
    this.#returned(attempt, returned);
  }

  /** The attempt within its interceptors; what they make of it counts. */
  #callThrough(attempt: Attempt, layers: StageLayers): void {
    const scope = this.#scope;
    const core = (onEnd: (end: AttemptEnd) => void): void => {
      this.#onEnd = onEnd;
      const { givenUp } = attempt;
      if (scope.stopped !== undefined) this.#ended(attempt, { ended: 'aborted' });
      else if (givenUp !== undefined) this.#ended(attempt, { ended: 'failed', error: givenUp, thrown: givenUp });
      else this.#call(attempt);
    };
    void attemptWithin(layers, scope, this.#stage, attempt, core).then((end) => {
      if (!scope.closing && !attempt.applied) this.#apply(attempt, end);
    });
  }

  /** The run stops: aborts the attempt, or ends the wait for the next one. */
  stop(stop: Stop): void {
    if (this.#backoff !== undefined) {
      this.#endBackoff();
      // What stopped before it may have closed the scope, and ended this stage with it.
      if (this.#scope.closing) return;
      cancelStage(this.#scope, this.#stage, stop.reason);
      return;
    }
    // The run's own grace decides from here, for stages with and without limits alike.
    this.#cancelTimers();
    this.#attempt?.abort(stop.signalReason);
  }

  /** It lost a race: aborts the attempt, and ends as skipped once that has settled or its grace has passed. */
  withdraw(reason: string): void {
    const error = new StageflowError('SF_RUN_CANCELLED', { reason }, locationOf(this.#scope, this.#stage, this.#count));
    this.#withdrawn = reason;
    if (this.#attempt?.applied === false) return this.#giveUp(this.#attempt, error);
    this.#endBackoff();
    skipStage(this.#scope, this.#stage, reason);
  }

  /** Nothing to do: a scope that has closed takes nothing from its attempts. */
  close(): void {}

  #watchLimits(attempt: Attempt): void {
    attempt.startClock();
    this.#timers ??= new AttemptTimers(this.#scope, this.#stage, (late, error) => this.#giveUp(late, error));
    this.#timers.set(attempt, this.#activeMs);
  }

  /** A limit passed: aborts, and waits for the function to settle or the grace to pass. */
  #giveUp(attempt: Attempt, error: StageflowError): void {
    attempt.givenUp = error;
    this.#cancelTimers();
    const graceMs = this.#stage.graceMs ?? this.#scope.scheduler.limits.graceMs;
    this.#grace = this.#scope.scheduler.clock.schedule(() => {
      this.#scope.emit({ type: 'attempt.abandoned', ...stageFields(this.#scope.state, this.#stage, attempt.number), graceMs });
      this.#scope.state.note(this.#stage.index).unsettled++;
      this.#ended(attempt, { ended: 'failed', error, thrown: error, unsettled: true });
    }, graceMs);
    attempt.abort(error);
    this.#scope.stopCalls(this.#stage.index, { status: 'cancelled', reason: error.message, stage: undefined, error, signalReason: error });
  }

  #returned(attempt: Attempt, value: unknown): void {
    if (this.#isLate(attempt, 'resolved')) return;
    const late = overrun(this.#scope, this.#stage, attempt, this.#activeMs);
    if (late !== undefined) return this.#ended(attempt, { ended: 'failed', error: late, thrown: late });
    const kind = controlKind(value);
    if (kind !== undefined) return this.#control(attempt, value as Control, kind);
    const meaning = interpret(this.#stage, value, this.#subject, locationOf(this.#scope, this.#stage, attempt.number));
    if (meaning instanceof Promise) {
      void meaning.then((settled) => this.#settle(attempt, settled));
    } else this.#settle(attempt, meaning);
  }

  #settle(attempt: Attempt, meaning: Awaited<ReturnType<typeof interpret>>): void {
    if (this.#isLate(attempt, 'resolved')) return;
    if (attempt.givenUp !== undefined) return this.#ended(attempt, { ended: 'failed', error: attempt.givenUp, thrown: attempt.givenUp });
    if (meaning.means === 'failed') {
      const { error } = meaning;
      return this.#ended(attempt, { ended: 'failed', error, thrown: error, retryable: error.retryable });
    }
    if (meaning.means === 'review') return this.#suspends(attempt, 'review', meaning.asked);
    if (meaning.means === 'blocked') this.#ended(attempt, { ended: 'blocked', reason: meaning.reason });
    else {
      if (this.#stage.undo !== undefined) this.#scope.scheduler.ending.effects.completed(this.#scope, this.#stage, meaning.value);
      this.#ended(attempt, { ended: 'completed', value: meaning.value });
    }
  }

  #threw(attempt: Attempt, thrown: unknown): void {
    if (this.#isLate(attempt, 'rejected')) return;
    const late = overrun(this.#scope, this.#stage, attempt, this.#activeMs);
    if (late !== undefined) return this.#ended(attempt, { ended: 'failed', error: late, thrown: late });
    const { stopped } = this.#scope;
    if (stopped !== undefined && isAbort(thrown, stopped.signalReason)) return this.#ended(attempt, { ended: 'aborted' });
    this.#says(attempt);
    this.#ended(attempt, { ended: 'failed', error: stageFailed(this.#scope, this.#stage, thrown, attempt.number), thrown });
  }

  #control(attempt: Attempt, value: Control, kind: NonNullable<ReturnType<typeof controlKind>>): void {
    const scope = this.#scope;
    const stage = this.#stage;
    this.#says(attempt);
    if (kind === 'suspend') return this.#suspends(attempt, 'answer', value as Suspend);
    if (kind === 'fail' || kind === 'retry') {
      const { error: thrown } = value as { error: unknown };
      const afterMs = kind === 'retry' ? (value as RetryLater).afterMs : undefined;
      return this.#ended(attempt, { ended: 'failed', error: stageFailed(scope, stage, thrown, attempt.number), thrown, afterMs });
    }
    if (stage.kind === 'guard' && kind === 'skip') {
      const why = 'it returned skip(), which is no verdict';
      const error = new StageflowError('SF_GUARD_FAILED', { stage: stage.name, why }, locationOf(scope, stage, attempt.number));
      return this.#ended(attempt, { ended: 'failed', error, thrown: error, retryable: false });
    }
    this.#ended(attempt, { ended: kind === 'cancel' ? 'cancels the run' : 'skipped', reason: (value as { reason: string }).reason });
  }

  /** The function has said itself that it has made nothing; one that was given up says nothing that counts. */
  #says({ givenUp }: Attempt): void {
    if (this.#stage.undo !== undefined && givenUp === undefined) this.#scope.scheduler.ending.effects.notMade(this.#scope, this.#stage);
  }

  /** It waits for an answer: ends this activation of the stage, and no attempt. */
  #suspends(attempt: Attempt, type: 'answer' | 'review', asked: Asked): void {
    if (this.#scope.scheduler.journal !== undefined) return this.#ended(attempt, { ended: 'suspended', type, asked });
    const error = runtimeRequired(this.#scope, this.#stage, 'a runtime with a store, which keeps waits', attempt.number);
    this.#ended(attempt, { ended: 'failed', error, thrown: error, retryable: false });
  }

  /** Whether the attempt was fenced: what it brings is dropped, and said. */
  #isLate(attempt: Attempt, settledAs: 'resolved' | 'rejected'): boolean {
    if (this.#scope.closing) return true;
    if (!attempt.over) return false;
    this.#scope.state.note(this.#stage.index).unsettled--;
    this.#scope.emit({ type: 'attempt.arrived_late', ...stageFields(this.#scope.state, this.#stage, attempt.number), settledAs });
    return true;
  }

  /** The attempt has settled, or was given up. */
  #ended(attempt: Attempt, end: AttemptEnd): void {
    this.#close(attempt);
    if (this.#onEnd === undefined) return this.#apply(attempt, end);
    const tell = this.#onEnd;
    this.#onEnd = undefined;
    tell(end);
  }

  #apply(attempt: Attempt, end: AttemptEnd): void {
    const scope = this.#scope;
    const stage = this.#stage;
    if (!attempt.over) this.#abandon(attempt);
    this.#suspended = end.ended === 'suspended';
    attempt.applied = true;
    scope.leave();
    this.#onAttemptOver?.();
    scope.scheduler.parking.leave(scope, stage.index);
    scope.scheduler.parking.busy--;
    if (this.#withdrawn !== undefined) skipStage(scope, stage, this.#withdrawn);
    else if (end.ended === 'failed') this.#failed(attempt, end);
    else if (end.ended === 'suspended') suspendStage(scope, stage, end);
    else if (end.ended === 'completed') {
      const unfit = scope.scheduler.journal?.keep(scope.state.pathOf(stage), end.value);
      if (unfit !== undefined) {
        this.#end(unfit);
        return scope.goOn();
      }
      if (end.cached === true) scope.state.note(stage.index).cached = true;
      scope.complete(stage.index, end.value);
    } else if (end.ended === 'blocked') blockStage(scope, stage, end.reason, undefined);
    else if (end.ended === 'skipped') skipStage(scope, stage, end.reason);
    else if (end.ended === 'cancels the run') cancelRun(scope, stage, end.reason);
    else cancelStage(scope, stage, (scope.stopped as Stop).reason);
    scope.goOn();
  }

  /** An interceptor has decided while the function was still under way: it is aborted, and what it brings is dropped. */
  #abandon(attempt: Attempt): void {
    this.#onEnd = undefined;
    this.#close(attempt);
    if (attempt.called) this.#scope.state.note(this.#stage.index).unsettled++;
    attempt.abort(new StageflowError('SF_RUN_CANCELLED', { reason: 'an interceptor ended the attempt' }));
  }

  #failed(attempt: Attempt, failure: FailedAttempt): void {
    const scope = this.#scope;
    this.#single?.onFailed(failure, this.#activeMs);
    const spent = { activeMs: this.#activeMs, previousWaitMs: this.#previousWaitMs };
    const retryInMs = retryDelayMs(scope, this.#stage, attempt, failure, spent);
    scope.emit({
      type: 'attempt.failed',
      ...stageFields(scope.state, this.#stage, attempt.number),
      error: summarizeError(failure.error),
      retryInMs,
    });
    // What the slot of this attempt lets start begins now, also where the stage itself has not ended.
    scope.scheduler.tick();
    if (retryInMs === undefined) return this.#end(failure.error);
    this.#previousWaitMs = retryInMs;
    this.#attempt = undefined;
    scope.scheduler.parking.busy++;
    this.#backoff = scope.scheduler.clock.schedule(() => {
      scope.scheduler.parking.busy--;
      this.#backoff = undefined;
      scope.requeue(this.#stage.index);
    }, retryInMs);
  }

  /** No attempt follows. */
  #end(error: StageflowError): void {
    endFailed(this.#scope, this.#stage, this.#count, error);
  }

  #close(attempt: Attempt): void {
    attempt.over = true;
    this.#cancelTimers();
    if (attempt.called && this.#isTimed) this.#activeMs += this.#scope.scheduler.clock.monotonic() - attempt.startedMono;
  }

  #endBackoff(): void {
    if (this.#backoff === undefined) return;
    this.#scope.scheduler.parking.busy--;
    this.#backoff.cancel();
    this.#backoff = undefined;
  }

  #cancelTimers(): void {
    this.#timers?.cancel();
    this.#grace?.cancel();
  }
}
