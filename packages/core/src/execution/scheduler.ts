import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Run } from '../run.ts';
import { Calls } from './calls.ts';
import type { Emitter } from './emitter.ts';
import { Extensions } from './extensions.ts';
import type { Interceptors } from './interceptor-chain.ts';
import type { Journal } from './journal.ts';
import { Parking } from './parking.ts';
import { Pausing } from './pausing.ts';
import { resultOf } from './result.ts';
import { RunEnding } from './run-ending.ts';
import type { RunLimits } from './run-limits.ts';
import type { RunSetup } from './run-setup.ts';
import type { RunState } from './run-state.ts';
import { Scope } from './scope.ts';
import type { RunOptions } from './start-run.ts';
import type { Stop } from './stop.ts';
import type { Watchers } from './watchers.ts';
import { yieldToHost } from './yield-to-host.ts';

/** How long synchronous stages may hold the thread before the host gets a turn, and how often that is looked at. */
const sliceMs = 10;
const sliceStages = 256;

/** What the outermost scope of a run is opened with: one object for each failure mode. */
const outermost = {
  'fail-fast': { handled: false, failureMode: 'fail-fast', onEnd: undefined },
  continue: { handled: false, failureMode: 'continue', onEnd: undefined },
  'best-effort': { handled: false, failureMode: 'best-effort', onEnd: undefined },
} as const;

/** How long the part of the queue that is done with may grow before it is let go. */
const keptQueue = 4096;

/**
 * One run: the queue of what is ready in any of its scopes, its limits, its end. What is ready lies in one queue, so
 * neither depth nor width recurses.
 */
export class Scheduler {
  readonly state: RunState;
  readonly limits: RunLimits;
  readonly options: RunOptions;
  readonly clock: Clock;
  readonly emitter: Emitter | undefined;
  readonly root: Scope;
  readonly interceptors: Interceptors | undefined;
  readonly journal: Journal | undefined;
  /** Runs stages elsewhere, where a driver does. */
  readonly drive: RunSetup['drive'];
  /** Present where the run is one attempt of one stage. */
  readonly single: RunSetup['single'];
  /** Whether a plain stage is no more than one call: nothing stands around it, nothing is kept of it, and it runs here. */
  readonly callsPlainly: boolean;
  /** Set when nothing is left to do until an answer comes. */
  parked = false;
  /** Whether its journal keeps nothing any more. */
  isLost = false;
  /** Whether nothing new starts until somebody says so. */
  isPaused = false;
  /** How the run had ended when an earlier activation began to undo its effects: what is left of it is that. */
  readonly undoing: Stop | undefined;
  /** Calls under way in all scopes. */
  active = 0;
  /** Milliseconds since the run's start, when the clock was last read. */
  nowMs = 0;
  /** Whether it came to rest by itself, with nothing left to do until an answer comes. */
  private rests = false;
  /** Resolves once, when the run has ended. */
  readonly result: Promise<Run>;

  private readonly onEnded: RunSetup['onEnded'];
  private resolve!: (run: Run) => void;
  private readonly startedMono: number;
  /** What is ready, as indices of stages. */
  ready: number[] = [];
  /** In which scope each of them is; absent while the run has only one. */
  readyIn: Scope[] | undefined = undefined;
  private head = 0;
  /** Whether what is ready is being started. */
  draining = false;
  private held = 0;
  private yielding = false;
  private ended = false;
  private checkedExtensions: Extensions | undefined = undefined;
  private madeParking: Parking | undefined = undefined;
  private madeEnding: RunEnding | undefined = undefined;
  private madePausing: Pausing | undefined = undefined;
  deadline: Timer | undefined = undefined;
  /** Whether a function has held the thread since the clock was read. */
  private stale = false;
  private sliceStart = 0;
  private sinceLook = 0;

  constructor(state: RunState, setup: RunSetup) {
    this.state = state;
    this.limits = setup.limits;
    this.options = setup.options;
    this.clock = setup.clock;
    this.emitter = setup.emitter;
    this.startedMono = setup.startedMono;
    this.interceptors = setup.interceptors;
    this.journal = setup.journal;
    this.drive = setup.drive;
    this.undoing = setup.journal?.undo?.ending;
    this.callsPlainly = setup.interceptors === undefined && setup.journal === undefined && setup.drive === undefined;
    this.onEnded = setup.onEnded;
    this.single = setup.single;
    this.result = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.root = new Scope(this, state, outermost[setup.limits.failureMode]);
  }

  /** @param stop - Given where the run is stopped before it began. */
  start(stop: Stop | undefined): void {
    this.emitter?.created(this.state);
    this.emitter?.emit({ type: 'run.started' });
    if (this.isPaused) this.emit({ type: 'run.paused' });
    if (stop !== undefined) {
      // Nobody has let it begin, so nobody may end it.
      this.parked ||= this.mustBeAdmitted;
      return this.root.stop(stop);
    }
    const { deadlineMs } = this.limits;
    if (deadlineMs !== undefined && this.undoing === undefined)
      this.deadline = this.clock.schedule(() => this.meetDeadline(deadlineMs), deadlineMs);
    if (this.interceptors !== undefined && this.interceptors.run.length > 0)
      void this.ending.beginWithin(this.interceptors, () => this.begin());
    else this.begin();
  }

  /** Whether it was resumed, by somebody of whom its interceptors must say whether he may. */
  get mustBeAdmitted(): boolean {
    return this.journal !== undefined && this.journal.epoch > 1 && this.interceptors !== undefined && this.interceptors.run.length > 0;
  }

  /** Why an interceptor did not let this activation of a kept run begin. */
  get refusal(): StageflowError | undefined {
    return this.madeEnding?.refusal;
  }

  /** Whether a run that is suspended has something to do all the same: it was let go of, or not let begin. */
  get isInterrupted(): boolean {
    return this.parked && !this.rests;
  }

  private begin(): void {
    // A copy of what waits for nothing is the queue, unless it is to be noted since when each of them is ready.
    if (this.recordsQueueTime) this.root.start();
    else this.ready = this.state.plan.roots.slice();
    this.drain();
  }

  /** Fails the run from outside, also where all of it has ended. */
  fail(error: StageflowError): void {
    const stop: Stop = { status: 'failed', reason: error.message, stage: undefined, error, signalReason: error };
    if (this.root.closing) this.root.stopped ??= stop;
    else this.root.stop(stop);
  }

  /** Nothing of this activation is kept any more: what it has made is undone by whoever has the run next. */
  lose(error: StageflowError): void {
    this.isLost = true;
    this.madeEnding?.interrupt();
    this.fail(error);
  }

  /** Made when it is first read: most runs wait for nothing from outside. */
  get parking(): Parking {
    this.madeParking ??= new Parking();
    return this.madeParking;
  }

  /** Made where there is more to the end of the run than saying so. */
  get ending(): RunEnding {
    this.madeEnding ??= new RunEnding(this);
    return this.madeEnding;
  }

  /** Made when somebody pauses the run. */
  get pausing(): Pausing {
    this.madePausing ??= new Pausing(this);
    return this.madePausing;
  }

  /** Whether what begins now does so because of a step. */
  get isStepping(): boolean {
    return this.madePausing?.isStepping === true;
  }

  get recordsQueueTime(): boolean {
    return this.limits.maxConcurrency !== Number.POSITIVE_INFINITY && this.state.startedAfterMs !== undefined;
  }

  get extensions(): Extensions {
    this.checkedExtensions ??= new Extensions(this.options.extensions);
    return this.checkedExtensions;
  }

  /** Monotonic milliseconds since the start. */
  elapsedMs(): number {
    return this.clock.monotonic() - this.startedMono;
  }

  emit(fields: Parameters<Emitter['emit']>[0]): void {
    if (!this.ended) this.emitter?.emit(fields);
  }

  /** Whether the cleanup will run. */
  defer(scope: Scope, stage: PlannedStage, cleanup: () => unknown): boolean {
    if (this.ended) return false;
    this.ending.defer(scope, stage, cleanup);
    return true;
  }

  /** Whatever becomes of this activation, the run is to go on in another: where it is kept. */
  park(): void {
    if (this.journal === undefined) return;
    if (!this.root.closing || this.ending.isUndoing) this.parked = true;
    this.ending.interrupt();
  }

  /** Ends this activation where the run only waits for answers. */
  private parkWhereIdle(): void {
    const { parking, root } = this;
    if (parking.waiting === 0 || parking.busy > 0 || this.head < this.ready.length || root.closing || root.stopped !== undefined) return;
    this.rests = true;
    this.parked = true;
    root.close();
  }

  makeCalls(scope: Scope): Calls {
    return new Calls(scope);
  }

  /** Tells who watches a stage that it has ended. Nothing starts before all have heard of it: who ended it goes on afterwards. */
  tell(watchers: Watchers, index: number): void {
    this.hold(() => watchers.tell(index));
  }

  /** Lets nothing start while something is said that is only true as a whole. */
  hold(action: () => void): void {
    this.held++;
    action();
    this.held--;
  }

  /** From now on the run has more than one scope. */
  expectScopes(): void {
    this.readyIn ??= new Array<Scope>(this.ready.length).fill(this.root);
  }

  enqueue(scope: Scope, index: number): void {
    this.ready.push(index);
    this.readyIn?.push(scope);
  }

  /** A scope has been told to stop. */
  stopping(scope: Scope, stop: Stop): void {
    if (scope !== this.root) return;
    this.emit({ type: 'run.stopping', status: stop.status, reason: stop.reason });
    this.deadline?.cancel();
  }

  /** The patience with what is left of a scope is over. */
  giveUp(scope: Scope): void {
    scope.close();
    this.drain();
  }

  /** The path of what is ready first. */
  nextPath(): string | undefined {
    const { head, ready, readyIn, root } = this;
    return head < ready.length ? (readyIn?.[head] ?? root).state.pathAt(ready[head] as number) : undefined;
  }

  /** Starts what is ready, as far as the limits let it, and finishes the run when nothing is left. */
  drain(): void {
    if (this.draining || this.yielding || this.held > 0) return;
    if (this.isPaused) return this.pausing.drain();
    this.draining = true;
    const { root } = this;
    const { maxConcurrency, deadlineMs } = this.limits;
    while (this.head < this.ready.length && root.stopped === undefined && this.active < maxConcurrency) {
      if (deadlineMs !== undefined && this.isPast(deadlineMs)) break;
      if (++this.sinceLook >= sliceStages && this.sliceIsOver()) break;
      this.beginNext();
    }
    this.draining = false;
    if (this.head > keptQueue && this.head === this.ready.length) {
      this.ready = [];
      this.readyIn = this.readyIn && [];
      this.head = 0;
    }
    if (root.isOver && !(deadlineMs !== undefined && this.isPast(deadlineMs))) root.close();
    else if (this.journal !== undefined) this.parkWhereIdle();
  }

  /** Begins what is ready first. */
  beginNext(): void {
    const scope = this.readyIn === undefined ? this.root : (this.readyIn[this.head] as Scope);
    this.beginIn(scope, this.ready[this.head++] as number);
  }

  /** Begins a stage of one of its scopes. */
  beginIn(scope: Scope, index: number): void {
    if (scope === this.root) return scope.begin(index);
    if (scope.stopped !== undefined) return;
    scope.begin(index);
    if (scope.isOver) scope.close();
  }

  private sliceIsOver(): boolean {
    this.sinceLook = 0;
    // A driven run calls nothing that could hold the thread, and must ask for the same things at the same time whenever it is repeated.
    if (this.drive !== undefined) return false;
    const now = performance.now();
    if (this.sliceStart === 0) this.sliceStart = now;
    if (now - this.sliceStart < sliceMs) return false;
    this.yielding = true;
    yieldToHost(() => {
      this.yielding = false;
      this.sliceStart = performance.now();
      this.tick();
      this.drain();
    });
    return true;
  }

  /** Before a stage is entered: reads the clock where another has held the thread since. */
  enterStage(): void {
    if (this.stale) this.tick();
    this.stale = true;
  }

  /** Reads the clock: once for each end, and for each start that comes after another in the same turn. */
  tick(): void {
    this.stale = false;
    if (this.state.startedAfterMs !== undefined) this.nowMs = this.elapsedMs();
  }

  /** Milliseconds since the run's start, now. */
  readClock(): number {
    this.stale = false;
    this.nowMs = this.elapsedMs();
    return this.nowMs;
  }

  /** Whether the deadline has passed, also where stages hold the thread so that no timer can say so. */
  private isPast(deadlineMs: number): boolean {
    if (this.root.stopped !== undefined || this.root.closing || this.elapsedMs() <= deadlineMs) return false;
    this.meetDeadline(deadlineMs);
    return true;
  }

  private meetDeadline(deadlineMs: number): void {
    const { plan, identity } = this.state;
    const error = new StageflowError('SF_RUN_DEADLINE', { deadlineMs }, { pipeline: plan.name, runId: identity.runId });
    this.root.stop({ status: 'failed', reason: error.message, stage: undefined, error, signalReason: error });
  }

  /** Every stage has its outcome. */
  finish(): void {
    if (this.undoing !== undefined && !this.parked) this.root.stopped = this.undoing;
    if (this.madeEnding === undefined && this.journal?.undo === undefined) this.conclude();
    else this.ending.begin();
  }

  /** Whether all that is left of the run are the interceptors around it. */
  get isHeldBack(): boolean {
    return this.madeEnding?.isHeldBack === true && !this.ended;
  }

  /** The run has ended. */
  conclude(): void {
    if (this.ended) return;
    this.deadline?.cancel();
    if (this.state.startedAfterMs !== undefined || this.emitter !== undefined) this.state.elapsedMs = this.elapsedMs();
    const run = resultOf(this);
    this.emitter?.ended(run, this.state);
    this.ended = true;
    this.onEnded?.(run);
    this.resolve(run);
  }
}
