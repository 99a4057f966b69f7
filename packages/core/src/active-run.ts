import { StageflowError } from './errors.ts';
import type { RunEvent } from './event.ts';
import type { ExclusiveOption } from './exclusive-runs.ts';
import type { EventTarget } from './execution/emitter.ts';
import type { Scheduler } from './execution/scheduler.ts';
import { skipByHand } from './execution/skipped-by-hand.ts';
import type { RunOptions } from './execution/start-run.ts';
import type { Stop } from './execution/stop.ts';
import type { IdentityOptions } from './identity.ts';
import { nearestName } from './nearest-name.ts';
import type { Plan } from './plan/plan.ts';
import type { Run } from './run.ts';
import type { RunBroadcast } from './run-handle.ts';
import type { RunPlace } from './run-place.ts';

/** What a runtime accepts as a run. */
export interface AcceptedRun {
  readonly runId: string;
  readonly pipeline: string;
  readonly plan: Plan;
  readonly options: RunOptions;
  readonly priority: number;
  /** The run it was started below. */
  readonly parent: ActiveRun | undefined;
  /** Its place, which it may share with others; of one that waits for its turn, not yet. */
  place: RunPlace | undefined;
  /** Present where it shares a key with runs that it must not meet. */
  readonly exclusive: ExclusiveOption | undefined;
  readonly broadcast: RunBroadcast | undefined;
}

/** A run that a runtime has accepted and that has not ended; it can be stopped before it begins. */
export class ActiveRun implements EventTarget {
  readonly accepted: AcceptedRun;
  readonly rootRunId: string;
  /** 0 for a run that was started below no other. */
  readonly depth: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Why it was told to stop, from outside. */
  stop: Stop | undefined;
  /** Called by the first {@link cancel}, while the run waits to begin. */
  onCancel: (() => void) | undefined;
  /** Whether it is to begin with a pause. */
  isPaused = false;
  readonly #children = new Set<ActiveRun>();
  #scheduler: Scheduler | undefined;
  #followed = false;
  /** Whether it may go on elsewhere, and what was started below it with it. */
  #isLetGo = false;
  #resolve!: () => void;

  constructor(accepted: AcceptedRun) {
    const { parent, runId } = accepted;
    this.accepted = accepted;
    this.rootRunId = parent?.rootRunId ?? runId;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (parent !== undefined) parent.#adopt(this);
  }

  get state(): 'queued' | 'running' | 'stopping' {
    if (this.stopReason !== undefined) return 'stopping';
    return this.#scheduler === undefined ? 'queued' : 'running';
  }

  /** Why it starts nothing new, where that is so. */
  get stopReason(): string | undefined {
    return (this.#scheduler?.root.stopped ?? this.stop)?.reason;
  }

  /** Whom and what it is for: as it was given, until it has begun. */
  get identity(): IdentityOptions {
    return this.#scheduler?.state.identity ?? this.accepted.options;
  }

  attach(scheduler: Scheduler): void {
    this.#scheduler = scheduler;
    scheduler.isPaused = this.isPaused;
    if (this.isPaused) void scheduler.pausing.pause();
    if (this.#isLetGo) scheduler.park();
    this.accepted.broadcast?.follow(scheduler.state);
    this.#followStop();
  }

  /** Nothing that it does will be kept: it must not go on here. What is kept of it has not ended, so neither may what was started below it. */
  fail(error: StageflowError): void {
    this.#isLetGo = true;
    this.#scheduler?.lose(error);
  }

  /** Stops it, and what was started below it. The first reason wins. */
  cancel(reason: string): void {
    const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason });
    this.stop ??= { status: 'cancelled', reason, stage: undefined, error: undefined, signalReason };
    this.onCancel?.();
    if (this.#scheduler === undefined) this.#cancelChildren('cancelled', reason);
    else this.#scheduler.root.stop(this.stop);
  }

  /** Starts nothing new, from its very beginning where it has not begun. Resolves when that is durable. */
  async pause(): Promise<void> {
    this.isPaused = true;
    await this.#scheduler?.pausing.pause();
  }

  /** Ends a pause. */
  async continue(): Promise<void> {
    this.isPaused = false;
    await this.#scheduler?.pausing.continue();
  }

  /** Starts the next stage in a pause: its path. */
  step(): string | undefined {
    return this.#scheduler?.pausing.step();
  }

  /** @throws SF_UNKNOWN_STAGE */
  skip(name: string, reason: string): boolean {
    const { plan } = this.accepted;
    const stage = plan.stages[plan.indexByName.get(name) ?? -1];
    if (stage === undefined) {
      const nearest = nearestName(name, plan.indexByName.keys());
      throw new StageflowError(
        'SF_UNKNOWN_STAGE',
        { stage: name, reader: 'skip()', nearest },
        { pipeline: plan.name, runId: this.accepted.runId },
      );
    }
    return this.#scheduler !== undefined && skipByHand(this.#scheduler, stage, reason);
  }

  /** Lets go of it: what is under way is aborted, and where it is kept, another process may go on. */
  letGo(reason: string): void {
    this.#isLetGo = true;
    this.#scheduler?.park();
    this.cancel(reason);
  }

  /** Whether a reader of its handle, or of one above it, may want its events. */
  get hasReaders(): boolean {
    const { broadcast, parent } = this.accepted;
    return broadcast !== undefined || parent?.hasReaders === true;
  }

  /** Hands an event to its readers, and to those above it. */
  push(event: RunEvent): void {
    this.accepted.broadcast?.push(event);
    for (let above = this.accepted.parent; above !== undefined; above = above.accepted.parent) above.accepted.broadcast?.pushBelow(event);
  }

  /** @param run - How it ended; `undefined` where it never began. */
  end(run: Run | undefined): void {
    if (run === undefined) this.#cancelChildren('cancelled', 'it did not begin');
    else if (run.status === 'failed') this.#cancelChildren('failed', run.error.message);
    else if (run.status === 'blocked' || run.status === 'cancelled') this.#cancelChildren(run.status, run.reason);
    const { parent, place } = this.accepted;
    if (parent !== undefined) parent.#children.delete(this);
    place?.leave();
    this.#resolve();
  }

  #adopt(child: ActiveRun): void {
    this.#children.add(child);
    this.#followStop();
  }

  /** A run that stops takes those below it along. Only runs with such listen for it. */
  #followStop(): void {
    const root = this.#scheduler?.root;
    if (this.#followed || root === undefined || this.#children.size === 0) return;
    this.#followed = true;
    root.signal.addEventListener('abort', () => {
      const { status, reason } = root.stopped as Stop;
      this.#cancelChildren(status, reason);
    });
  }

  #cancelChildren(status: Stop['status'], reason: string): void {
    const how = status === 'failed' ? 'failed' : `was ${status}`;
    const why = `its parent run ${how}: ${reason}`;
    for (const child of [...this.#children]) {
      if (this.#isLetGo) child.letGo(why);
      else child.cancel(why);
    }
  }
}
