import { freezeOutput } from '#freeze';
import { decode, type Encoded, encode } from '../durable/codec.ts';
import { revivedError } from '../durable/error-json.ts';
import { fingerprint } from '../durable/fingerprint.ts';
import { summarizeError } from '../error-summary.ts';
import { describeThrown, StageflowError } from '../errors.ts';
import { stageFields } from '../execution/emitter.ts';
import { endFailed } from '../execution/end-failed.ts';
import type { Execution } from '../execution/execution.ts';
import { askedDelayMs, mayTryAgain, nextDelayMs } from '../execution/retry-delay.ts';
import type { Scope } from '../execution/scope.ts';
import { blockStage, cancelRun, cancelStage, locationOf, skipStage } from '../execution/stage-endings.ts';
import { running } from '../execution/status.ts';
import type { Stop } from '../execution/stop.ts';
import type { DraftStage } from '../plan/draft.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Driver, StartedOperation, StepOutcome, StepRequest } from '../ports/driver.ts';
import { StageWaits } from './stage-waits.ts';

/** What all steps of a run have in common. */
export interface DrivenSteps {
  readonly driver: Driver;
  readonly extensions: StepRequest['extensions'];
}

/** The attempts of one stage, each run by a driver. What its function returned was read there; what follows is decided here. */
export class DrivenExecution implements Execution {
  readonly #scope: Scope;
  readonly #stage: PlannedStage;
  readonly #steps: DrivenSteps;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #waits: StageWaits;
  #attempt = 0;
  #entries = 0;
  #spentMs = 0;
  #previousWaitMs = 0;
  #calls: StepRequest['calls'] = {};
  #step: StartedOperation | undefined = undefined;
  #backoff: StartedOperation | undefined = undefined;
  /** Set where it is not wanted any more, because it lost a race. */
  #withdrawn: string | undefined = undefined;

  constructor(scope: Scope, stage: PlannedStage, steps: DrivenSteps, values: Readonly<Record<string, unknown>>) {
    this.#scope = scope;
    this.#stage = stage;
    this.#steps = steps;
    this.#values = values;
    this.#waits = new StageWaits(steps.driver, (waitId) => this.#goOn(waitId));
  }

  get isCalling(): boolean {
    return this.#step !== undefined;
  }
  get holdsSlot(): boolean {
    return this.isCalling;
  }

  start(): void {
    const scope = this.#scope;
    const stage = this.#stage;
    // An activation that begins with an answer is the same attempt.
    if (this.#waits.takeUp()) this.#entries++;
    else {
      this.#attempt++;
      this.#entries = 0;
    }
    if (this.#attempt > 1) scope.state.note(stage.index).attempts = this.#attempt;
    const request = this.#request();
    if (request instanceof StageflowError) return endFailed(scope, stage, this.#attempt, request);
    scope.enter();
    this.#step = this.#steps.driver.step(request, (outcome) => this.#ended(outcome));
  }

  stop(stop: Stop): void {
    if (this.#step !== undefined) return this.#step.cancel(stop.reason);
    // One that waits for its slot is ended by its scope.
    if (this.#backoff === undefined && !this.#waits.isParked) return;
    this.#forget();
    cancelStage(this.#scope, this.#stage, stop.reason);
  }

  /** It lost a race: ends as skipped, once its step has ended. */
  withdraw(reason: string): void {
    this.#withdrawn = reason;
    if (this.#step !== undefined) return this.#step.cancel(reason);
    this.#forget();
    skipStage(this.#scope, this.#stage, reason);
  }

  /** Nothing to do: what was to be asked of its step was asked, and a scope that has closed takes nothing from it. */
  close(): void {}

  #forget(): void {
    this.#backoff?.cancel('it is not wanted any more');
    this.#backoff = undefined;
    this.#waits.forget();
  }

  #request(): StepRequest | StageflowError {
    const { state, scheduler } = this.#scope;
    const stage = this.#stage;
    const path = state.pathOf(stage);
    const values: Record<string, Encoded> = {};
    for (const { key, read } of (state.plan.draft.stages[stage.index] as DraftStage).needs) {
      if (read === 'service') continue;
      const result = encode(this.#values[key]);
      if (!('text' in result)) {
        const details = { stage: path, at: `${key}: ${result.refused}`, received: result.what };
        return new StageflowError('SF_NOT_SERIALIZABLE', details, locationOf(this.#scope, stage, this.#attempt));
      }
      values[key] = result.text;
    }
    return {
      key: `${path}#${this.#attempt}${this.#entries === 0 ? '' : `+${this.#entries}`}`,
      pipeline: scheduler.state.plan.name,
      fingerprint: fingerprint(state.plan, stage),
      address: addressOf(path),
      path,
      attempt: this.#attempt,
      spentMs: this.#spentMs,
      values,
      identity: scheduler.state.identity,
      extensions: this.#steps.extensions,
      answers: this.#waits.answers(),
      expired: this.#waits.expired(),
      calls: this.#calls,
    };
  }

  #ended(outcome: StepOutcome): void {
    const scope = this.#scope;
    const stage = this.#stage;
    this.#step = undefined;
    if (scope.closing) return;
    scope.leave();
    scope.scheduler.tick();
    this.#spentMs += outcome.activeMs;
    if (outcome.unsettled) scope.state.note(stage.index).unsettled++;
    if (this.#withdrawn !== undefined) skipStage(scope, stage, this.#withdrawn);
    else this.#apply(outcome);
    if (scope.state.status[stage.index] !== running) this.#forget();
    scope.goOn();
  }

  #apply(outcome: StepOutcome): void {
    const scope = this.#scope;
    const stage = this.#stage;
    switch (outcome.status) {
      case 'completed':
        return this.#complete(outcome.output);
      case 'skipped':
        return skipStage(scope, stage, outcome.reason);
      case 'blocked':
        return blockStage(scope, stage, outcome.reason, undefined);
      case 'cancels the run':
        return cancelRun(scope, stage, outcome.reason);
      case 'suspended':
        if (scope.stopped !== undefined) return cancelStage(scope, stage, scope.stopped.reason);
        this.#calls = outcome.calls;
        return this.#wait(outcome.waits);
      case 'failed':
        this.#calls = outcome.calls;
        return this.#failed(revivedError(outcome.error), outcome.retry === false ? undefined : outcome.retry.afterMs);
      case 'aborted':
      case 'lost':
        // Aborted by nobody here: whoever ran it gave up, and so nobody knows what became of it.
        if (scope.stopped !== undefined) return cancelStage(scope, stage, scope.stopped.reason);
        return this.#lost(outcome.reason);
    }
  }

  #complete(output: Encoded): void {
    let value: unknown;
    try {
      value = decode(output);
    } catch (thrown) {
      return this.#lost(`its output cannot be read: ${describeThrown(thrown).message}`);
    }
    freezeOutput(value);
    this.#scope.complete(this.#stage.index, value);
  }

  /** What it did is not known, so an effect is tried again only where whoever it reaches can tell that it is the same. */
  #lost(reason: string): void {
    const error = new StageflowError(
      'SF_STEP_LOST',
      { stage: this.#stage.name, reason },
      locationOf(this.#scope, this.#stage, this.#attempt),
    );
    const failure = { ended: 'failed', error, thrown: error, unsettled: true } as const;
    this.#failed(
      error,
      askedDelayMs(this.#stage, this.#attempt, failure, this.#spentMs, () => this.#steps.driver.now()),
    );
  }

  /** @param askedMs - How long what went wrong asks to wait; `undefined` where it is not worth another attempt. */
  #failed(error: StageflowError, askedMs: number | undefined): void {
    const scope = this.#scope;
    const stage = this.#stage;
    const { driver } = this.#steps;
    const again = askedMs !== undefined && mayTryAgain(scope, stage, this.#attempt);
    const retryInMs = again ? nextDelayMs(stage, this.#attempt, askedMs, this.#previousWaitMs, () => driver.random()) : undefined;
    const fields = stageFields(scope.state, stage, this.#attempt);
    scope.emit({ type: 'attempt.failed', ...fields, error: summarizeError(error), retryInMs });
    if (retryInMs === undefined) return endFailed(scope, stage, this.#attempt, error);
    this.#previousWaitMs = retryInMs;
    this.#backoff = driver.sleepUntil(`${fields.path}#${this.#attempt}/backoff`, driver.now() + retryInMs, () => {
      this.#backoff = undefined;
      scope.requeue(stage.index);
    });
  }

  #wait(waits: Extract<StepOutcome, { readonly status: 'suspended' }>['waits']): void {
    const fields = stageFields(this.#scope.state, this.#stage, this.#attempt);
    for (const { waitId, type } of waits) this.#scope.emit({ type: 'stage.suspended', ...fields, waitId, wait: type });
    this.#waits.park(waits);
  }

  /** One of its waits is over, and it does nothing but wait. */
  #goOn(waitId: string): void {
    this.#scope.emit({ type: 'stage.resumed', ...stageFields(this.#scope.state, this.#stage, this.#attempt), waitId });
    this.#scope.requeue(this.#stage.index);
  }
}

/** The names that lead to a stage, without the keys of items and turns. */
function addressOf(path: string): readonly string[] {
  return path.replace(/\[[^[\]]*\]/g, '').split('/');
}
