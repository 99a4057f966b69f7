import { type Control, controlKind, type RetryLater } from '../control.ts';
import { isStageflowError, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import { backoffDelayMs, retryAfterMs } from '../retry.ts';
import { isAbort } from './abort-error.ts';
import { Attempt } from './attempt.ts';
import { AttemptContext } from './context.ts';
import { stageFields, summarize } from './emitter.ts';
import { gatherValues } from './gather-values.ts';
import { interpret } from './interpret.ts';
import type { Scheduler } from './scheduler.ts';
import { blockStage, cancelRun, cancelStage, failStage, locationOf, runtimeRequired, skipStage, stageFailed } from './stage-endings.ts';
import type { Stop } from './stop.ts';

/** How one attempt failed. */
interface Failure {
  readonly error: StageflowError;
  /** What the stage threw, where it did: what classifiers see. */
  readonly thrown: unknown;
  readonly afterMs?: number | undefined;
  /** `false`: no policy makes this worth another attempt. */
  readonly retryable?: boolean;
}

/** All attempts of one stage that has limits, retries, a contract or a verdict. */
export class StageExecution {
  readonly #scheduler: Scheduler;
  readonly #stage: PlannedStage;
  /** What a guard judges, whatever its function does to the record it is given. */
  #subject: unknown;
  #attempt: Attempt | undefined;
  #count = 0;
  #activeMs = 0;
  #previousWaitMs = 0;
  #limit: Timer | undefined;
  #idle: Timer | undefined;
  #grace: Timer | undefined;
  #backoff: Timer | undefined;

  constructor(scheduler: Scheduler, stage: PlannedStage) {
    this.#scheduler = scheduler;
    this.#stage = stage;
  }

  /** Whether a call of the function is under way; between two attempts none is. */
  get isCalling(): boolean {
    return this.#attempt?.over === false;
  }

  startAttempt(): void {
    const scheduler = this.#scheduler;
    const stage = this.#stage;
    const { clock } = scheduler;
    const attempt = new Attempt(++this.#count, () => clock.monotonic());
    this.#attempt = attempt;
    if (this.#count > 1) scheduler.state.recordAttempt(stage.index, this.#count);
    scheduler.active++;
    this.#setLimits(attempt);
    const values = gatherValues(stage, scheduler.state);
    this.#subject = values['subject'];
    let returned: unknown;
    try {
      returned = stage.run(values as never, new AttemptContext(scheduler, stage, values, attempt));
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

  /** The run stops: aborts the attempt, or ends the wait for the next one. */
  stop(stop: Stop): void {
    if (this.#backoff !== undefined) {
      this.#backoff.cancel();
      this.#backoff = undefined;
      cancelStage(this.#scheduler, this.#stage, stop.reason);
      return;
    }
    // The run's own grace decides from here, for stages with and without limits alike.
    this.#cancelTimers();
    this.#attempt?.abort(stop.signalReason);
  }

  #setLimits(attempt: Attempt): void {
    const { timeoutMs, budgetMs, idleMs, name } = this.#stage;
    const { clock } = this.#scheduler;
    const where = locationOf(this.#scheduler, this.#stage, attempt.number);
    const budgetLeftMs = budgetMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, budgetMs - this.#activeMs);
    if (timeoutMs !== undefined && timeoutMs <= budgetLeftMs) {
      const give = () => this.#giveUp(attempt, new StageflowError('SF_STAGE_TIMEOUT', { stage: name, timeoutMs, overrunMs: 0 }, where));
      this.#limit = clock.schedule(give, timeoutMs);
    } else if (budgetMs !== undefined) {
      const give = () => this.#giveUp(attempt, new StageflowError('SF_STAGE_BUDGET', { stage: name, budgetMs }, where));
      this.#limit = clock.schedule(give, budgetLeftMs);
    }
    if (idleMs !== undefined) this.#watchForIdleness(attempt, idleMs, idleMs);
  }

  #watchForIdleness(attempt: Attempt, idleMs: number, waitMs: number): void {
    const { clock } = this.#scheduler;
    this.#idle = clock.schedule(() => {
      const leftMs = attempt.lastSignMono + idleMs - clock.monotonic();
      if (leftMs > 0) return this.#watchForIdleness(attempt, idleMs, leftMs);
      const location = locationOf(this.#scheduler, this.#stage, attempt.number);
      this.#giveUp(attempt, new StageflowError('SF_STAGE_IDLE', { stage: this.#stage.name, idleMs }, location));
    }, waitMs);
  }

  /** A limit passed: aborts, and waits for the function to settle or the grace to pass. */
  #giveUp(attempt: Attempt, error: StageflowError): void {
    attempt.givenUp = error;
    this.#cancelTimers();
    const graceMs = this.#stage.graceMs ?? this.#scheduler.limits.graceMs;
    this.#grace = this.#scheduler.clock.schedule(() => {
      this.#scheduler.emit({ type: 'attempt.abandoned', ...stageFields(this.#stage, attempt.number), graceMs });
      this.#scheduler.state.recordUnsettled(this.#stage.index);
      this.#failed(attempt, { error, thrown: error }, true);
    }, graceMs);
    attempt.abort(error);
  }

  #returned(attempt: Attempt, value: unknown): void {
    if (this.#isLate(attempt, 'resolved')) return;
    const late = this.#overrun(attempt);
    if (late !== undefined) return this.#failed(attempt, { error: late, thrown: late }, false);
    const kind = controlKind(value);
    if (kind !== undefined) return this.#control(attempt, value as Control, kind);
    const meaning = interpret(this.#stage, value, this.#subject, locationOf(this.#scheduler, this.#stage, attempt.number));
    if (meaning instanceof Promise) {
      void meaning.then((settled) => this.#settle(attempt, settled));
    } else this.#settle(attempt, meaning);
  }

  #settle(attempt: Attempt, meaning: Awaited<ReturnType<typeof interpret>>): void {
    if (this.#isLate(attempt, 'resolved')) return;
    if (attempt.givenUp !== undefined) return this.#failed(attempt, { error: attempt.givenUp, thrown: attempt.givenUp }, false);
    if (meaning.means === 'failed') {
      return this.#failed(attempt, { error: meaning.error, thrown: meaning.error, retryable: meaning.error.retryable }, false);
    }
    this.#close(attempt);
    if (meaning.means === 'blocked') blockStage(this.#scheduler, this.#stage, meaning.reason, undefined);
    else this.#scheduler.complete(this.#stage.index, meaning.value);
    this.#scheduler.drain();
  }

  #threw(attempt: Attempt, thrown: unknown): void {
    if (this.#isLate(attempt, 'rejected')) return;
    const late = this.#overrun(attempt);
    if (late !== undefined) return this.#failed(attempt, { error: late, thrown: late }, false);
    const { stopped } = this.#scheduler;
    if (stopped !== undefined && isAbort(thrown, stopped.signalReason)) {
      this.#close(attempt);
      cancelStage(this.#scheduler, this.#stage, stopped.reason);
      this.#scheduler.drain();
      return;
    }
    this.#failed(attempt, { error: stageFailed(this.#scheduler, this.#stage, thrown, attempt.number), thrown }, false);
  }

  #control(attempt: Attempt, value: Control, kind: NonNullable<ReturnType<typeof controlKind>>): void {
    const scheduler = this.#scheduler;
    const stage = this.#stage;
    if (kind === 'suspend') {
      const error = runtimeRequired(scheduler, stage, 'a store that keeps waits', attempt.number);
      return this.#failed(attempt, { error, thrown: error, retryable: false }, false);
    }
    if (kind === 'fail' || kind === 'retry') {
      const { error: thrown } = value as { error: unknown };
      const afterMs = kind === 'retry' ? (value as RetryLater).afterMs : undefined;
      return this.#failed(attempt, { error: stageFailed(scheduler, stage, thrown, attempt.number), thrown, afterMs }, false);
    }
    if (stage.kind === 'guard' && kind === 'skip') {
      const why = 'it returned skip(), which is no verdict';
      const error = new StageflowError('SF_GUARD_FAILED', { stage: stage.name, why }, locationOf(scheduler, stage, attempt.number));
      return this.#failed(attempt, { error, thrown: error, retryable: false }, false);
    }
    this.#close(attempt);
    const { reason } = value as { reason: string };
    if (kind === 'cancel') cancelRun(scheduler, stage, reason);
    else skipStage(scheduler, stage, reason);
    scheduler.drain();
  }

  /** Whether the attempt was fenced: what it brings is dropped, and said. */
  #isLate(attempt: Attempt, settledAs: 'resolved' | 'rejected'): boolean {
    if (this.#scheduler.closing) return true;
    if (!attempt.over) return false;
    this.#scheduler.state.forgetUnsettled(this.#stage.index);
    this.#scheduler.emit({ type: 'attempt.arrived_late', ...stageFields(this.#stage, attempt.number), settledAs });
    return true;
  }

  /** The limit that was passed, also where the function held the thread so that no timer could say so. */
  #overrun(attempt: Attempt): StageflowError | undefined {
    const { timeoutMs, idleMs, budgetMs, name } = this.#stage;
    if (attempt.givenUp !== undefined || this.#scheduler.stopped !== undefined) return attempt.givenUp;
    if (timeoutMs === undefined && idleMs === undefined && budgetMs === undefined) return undefined;
    const nowMono = this.#scheduler.clock.monotonic();
    const spentMs = nowMono - attempt.startedMono;
    const location = locationOf(this.#scheduler, this.#stage, attempt.number);
    if (timeoutMs !== undefined && spentMs > timeoutMs) {
      return new StageflowError('SF_STAGE_TIMEOUT', { stage: name, timeoutMs, overrunMs: Math.ceil(spentMs - timeoutMs) }, location);
    }
    if (budgetMs !== undefined && this.#activeMs + spentMs > budgetMs)
      return new StageflowError('SF_STAGE_BUDGET', { stage: name, budgetMs }, location);
    if (idleMs !== undefined && nowMono - attempt.lastSignMono > idleMs)
      return new StageflowError('SF_STAGE_IDLE', { stage: name, idleMs }, location);
    return undefined;
  }

  #failed(attempt: Attempt, failure: Failure, unsettled: boolean): void {
    this.#close(attempt);
    const scheduler = this.#scheduler;
    const retryInMs = this.#retryInMs(attempt, failure, unsettled);
    scheduler.emit({ type: 'attempt.failed', ...stageFields(this.#stage, attempt.number), error: summarize(failure.error), retryInMs });
    // What the slot of this attempt lets start begins now, also where the stage itself has not ended.
    scheduler.tick();
    if (retryInMs === undefined) this.#end(failure.error);
    else {
      this.#previousWaitMs = retryInMs;
      this.#attempt = undefined;
      this.#backoff = scheduler.clock.schedule(() => {
        this.#backoff = undefined;
        scheduler.requeue(this.#stage.index);
      }, retryInMs);
    }
    scheduler.drain();
  }

  /** Milliseconds until the next attempt, or `undefined` where this was the last. */
  #retryInMs(attempt: Attempt, failure: Failure, unsettled: boolean): number | undefined {
    const { retry, kind, idempotencyKey, budgetMs } = this.#stage;
    if (retry === undefined || this.#scheduler.stopped !== undefined || attempt.number >= retry.attempts) return undefined;
    if (failure.retryable === false || (budgetMs !== undefined && this.#activeMs >= budgetMs)) return undefined;
    if (unsettled && kind === 'work' && idempotencyKey === undefined) return undefined;
    const { options, clock } = this.#scheduler;
    let askedMs: number;
    try {
      if (!retry.when(failure.thrown, attempt.number)) return undefined;
      askedMs = failure.afterMs ?? retryAfterMs(failure.thrown, clock.now()) ?? 0;
    } catch {
      // A classifier that throws, or an error whose members do, has not said that another attempt is worth while.
      return undefined;
    }
    const backoffMs = backoffDelayMs(retry, attempt.number, this.#previousWaitMs, (options.random ?? Math.random)());
    return Math.max(backoffMs, Math.min(retry.maxMs, Number.isFinite(askedMs) ? Math.max(0, askedMs) : 0));
  }

  /** No attempt follows: a guard that could not judge blocks, anything else has failed. */
  #end(error: StageflowError): void {
    const scheduler = this.#scheduler;
    const stage = this.#stage;
    if (stage.kind !== 'guard' || error.code === 'SF_RUNTIME_REQUIRED') return failStage(scheduler, stage, error);
    const why = isStageflowError(error, 'SF_GUARD_FAILED') ? error : this.#guardFailed(error);
    if (!stage.failOpen) return blockStage(scheduler, stage, why.details.why, why);
    scheduler.emit({ type: 'guard.failed_open', ...stageFields(stage, this.#count), error: summarize(why) });
    scheduler.complete(stage.index, this.#subject);
  }

  #guardFailed(cause: StageflowError): StageflowError<'SF_GUARD_FAILED'> {
    const said = isStageflowError(cause, 'SF_STAGE_FAILED') ? `it threw: ${cause.details.thrown}` : cause.message;
    const why = said.replace(/\.$/, '');
    return new StageflowError(
      'SF_GUARD_FAILED',
      { stage: this.#stage.name, why },
      { ...locationOf(this.#scheduler, this.#stage, this.#count), cause },
    );
  }

  #close(attempt: Attempt): void {
    attempt.over = true;
    this.#cancelTimers();
    this.#scheduler.active--;
    this.#activeMs += this.#scheduler.clock.monotonic() - attempt.startedMono;
  }

  #cancelTimers(): void {
    this.#limit?.cancel();
    this.#idle?.cancel();
    this.#grace?.cancel();
  }
}
