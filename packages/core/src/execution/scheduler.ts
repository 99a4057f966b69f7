import { controlKind, type Control } from '../control.ts';
import { describeThrown, StageflowError } from '../errors.ts';
import type { StageOutcome } from '../outcome.ts';
import type { FailureMode } from '../plan/draft.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import { AttemptContext } from './context.ts';
import { Cleanups } from './cleanup.ts';
import { type Emitter, stageFields, summarize } from './emitter.ts';
import { freezeOutput } from '#freeze';
import { gate } from './gate.ts';
import type { Host } from './host.ts';
import { advanceGroup, join } from './join.ts';
import type { RunState } from './run-state.ts';
import { StageExecution } from './stage-execution.ts';
import { blocked, cancelled, completed, doomed, failed, running, skipped, waiting } from './status.ts';
import { yieldToHost } from './yield-to-host.ts';

/** How long synchronous stages may hold the thread before the host gets a turn, and how often that is looked at. */
const sliceMs = 10;
const sliceStages = 256;

/** Why a run starts nothing new. */
export interface Stop {
  readonly status: 'failed' | 'blocked' | 'cancelled';
  readonly reason: string;
  readonly stage: string | undefined;
  readonly error: StageflowError | undefined;
  /** What signals abort with. */
  readonly signalReason: unknown;
}

/** The limits of one run. */
export interface RunLimits {
  readonly failureMode: FailureMode;
  readonly maxConcurrency: number;
  readonly deadlineMs: number | undefined;
  readonly graceMs: number;
  readonly cleanupMs: number;
}

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
  readonly host: Host;
  readonly emitter: Emitter | undefined;
  stopped: Stop | undefined;
  /** Stages whose call is under way. */
  active = 0;

  private readonly remaining: number[];
  private readonly ready: number[];
  private head = 0;
  private tail = 0;
  private left: number;
  private draining = false;
  private yielding = false;
  /** No stage counts any more; cleanups may still run. */
  private closing = false;
  private ended = false;
  /** Stages that something before them kept from completing has marked: they look at their join before they start. */
  private tainted: Uint8Array | undefined;
  private groupCursors: number[] | undefined;
  private readyAfterMs: Float64Array | undefined;
  private executions: Map<number, StageExecution> | undefined;
  private controller: AbortController | undefined;
  private readonly cleanups: Cleanups;
  private timer: Timer | undefined;
  private nowMs = 0;
  private startedMono = 0;
  private sliceStart = 0;
  private sinceLook = 0;
  private readonly settle: (scheduler: Scheduler) => void;

  /** @param settle - Called once, when the run has ended. */
  constructor(plan: Plan, state: RunState, limits: RunLimits, host: Host, emitter: Emitter | undefined, settle: (scheduler: Scheduler) => void) {
    this.plan = plan;
    this.state = state;
    this.limits = limits;
    this.host = host;
    this.emitter = emitter;
    this.settle = settle;
    this.remaining = plan.waits.slice();
    this.ready = plan.roots.slice();
    this.tail = this.ready.length;
    this.left = plan.stages.length;
    this.cleanups = new Cleanups(this);
    if (plan.groups.length > 0) this.groupCursors = new Array(plan.groups.length).fill(0);
    if (Number.isFinite(limits.maxConcurrency) && state.startedAfterMs !== undefined) this.readyAfterMs = new Float64Array(plan.stages.length);
  }

  start(): void {
    const { clock } = this.host;
    this.startedMono = clock.monotonic();
    if (this.state.startedAfterMs !== undefined || this.emitter !== undefined) {
      this.state.startedAt = clock.now();
      this.emitter?.started(this.state.startedAt, this.startedMono);
    }
    const { deadlineMs } = this.limits;
    if (deadlineMs !== undefined) this.timer = clock.schedule(() => this.deadline(deadlineMs), deadlineMs);
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

  /** Whether what stages do no longer counts. */
  get isClosing(): boolean {
    return this.closing;
  }

  elapsedMs(): number {
    return this.host.clock.monotonic() - this.startedMono;
  }

  emit(fields: Parameters<Emitter['emit']>[0]): void {
    if (!this.ended) this.emitter?.emit(fields);
  }

  /** Whether the cleanup will run. */
  defer(stage: PlannedStage, cleanup: () => unknown): boolean {
    if (this.ended) return false;
    this.cleanups.add(stage, cleanup);
    return true;
  }

  /** Stops the run: aborts what is in flight, starts nothing new. The first reason wins. */
  stop(stop: Stop): void {
    if (this.stopped !== undefined || this.closing) return;
    this.stopped = stop;
    this.emit({ type: 'run.stopping', status: stop.status, reason: stop.reason });
    this.timer?.cancel();
    if (this.active > 0) this.timer = this.host.clock.schedule(() => this.finish(), this.limits.graceMs);
    this.controller?.abort(stop.signalReason);
    for (const execution of this.executions?.values() ?? []) execution.stop(stop);
    this.drain();
  }

  /** Puts a stage that is between two attempts back in the queue. */
  requeue(index: number): void {
    this.enqueue(index);
    this.drain();
  }

  /** Starts what is ready, as far as the limits let it, and finishes the run when nothing is left. */
  drain(): void {
    if (this.draining || this.yielding) return;
    this.draining = true;
    while (this.head < this.tail && this.stopped === undefined && this.active < this.limits.maxConcurrency) {
      if (++this.sinceLook >= sliceStages && this.sliceIsOver()) break;
      this.begin(this.ready[this.head++] as number);
    }
    this.draining = false;
    if (this.left === 0 ? this.active === 0 : this.stopped !== undefined && this.active === 0) this.finish();
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
      this.executions?.get(index)?.startAttempt();
      return;
    }
    if (this.tainted !== undefined && this.tainted[index] === 1) {
      const outcome = join(stage, state);
      if (outcome !== undefined) {
        this.end(index, outcome.status === 'cancelled' ? cancelled : outcome.rootCause === undefined ? skipped : doomed, outcome);
        return;
      }
    }
    const values = this.gather(stage);
    if (stage.gate !== undefined || stage.when !== undefined) {
      const verdict = gate(stage, values, state);
      if (verdict instanceof StageflowError) return this.fail(stage, verdict);
      if (verdict !== undefined) return this.end(index, skipped, { status: 'skipped', reason: verdict });
    }
    state.status[index] = running;
    if (state.startedAfterMs !== undefined) this.recordStart(stage);
    if (this.emitter !== undefined) {
      this.emit({ type: 'stage.started', ...stageFields(stage, 1), kind: stage.kind, queuedMs: state.queuedMs.get(index) ?? 0 });
    }
    if (!stage.simple) {
      const execution = new StageExecution(this, stage, values);
      this.executions ??= new Map();
      this.executions.set(index, execution);
      execution.startAttempt();
      return;
    }
    this.call(stage, values);
  }

  /** The whole of a stage without policies: one call, and one reaction if it answered with a promise. */
  private call(stage: PlannedStage, values: unknown): void {
    let returned: unknown;
    try {
      returned = stage.run(values as never, new AttemptContext(this, stage, values, undefined));
      if (typeof returned === 'object' && returned !== null && typeof (returned as { then?: unknown }).then === 'function') {
        const promise = returned instanceof Promise ? returned : Promise.resolve(returned);
        this.active++;
        promise.then(
          (value) => this.arrived(stage, value),
          (error) => this.arrivedBroken(stage, error),
        );
        return;
      }
    } catch (error) {
      this.threw(stage, error);
      return;
    }
    this.returned(stage, returned);
  }

  private arrived(stage: PlannedStage, value: unknown): void {
    if (this.closing) return;
    this.active--;
    this.returned(stage, value);
    this.drain();
  }

  private arrivedBroken(stage: PlannedStage, error: unknown): void {
    if (this.closing) return;
    this.active--;
    this.threw(stage, error);
    this.drain();
  }

  private returned(stage: PlannedStage, value: unknown): void {
    if (typeof value === 'object' && value !== null) {
      const kind = controlKind(value);
      if (kind !== undefined) return this.control(stage, value as Control, kind);
    }
    this.complete(stage.index, value);
  }

  private threw(stage: PlannedStage, error: unknown): void {
    if (this.stopped !== undefined && isAbort(error, this.stopped.signalReason)) return this.cancelStage(stage.index, this.stopped.reason);
    this.fail(stage, this.stageFailed(stage, error, 1));
  }

  /** Carries out what a simple stage asked for; `StageExecution` does so for the others. */
  private control(stage: PlannedStage, value: Control, kind: ReturnType<typeof controlKind>): void {
    if (kind === 'skip') this.end(stage.index, skipped, { status: 'skipped', reason: (value as { reason: string }).reason });
    else if (kind === 'cancel') this.cancelRun(stage, (value as { reason: string }).reason);
    else if (kind === 'suspend') this.fail(stage, this.runtimeRequired(stage, 'a store that keeps waits'));
    else this.fail(stage, this.stageFailed(stage, (value as { error: unknown }).error, 1));
  }

  complete(index: number, value: unknown): void {
    const { state, plan } = this;
    freezeOutput(value);
    state.slots[index] = value;
    state.status[index] = completed;
    this.left--;
    if (state.durationMs !== undefined) this.recordEnd(index);
    if (this.emitter !== undefined) {
      const stage = plan.stages[index] as PlannedStage;
      const attempt = state.attempts.get(index) ?? 1;
      this.emit({ type: 'stage.completed', ...stageFields(stage, attempt), kind: stage.kind, durationMs: state.durationMs?.[index] ?? 0 });
    }
    const { offsets, successors } = plan;
    for (let position = offsets[index] as number, last = offsets[index + 1] as number; position < last; position++) {
      const successor = successors[position] as number;
      if (successor < 0) this.advance(-1 - successor);
      else if (--(this.remaining[successor] as number) === 0) this.enqueue(successor);
    }
  }

  /** Ends a stage in any way but completed. */
  end(index: number, status: number, outcome: Exclude<StageOutcome, { status: 'completed' }>): void {
    const { state, plan } = this;
    const wasRunning = state.status[index] === running;
    state.status[index] = status;
    state.outcomes.set(index, outcome);
    this.left--;
    if (wasRunning && state.durationMs !== undefined) this.recordEnd(index);
    if (this.emitter !== undefined) this.emitEnd(plan.stages[index] as PlannedStage, outcome, wasRunning);
    this.tainted ??= new Uint8Array(plan.stages.length);
    for (let position = plan.offsets[index] as number; position < (plan.offsets[index + 1] as number); position++) {
      const successor = plan.successors[position] as number;
      if (successor < 0) {
        this.advance(-1 - successor);
        continue;
      }
      this.tainted[successor] = 1;
      if (--(this.remaining[successor] as number) === 0) this.enqueue(successor);
    }
  }

  /** A stage failed for good. */
  fail(stage: PlannedStage, error: StageflowError): void {
    const { index, name } = stage;
    this.state.failures.set(index, error);
    if (stage.skipsOnFailure) return this.end(index, skipped, { status: 'skipped', reason: `it failed: ${error.message}` });
    this.end(index, failed, { status: 'failed', error });
    if (!stage.handled && this.limits.failureMode === 'fail-fast') {
      this.stop({ status: 'failed', reason: `stage "${name}" failed`, stage: name, error, signalReason: error });
    }
  }

  /** A guard blocked. */
  block(stage: PlannedStage, reason: string, error: StageflowError | undefined): void {
    const { index, name } = stage;
    if (error !== undefined) this.state.failures.set(index, error);
    this.end(index, blocked, { status: 'blocked', reason, error });
    if (!stage.handled && this.limits.failureMode === 'fail-fast') {
      const signalReason = error ?? new StageflowError('SF_RUN_BLOCKED', { stage: name, reason }, this.location(stage, 1));
      this.stop({ status: 'blocked', reason, stage: name, error, signalReason });
    }
  }

  /** A stage asked for the whole run to stop. */
  cancelRun(stage: PlannedStage, reason: string): void {
    this.cancelStage(stage.index, reason);
    this.cancel(reason, new StageflowError('SF_RUN_CANCELLED', { reason }, this.location(stage, 1)), stage.name);
  }

  /** Stops the run as cancelled. */
  cancel(reason: string, signalReason: unknown, stage?: string): void {
    this.stop({ status: 'cancelled', reason, stage, error: undefined, signalReason });
  }

  cancelStage(index: number, reason: string): void {
    this.end(index, cancelled, { status: 'cancelled', reason });
  }

  stageFailed(stage: PlannedStage, error: unknown, attempt: number): StageflowError {
    const { name, message } = describeThrown(error);
    const thrown = error instanceof Error && name !== 'Error' ? `${name}: ${message}` : message;
    return new StageflowError('SF_STAGE_FAILED', { stage: stage.name, thrown: closed(thrown) }, { ...this.location(stage, attempt), cause: error });
  }

  runtimeRequired(stage: PlannedStage, feature: string): StageflowError {
    return new StageflowError('SF_RUNTIME_REQUIRED', { stage: stage.name, feature }, this.location(stage, 1));
  }

  location(stage: PlannedStage, attempt: number): { pipeline: string; runId: string; path: string; attempt: number } {
    return { pipeline: this.plan.name, runId: this.state.identity.runId, path: stage.name, attempt };
  }

  private gather(stage: PlannedStage): unknown {
    const values: Record<string, unknown> = {};
    const { keys, slots, reads } = stage;
    const { state } = this;
    if (reads === undefined) for (let at = 0; at < keys.length; at++) values[keys[at] as string] = state.slots[slots[at] as number];
    else for (const [at, read] of reads.entries()) values[keys[at] as string] = state.value(read);
    return values;
  }

  private enqueue(index: number): void {
    this.ready[this.tail++] = index;
    if (this.readyAfterMs !== undefined) this.readyAfterMs[index] = this.nowMs;
  }

  private advance(group: number): void {
    const cursors = this.groupCursors as number[];
    const from = cursors[group] as number;
    const entry = this.plan.groups[group];
    if (from === -1 || entry === undefined) return;
    const { cursor, decided, taints } = advanceGroup(entry.stages, from, this.state);
    cursors[group] = decided ? -1 : cursor;
    if (taints) {
      this.tainted ??= new Uint8Array(this.plan.stages.length);
      this.tainted[entry.reader] = 1;
    }
    if (decided && --(this.remaining[entry.reader] as number) === 0) this.enqueue(entry.reader);
  }

  /** Reads the clock: once for each end, and what that lets start begins at the same instant. */
  private tick(): void {
    if (this.state.startedAfterMs !== undefined) this.nowMs = this.elapsedMs();
  }

  private recordStart(stage: PlannedStage): void {
    const { state } = this;
    if (this.readyAfterMs !== undefined) {
      const queuedMs = this.nowMs - (this.readyAfterMs[stage.index] as number);
      if (queuedMs > 0) state.queuedMs.set(stage.index, queuedMs);
    }
    (state.startedAfterMs as Float64Array)[stage.index] = this.nowMs;
  }

  private recordEnd(index: number): void {
    this.tick();
    const { durationMs, startedAfterMs } = this.state;
    (durationMs as Float32Array)[index] = this.nowMs - ((startedAfterMs as Float64Array)[index] as number);
  }

  private emitEnd(stage: PlannedStage, outcome: Exclude<StageOutcome, { status: 'completed' }>, wasRunning: boolean): void {
    const { index, kind, handled } = stage;
    const envelope = { ...stageFields(stage, wasRunning ? (this.state.attempts.get(index) ?? 1) : 0), kind };
    const durationMs = this.state.durationMs?.[index] ?? 0;
    if (outcome.status === 'skipped') this.emit({ type: 'stage.skipped', ...envelope, reason: outcome.reason, rootCause: outcome.rootCause?.stage });
    else if (outcome.status === 'failed') this.emit({ type: 'stage.failed', ...envelope, durationMs, error: summarize(outcome.error), handled });
    else if (outcome.status === 'blocked') this.emit({ type: 'stage.blocked', ...envelope, durationMs, reason: outcome.reason, handled });
    else this.emit({ type: 'stage.cancelled', ...envelope, reason: outcome.reason });
  }

  private deadline(deadlineMs: number): void {
    const error = new StageflowError('SF_RUN_DEADLINE', { deadlineMs }, { pipeline: this.plan.name, runId: this.state.identity.runId });
    this.stop({ status: 'failed', reason: error.message, stage: undefined, error, signalReason: error });
  }

  /** Every started stage has settled, or was given up: gives the rest their outcomes, cleans up, and settles the run. */
  private finish(): void {
    if (this.closing) return;
    this.closing = true;
    this.timer?.cancel();
    if (this.left > 0) this.endTheRest();
    if (this.cleanups.isEmpty) this.conclude();
    else void this.cleanups.run(this.limits.cleanupMs).then(() => this.conclude());
  }

  private endTheRest(): void {
    const { state, plan, stopped } = this;
    const reason = stopped?.reason ?? 'the run stopped';
    for (const stage of plan.stages) {
      if (state.status[stage.index] !== running) continue;
      state.unsettled.add(stage.index);
      this.cancelStage(stage.index, reason);
    }
    for (const stage of plan.stages) {
      if (state.status[stage.index] !== waiting) continue;
      const outcome = join(stage, state);
      if (outcome?.status === 'skipped') this.end(stage.index, outcome.rootCause === undefined ? skipped : doomed, outcome);
      else this.cancelStage(stage.index, reason);
    }
  }

  private conclude(): void {
    this.state.elapsedMs = this.elapsedMs();
    this.settle(this);
    this.ended = true;
  }
}

/** Whether a stage that threw `error` merely obeyed its signal. */
export function isAbort(error: unknown, signalReason: unknown): boolean {
  if (error === signalReason) return true;
  if (typeof error !== 'object' || error === null) return false;
  return (error as { name?: unknown }).name === 'AbortError' || (error as { cause?: unknown }).cause === signalReason;
}

function closed(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

