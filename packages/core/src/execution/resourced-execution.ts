import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Execution } from './execution.ts';
import type { StageLayers } from './interceptor-chain.ts';
import type { RunResources } from './run-resources.ts';
import type { Scope } from './scope.ts';
import type { Refused, SlotClaim } from './slot-claim.ts';
import { cancelStage, locationOf, skipStage } from './stage-endings.ts';
import { StageExecution } from './stage-execution.ts';
import type { Stop } from './stop.ts';

/**
 * A stage that names resources: each attempt takes its slots before it starts, and gives them back when it has settled
 * or was given up. A wait counts among the calls of the run, so one run does not fill the queue for all others.
 */
export class ResourcedExecution implements Execution {
  readonly #resources: RunResources;
  readonly #scope: Scope;
  readonly #stage: PlannedStage;
  readonly #inner: StageExecution;
  /** Attempts that were begun or refused. */
  #count = 0;
  #claim: SlotClaim | undefined = undefined;
  #isWaiting = false;
  /** What became of the claim for the attempt that begins next. */
  #answer: 'held' | StageflowError | undefined = undefined;

  /** @param layers - The interceptors around each attempt. */
  constructor(resources: RunResources, scope: Scope, stage: PlannedStage, layers: StageLayers | undefined) {
    this.#resources = resources;
    this.#scope = scope;
    this.#stage = stage;
    this.#inner = new StageExecution(scope, stage, layers, () => this.#giveBack());
  }

  get isCalling(): boolean {
    return this.#inner.isCalling;
  }

  get holdsSlot(): boolean {
    return this.#isWaiting || this.#inner.holdsSlot;
  }

  /** Waits for the slots of the first attempt, and lets the stage start. */
  queue(launch: () => void): void {
    this.#scope.follow(this.#stage.index, this);
    this.#ask(launch);
  }

  start(): void {
    const answer = this.#answer;
    if (answer === undefined) return this.#ask(() => this.start());
    const claim = this.#claim;
    this.#answer = undefined;
    this.#inner.start(answer === 'held' ? undefined : answer);
    // A decision on a review ends a guard without an attempt.
    if (!this.#inner.isCalling && this.#claim === claim) this.#giveBack();
  }

  stop(stop: Stop): void {
    if (!this.#isWaiting) return this.#inner.stop(stop);
    this.#leaveQueue();
    cancelStage(this.#scope, this.#stage, stop.reason);
  }

  withdraw(reason: string): void {
    if (!this.#isWaiting) return this.#inner.withdraw(reason);
    this.#leaveQueue();
    skipStage(this.#scope, this.#stage, reason);
  }

  /** Its attempt may still be settling: what it holds is free all the same. */
  close(): void {
    if (this.#isWaiting) this.#leaveQueue();
    else this.#giveBack();
    this.#inner.close();
  }

  /** Takes the slots of the next attempt, and then goes on, whatever the answer. */
  #ask(goOn: () => void): void {
    const scope = this.#scope;
    const claim = this.#resources.claim(scope, this.#stage, ++this.#count);
    if (claim instanceof StageflowError) {
      this.#answer = claim;
      return goOn();
    }
    const { clock, parking } = scope.scheduler;
    const askedMono = clock.monotonic();
    const state = claim.take((refused) => {
      this.#isWaiting = false;
      scope.leave();
      parking.busy--;
      scope.scheduler.tick();
      scope.scheduler.enterStage();
      scope.state.note(this.#stage.index).queuedMs += clock.monotonic() - askedMono;
      this.#answered(claim, refused);
      goOn();
      scope.goOn();
    });
    this.#claim = claim;
    if (state !== 'waiting') {
      this.#answered(claim, state === 'held' ? undefined : state);
      return goOn();
    }
    this.#isWaiting = true;
    scope.enter();
    parking.busy++;
  }

  #answered(claim: SlotClaim, refused: Refused | undefined): void {
    if (refused === undefined) {
      this.#resources.keep(this.#scope, this.#stage.index, claim);
      this.#answer = 'held';
      return;
    }
    const { wish, refusal } = refused;
    const { name, options } = wish.resource;
    const why = refusal as 'queue_full' | 'queue_timeout';
    const limit = (why === 'queue_full' ? options.queue?.limit : options.queue?.timeoutMs) as number;
    const details = { stage: this.#stage.name, resource: name, key: wish.key, why, limit };
    this.#answer = new StageflowError('SF_RESOURCE_REFUSED', details, locationOf(this.#scope, this.#stage, this.#count));
  }

  #giveBack(): void {
    this.#claim?.release();
    this.#claim = undefined;
    this.#resources.forget(this.#scope, this.#stage.index);
  }

  #leaveQueue(): void {
    this.#giveBack();
    this.#isWaiting = false;
    this.#scope.scheduler.parking.busy--;
    this.#scope.leave();
  }
}
