import { StageflowError } from '../errors.ts';
import type { SkippedOutcome, StageOutcome } from '../outcome.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Run } from '../run.ts';
import { Cleanups } from './cleanup.ts';
import type { Emitter } from './emitter.ts';
import { Extensions } from './extensions.ts';
import { gate } from './gate.ts';
import { gatherValues } from './gather-values.ts';
import { advanceGroup, join } from './join.ts';
import { resultOf } from './result.ts';
import type { RunLimits } from './run-limits.ts';
import type { RunState } from './run-state.ts';
import { callOnce } from './single-call.ts';
import { cancelStage, failStage, skipStage } from './stage-endings.ts';
import { StageExecution } from './stage-execution.ts';
import type { RunOptions } from './start-run.ts';
import { completed, doomed, running, skipped, waiting } from './status.ts';
import type { Stop } from './stop.ts';
import { yieldToHost } from './yield-to-host.ts';

/** How long synchronous stages may hold the thread before the host gets a turn, and how often that is looked at. */
const sliceMs = 10;
const sliceStages = 256;

/**
 * One run. Starts each stage when the last thing it waits for has ended, keeps failures, limits and stops, and settles
 * once: after that nothing of the run starts or emits.
 *
 * A stage costs a counter per edge, one call, and at most one promise reaction. What is ready lies in one queue, so
 * neither depth nor width recurses. Decisions depend on completions alone, in the order they arrive.
 */
export class Scheduler {
  readonly plan: Plan;
  readonly state: RunState;
  readonly limits: RunLimits;
  readonly options: RunOptions;
  readonly clock: Clock;
  readonly emitter: Emitter | undefined;
  stopped: Stop | undefined = undefined;
  /** Stages whose call is under way. */
  active = 0;
  /** Set once every stage has its outcome: what stages do no longer counts, cleanups may still run. */
  closing = false;
  /** Resolves once, when the run has ended. */
  readonly result: Promise<Run>;

  private resolve!: (run: Run) => void;
  private readonly startedMono: number;
  private readonly remaining: number[];
  private readonly ready: number[];
  private head = 0;
  private left: number;
  private draining = false;
  private yielding = false;
  private ended = false;
  /** Stages that must look at their join before they start, because something they wait for did not complete. */
  private tainted: boolean[] | undefined = undefined;
  private groupCursors: number[] | undefined = undefined;
  private readyAfterMs: number[] | undefined = undefined;
  private executions: Map<number, StageExecution> | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private cleanups: Cleanups | undefined = undefined;
  private checkedExtensions: Extensions | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private nowMs = 0;
  /** Whether a function has held the thread since the clock was read. */
  private stale = false;
  private sliceStart = 0;
  private sinceLook = 0;

  constructor(state: RunState, limits: RunLimits, options: RunOptions, clock: Clock, emitter: Emitter | undefined, startedMono: number) {
    const { plan } = state;
    this.plan = plan;
    this.state = state;
    this.limits = limits;
    this.options = options;
    this.clock = clock;
    this.emitter = emitter;
    this.startedMono = startedMono;
    this.result = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.remaining = plan.waits.slice();
    this.ready = plan.roots.slice();
    this.left = plan.stages.length;
    if (plan.groups.length > 0) this.groupCursors = new Array<number>(plan.groups.length).fill(0);
    if (limits.maxConcurrency !== Number.POSITIVE_INFINITY && state.startedAfterMs !== undefined) this.readyAfterMs = [];
  }

  /** @param stop - Given where the run is stopped before it began. */
  start(stop: Stop | undefined): void {
    const { deadlineMs } = this.limits;
    this.emitter?.created(this.state);
    this.emitter?.emit({ type: 'run.started' });
    if (stop !== undefined) return this.stop(stop);
    if (deadlineMs !== undefined) this.timer = this.clock.schedule(() => this.meetDeadline(deadlineMs), deadlineMs);
    this.drain();
  }

  /** Made when it is first read. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.stopped !== undefined) this.controller.abort(this.stopped.signalReason);
    }
    return this.controller.signal;
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
  defer(stage: PlannedStage, cleanup: () => unknown): boolean {
    if (this.ended) return false;
    this.cleanups ??= new Cleanups(this);
    this.cleanups.add(stage, cleanup);
    return true;
  }

  /** Stops the run: aborts what is in flight, starts nothing new. The first reason wins. */
  stop(stop: Stop): void {
    if (this.stopped !== undefined || this.closing) return;
    this.stopped = stop;
    this.emit({ type: 'run.stopping', status: stop.status, reason: stop.reason });
    this.timer?.cancel();
    this.timer = this.active > 0 ? this.clock.schedule(() => this.finish(), this.limits.graceMs) : undefined;
    this.controller?.abort(stop.signalReason);
    if (this.executions !== undefined) for (const execution of this.executions.values()) execution.stop(stop);
    this.drain();
  }

  /** Puts a stage that is between two attempts back in the queue. */
  requeue(index: number): void {
    this.tick();
    this.enqueue(index);
    this.drain();
  }

  /** Starts what is ready, as far as the limits let it, and finishes the run when nothing is left. */
  drain(): void {
    if (this.draining || this.yielding) return;
    this.draining = true;
    const { maxConcurrency, deadlineMs } = this.limits;
    while (this.head < this.ready.length && this.stopped === undefined && this.active < maxConcurrency) {
      if (deadlineMs !== undefined && this.isPast(deadlineMs)) break;
      if (++this.sinceLook >= sliceStages && this.sliceIsOver()) break;
      this.begin(this.ready[this.head++] as number);
    }
    this.draining = false;
    if (this.active === 0 && (this.left === 0 || this.stopped !== undefined)) this.finish();
  }

  private sliceIsOver(): boolean {
    this.sinceLook = 0;
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

  private begin(index: number): void {
    const stage = this.plan.stages[index] as PlannedStage;
    const { state } = this;
    if (state.status[index] === running) {
      if (this.readyAfterMs !== undefined) this.recordQueueTime(index, this.readyAfterMs);
      this.executions?.get(index)?.startAttempt();
      return;
    }
    if (this.tainted !== undefined && this.tainted[index] === true && !this.passesJoin(stage)) return;
    const values = gatherValues(stage, state);
    if (stage.gated && !this.passesGate(stage, values)) return;
    state.status[index] = running;
    if (this.stale) this.tick();
    this.stale = true;
    if (state.startedAfterMs !== undefined) state.startedAfterMs[index] = this.nowMs;
    if (this.readyAfterMs !== undefined) this.recordQueueTime(index, this.readyAfterMs);
    if (this.emitter !== undefined) this.emitter.stageStarted(stage, state.queuedMs?.get(index) ?? 0);
    if (stage.simple) {
      callOnce(this, stage, values);
      return;
    }
    const execution = new StageExecution(this, stage);
    this.executions ??= new Map();
    this.executions.set(index, execution);
    execution.startAttempt();
  }

  private passesJoin(stage: PlannedStage): boolean {
    const outcome = join(stage, this.state);
    if (outcome !== undefined) this.endSkipped(stage, outcome);
    return outcome === undefined;
  }

  private endSkipped(stage: PlannedStage, outcome: SkippedOutcome): void {
    this.end(stage.index, outcome.rootCause === undefined ? skipped : doomed, outcome);
  }

  private passesGate(stage: PlannedStage, values: unknown): boolean {
    const verdict = gate(stage, values, this.state);
    if (verdict === undefined) return true;
    if (verdict instanceof StageflowError) failStage(this, stage, verdict);
    else skipStage(this, stage, verdict);
    return false;
  }

  /** Ends a stage as completed, and lets go on what waited for it. */
  complete(index: number, value: unknown): void {
    const { state, plan, remaining } = this;
    state.slots[index] = value;
    state.status[index] = completed;
    this.left--;
    if (state.durationMs !== undefined) this.recordDuration(index);
    if (this.emitter !== undefined) this.emitter.stageCompleted(plan.stages[index] as PlannedStage, state);
    const { offsets, successors } = plan;
    for (let position = offsets[index] as number, last = offsets[index + 1] as number; position < last; position++) {
      const successor = successors[position] as number;
      if (successor < 0) this.advance(-1 - successor);
      else if (--(remaining[successor] as number) === 0) this.enqueue(successor);
    }
  }

  /** Ends a stage in any way but completed. What waited for it looks at how, before it starts. */
  end(index: number, status: number, outcome: Exclude<StageOutcome, { readonly status: 'completed' }>): void {
    const { state, plan, remaining } = this;
    const started = state.status[index] === running;
    state.status[index] = status;
    state.recordOutcome(index, outcome);
    this.left--;
    if (started) {
      if (state.durationMs !== undefined) this.recordDuration(index);
      else if (state.attempts?.has(index) !== true) state.recordAttempt(index, 1);
    }
    if (this.emitter !== undefined) this.emitter.stageEnded(plan.stages[index] as PlannedStage, state, outcome, started);
    this.tainted ??= [];
    const { offsets, successors } = plan;
    for (let position = offsets[index] as number, last = offsets[index + 1] as number; position < last; position++) {
      const successor = successors[position] as number;
      if (successor < 0) {
        this.advance(-1 - successor);
        continue;
      }
      this.tainted[successor] = true;
      if (--(remaining[successor] as number) === 0) this.enqueue(successor);
    }
  }

  private enqueue(index: number): void {
    this.ready.push(index);
    if (this.readyAfterMs !== undefined) this.readyAfterMs[index] = this.nowMs;
  }

  private advance(group: number): void {
    const cursors = this.groupCursors as number[];
    const entry = this.plan.groups[group];
    const from = cursors[group] as number;
    if (from === -1 || entry === undefined) return;
    const { cursor, decided, taints } = advanceGroup(entry.stages, from, this.state);
    cursors[group] = decided ? -1 : cursor;
    if (taints) {
      this.tainted ??= [];
      this.tainted[entry.reader] = true;
    }
    if (decided && --(this.remaining[entry.reader] as number) === 0) this.enqueue(entry.reader);
  }

  /** Reads the clock: once for each end, and for each start that comes after another in the same turn. */
  tick(): void {
    this.stale = false;
    if (this.state.startedAfterMs !== undefined) this.nowMs = this.elapsedMs();
  }

  private recordDuration(index: number): void {
    const { durationMs, startedAfterMs } = this.state;
    this.stale = false;
    this.nowMs = this.elapsedMs();
    (durationMs as number[])[index] = this.nowMs - ((startedAfterMs as number[])[index] as number);
  }

  private recordQueueTime(index: number, readyAfterMs: readonly number[]): void {
    const queuedMs = this.nowMs - (readyAfterMs[index] ?? 0);
    if (queuedMs <= 0) return;
    this.state.queuedMs ??= new Map();
    this.state.queuedMs.set(index, queuedMs + (this.state.queuedMs.get(index) ?? 0));
  }

  /** Whether the deadline has passed, also where stages hold the thread so that no timer can say so. */
  private isPast(deadlineMs: number): boolean {
    if (this.stopped !== undefined || this.elapsedMs() <= deadlineMs) return false;
    this.meetDeadline(deadlineMs);
    return true;
  }

  private meetDeadline(deadlineMs: number): void {
    const error = new StageflowError('SF_RUN_DEADLINE', { deadlineMs }, { pipeline: this.plan.name, runId: this.state.identity.runId });
    this.stop({ status: 'failed', reason: error.message, stage: undefined, error, signalReason: error });
  }

  /** Every started stage has settled, or was given up: gives the rest their outcomes, cleans up, and settles the run. */
  private finish(): void {
    if (this.closing) return;
    const { deadlineMs, cleanupMs } = this.limits;
    // A deadline that passed while stages held the thread: it stops the run, which comes back here.
    if (deadlineMs !== undefined && this.isPast(deadlineMs)) return;
    this.closing = true;
    this.timer?.cancel();
    if (this.left > 0) this.endTheRest((this.stopped as Stop).reason);
    if (this.cleanups === undefined) this.conclude();
    else void this.cleanups.run(cleanupMs).then(() => this.conclude());
  }

  private endTheRest(reason: string): void {
    const { state, plan } = this;
    for (const stage of plan.stages) {
      if (state.status[stage.index] !== running) continue;
      if (this.executions?.get(stage.index)?.isCalling !== false) state.recordUnsettled(stage.index);
      cancelStage(this, stage, reason);
    }
    for (const stage of plan.stages) {
      if (state.status[stage.index] !== waiting) continue;
      const outcome = join(stage, state);
      if (outcome === undefined) cancelStage(this, stage, reason);
      else this.endSkipped(stage, outcome);
    }
  }

  private conclude(): void {
    if (this.state.startedAfterMs !== undefined || this.emitter !== undefined) this.state.elapsedMs = this.elapsedMs();
    const run = resultOf(this);
    this.emitter?.ended(run, this.state);
    this.ended = true;
    this.resolve(run);
  }
}
