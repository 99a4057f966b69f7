import { StageflowError } from '../errors.ts';
import type { BlockedOutcome, CompletedOutcome, StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { isAbort } from './abort-error.ts';
import { Attempt } from './attempt.ts';
import { cachedOutcome } from './cached-outcome.ts';
import type { Execution } from './execution.ts';
import { InterceptedContext } from './intercepted-context.ts';
import { callThrough, type StageLayers } from './interceptor-chain.ts';
import type { Scope } from './scope.ts';
import { blockStage, cancelStage, failStage, locationOf, skipStage } from './stage-endings.ts';
import { doomed } from './status.ts';
import type { Stop } from './stop.ts';

/** A stage or region within its interceptors: how it ended is held back until they have had their say. */
export class InterceptedExecution implements Execution {
  readonly isCalling = true;
  readonly #scope: Scope;
  readonly #stage: PlannedStage;
  readonly #inner: Execution;
  readonly #layers: StageLayers;
  readonly #values: Readonly<Record<string, unknown>>;
  /** Carries the signal of the whole. */
  readonly #whole: Attempt;
  #phase: 'before' | 'queued' | 'inside' | 'after' = 'before';
  /** Whether what it stands around has begun. */
  #begun = false;
  #ended: Promise<StageOutcome> | undefined = undefined;
  /** How what it stands around ended. */
  #given: StageOutcome | undefined = undefined;
  #withdrawn: string | undefined = undefined;
  #isStepped = false;

  constructor(scope: Scope, stage: PlannedStage, inner: Execution, layers: StageLayers, values: Readonly<Record<string, unknown>>) {
    this.#scope = scope;
    this.#stage = stage;
    this.#inner = inner;
    this.#layers = layers;
    this.#values = values;
    this.#whole = new Attempt(1, scope.scheduler.clock);
  }

  get holdsSlot(): boolean {
    return this.#inner.holdsSlot;
  }

  /** The first time the interceptors begin; then, when there is a slot, what they stand around. */
  start(): void {
    if (this.#phase === 'queued') {
      this.#phase = 'inside';
      this.#begun = true;
    }
    if (this.#phase === 'inside') return this.#inner.start();
    // Its turn in the queue came when it was not wanted any more.
    if (this.#phase === 'after') return;
    this.#scope.active++;
    this.#scope.scheduler.parking.busy++;
    this.#isStepped = this.#scope.scheduler.isStepping;
    void this.#callThrough();
  }

  stop(stop: Stop): void {
    this.#whole.abort(stop.signalReason);
    if (this.#phase === 'inside') this.#inner.stop(stop);
    else if (this.#phase === 'queued') cancelStage(this.#scope, this.#stage, stop.reason);
  }

  withdraw(reason: string): void {
    this.#withdrawn = reason;
    this.#whole.abort(new StageflowError('SF_RUN_CANCELLED', { reason }, locationOf(this.#scope, this.#stage, 1)));
    if (this.#phase === 'inside') this.#inner.withdraw(reason);
    else if (this.#phase === 'queued') skipStage(this.#scope, this.#stage, reason);
  }

  close(): void {
    this.#inner.close();
    this.#scope.holdBack(this.#stage.index, undefined);
  }

  #callThrough(): void {
    const scope = this.#scope;
    const stage = this.#stage;
    const subject = new InterceptedContext(scope, stage, this.#values, this.#whole);
    void callThrough(
      this.#layers,
      subject,
      () => this.#begin(),
      (layer, { value }, before) => cachedOutcome(scope, stage, layer, value, 1, before),
    ).then(
      (final) => this.#settle(final),
      (error) => this.#settle(this.#thrown(error as StageflowError)),
    );
  }

  /** Queues what it stands around; gives how that ended. */
  #begin(): Promise<StageOutcome> {
    const scope = this.#scope;
    const stage = this.#stage;
    const { parking } = scope.scheduler;
    this.#ended = new Promise((resolve) => {
      scope.holdBack(stage.index, (outcome) => {
        parking.busy++;
        this.#phase = 'after';
        this.#given = outcome;
        resolve(outcome);
      });
    });
    this.#phase = 'queued';
    // From here what it stands around says whether it is busy.
    parking.busy--;
    if (this.#withdrawn !== undefined) skipStage(scope, stage, this.#withdrawn);
    else if (scope.stopped !== undefined) cancelStage(scope, stage, scope.stopped.reason);
    else scope.requeue(stage.index, this.#isStepped);
    return this.#ended;
  }

  /** The interceptors have ended. Where they did not wait for what they called, it is aborted, and waited for. */
  #settle(final: StageOutcome): void {
    if (this.#scope.closing || (this.#phase !== 'inside' && this.#phase !== 'queued')) return this.#end(final);
    const before = this.#withdrawn;
    this.withdraw('its interceptors have ended');
    this.#withdrawn = before;
    void this.#ended?.then(() => this.#end(final));
  }

  #end(final: StageOutcome): void {
    const scope = this.#scope;
    const { index } = this.#stage;
    if (scope.closing) return;
    // What was neither given by the stage nor made of a throw is what an interceptor had already.
    if (final !== this.#given && final.status === 'completed') scope.state.note(index).cached = true;
    scope.holdBack(index, undefined);
    scope.active--;
    scope.scheduler.parking.busy--;
    if (!this.#begun) scope.state.note(index).attempts = 0;
    this.#finish(final);
    scope.goOn();
  }

  /** An interceptor that merely obeyed the signal has not failed. */
  #thrown(error: StageflowError): StageOutcome {
    const { stopped } = this.#scope;
    const isObedience = stopped !== undefined && (isAbort(error, stopped.signalReason) || isAbort(error.cause, stopped.signalReason));
    return isObedience ? { status: 'cancelled', reason: stopped.reason } : { status: 'failed', error };
  }

  #finish(outcome: StageOutcome): void {
    const scope = this.#scope;
    const stage = this.#stage;
    if (this.#withdrawn !== undefined) return skipStage(scope, stage, this.#withdrawn);
    switch (outcome.status) {
      case 'completed':
        scope.complete(stage.index, (outcome as CompletedOutcome).output);
        // A region that was not opened has not said what of it is wanted.
        return scope.demands?.close(stage);
      case 'failed':
        return failStage(scope, stage, outcome.error);
      case 'blocked':
        return blockStage(scope, stage, outcome.reason, (outcome as BlockedOutcome).error, scope.state.blockedAt(stage.index));
      case 'cancelled':
        return cancelStage(scope, stage, outcome.reason);
      case 'skipped':
        if (outcome.rootCause === undefined) return skipStage(scope, stage, outcome.reason);
        scope.end(stage.index, doomed, outcome);
    }
  }
}
