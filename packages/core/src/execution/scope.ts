import type { StageOutcome } from '../outcome.ts';
import type { FailureMode } from '../plan/draft.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import type { Calls } from './calls.ts';
import { Demands } from './demands.ts';
import type { Execution } from './execution.ts';
import { executionOf } from './execution-of.ts';
import { gatherValues } from './gather-values.ts';
import { advanceGroup } from './join.ts';
import { mayBegin } from './may-begin.ts';
import { passesGate, passesJoin } from './passes.ts';
import { recordEnd } from './record-end.ts';
import type { Scheduler } from './scheduler.ts';
import type { ScopeOptions } from './scope-options.ts';
import type { ScopeState } from './scope-state.ts';
import { callOnce } from './single-call.ts';
import { cancelStage, endWaiting } from './stage-endings.ts';
import { completed, running, waiting } from './status.ts';
import type { Stop } from './stop.ts';
import { Streams } from './streams/streams.ts';
import { HeldBack, Watchers } from './watchers.ts';

/**
 * One instance of a plan within a run: the pipeline itself, one item of a map, one turn of a loop. Starts each stage when
 * the last thing it waits for has ended, keeps failures and stops, and settles once: after that nothing of it starts.
 *
 * A stage costs a counter per edge, one call, and at most one promise reaction. Decisions depend on completions alone,
 * in the order they arrive.
 */
export class Scope {
  readonly scheduler: Scheduler;
  readonly plan: Plan;
  readonly state: ScopeState;
  readonly options: ScopeOptions;
  /** What an unhandled failure in it does. */
  readonly failureMode: FailureMode;
  /** The stage that called this scope, where one did. */
  readonly caller: ScopeOptions['caller'];
  /** Which of the stages that regions gate are wanted, where there are such. */
  readonly demands: Demands | undefined;
  stopped: Stop | undefined = undefined;
  /** Calls and regions under way. */
  active = 0;
  /** Set once every stage has its outcome: what stages do no longer counts. */
  closing = false;
  /** Stages about whose end interceptors have their say first. */
  held: HeldBack | undefined = undefined;

  private readonly remaining: number[];
  private left: number;
  /** Stages that must look at their join before they start, because something they wait for did not complete. */
  private tainted: boolean[] | undefined = undefined;
  private groupCursors: number[] | undefined = undefined;
  private readyAfterMs: number[] | undefined = undefined;
  private executions: Map<number, Execution> | undefined = undefined;
  private watchers: Watchers | undefined = undefined;
  private madeCalls: Calls | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private patience: Timer | undefined = undefined;

  constructor(scheduler: Scheduler, state: ScopeState, options: ScopeOptions) {
    const { plan } = state;
    this.scheduler = scheduler;
    this.plan = plan;
    this.state = state;
    this.options = options;
    this.failureMode = options.failureMode;
    this.caller = options.caller;
    this.remaining = plan.waits.slice();
    this.left = plan.stages.length;
    if (plan.groups.length > 0) this.groupCursors = new Array<number>(plan.groups.length).fill(0);
    this.demands = plan.tokens.length > 0 ? new Demands(this) : undefined;
    if (scheduler.recordsQueueTime && this.caller === undefined) this.readyAfterMs = [];
    if (state.around !== undefined) scheduler.expectScopes();
    if (plan.streams) state.streams = new Streams(this);
  }

  /** Puts the stages that wait for nothing in the queue. */
  start(): void {
    for (const index of this.plan.roots) this.enqueue(index);
    if (this.caller !== undefined) this.goOn();
  }

  /** Made when it is first read. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.stopped !== undefined) this.controller.abort(this.stopped.signalReason);
    }
    return this.controller.signal;
  }

  /** A call begins. */
  enter(): void {
    this.active++;
    if (this.caller === undefined) this.scheduler.active++;
  }

  /** A call has settled, or was given up. */
  leave(): void {
    this.active--;
    if (this.caller === undefined) this.scheduler.active--;
  }

  emit(fields: Parameters<Scheduler['emit']>[0]): void {
    this.scheduler.emit(fields);
  }

  /**
   * Puts a stage that is between two attempts back in the queue.
   *
   * @param isStepped - Whether a step began it, and it has only waited to be called: then a pause does not hold it.
   */
  requeue(index: number, isStepped = false): void {
    this.scheduler.tick();
    this.enqueue(index, isStepped);
    this.goOn();
  }

  /** Made when the first stage calls another. */
  get calls(): Calls {
    this.madeCalls ??= this.scheduler.makeCalls(this);
    return this.madeCalls;
  }

  /** Stops what a stage has called and not waited for. */
  stopCalls(index: number, stop: Stop): void {
    this.madeCalls?.stop(index, stop);
    this.state.streams?.interrupt(index, stop.signalReason);
  }

  /** Whether nothing is left to start or to wait for. */
  get isOver(): boolean {
    return this.active === 0 && (this.left === 0 || this.stopped !== undefined);
  }

  /** Stops the scope: aborts what is in flight, starts nothing new. The first reason wins. */
  stop(stop: Stop): void {
    const { scheduler } = this;
    const isHeldBack = this === scheduler.root && scheduler.isHeldBack;
    if (this.stopped !== undefined || (this.closing && !isHeldBack)) return isHeldBack ? scheduler.ending.giveUpInterceptors() : undefined;
    this.stopped = stop;
    scheduler.stopping(this, stop);
    if (!isHeldBack && this.active > 0) this.patience = scheduler.clock.schedule(() => scheduler.giveUp(this), scheduler.limits.graceMs);
    this.controller?.abort(stop.signalReason);
    if (isHeldBack) return scheduler.ending.giveUpInterceptors();
    scheduler.hold(() => {
      for (const execution of [...(this.executions?.values() ?? [])]) execution.stop(stop);
      this.madeCalls?.stopAll(stop);
      this.state.streams?.stop(stop);
      this.options.onStop?.(stop);
    });
    this.goOn();
  }

  /** Something has ended: finishes the scope where that was the last of it, and starts what has become ready. */
  goOn(): void {
    if (this !== this.scheduler.root && this.isOver) this.close();
    this.scheduler.drain();
  }

  /** Starts a stage, or its next attempt. */
  begin(index: number): void {
    const stage = this.plan.stages[index] as PlannedStage;
    const { state, scheduler } = this;
    const status = state.status[index];
    if (status !== waiting) {
      if (status !== running) return;
      if (this.readyAfterMs !== undefined) this.noteQueueTime(index, this.readyAfterMs);
      this.executions?.get(index)?.start();
      return;
    }
    if (this.tainted !== undefined && this.tainted[index] === true && !passesJoin(this, stage)) return;
    const values = gatherValues(stage, state);
    if (stage.gated && !passesGate(this, stage, values)) return;
    if (stage.simple && scheduler.callsPlainly && stage.resources === undefined) return this.callPlainly(stage, values);
    if (scheduler.journal !== undefined && !mayBegin(this, scheduler.journal, stage)) return;
    scheduler.enterStage();
    if (this.readyAfterMs !== undefined) this.noteQueueTime(index, this.readyAfterMs);
    if (stage.resources !== undefined && scheduler.limits.resources !== undefined) scheduler.limits.resources.begin(this, stage, values);
    else this.launch(stage, values);
  }

  /** The way of most stages. */
  private callPlainly(stage: PlannedStage, values: Readonly<Record<string, unknown>>): void {
    const { state, scheduler } = this;
    const { index } = stage;
    scheduler.enterStage();
    if (this.readyAfterMs !== undefined) this.noteQueueTime(index, this.readyAfterMs);
    state.status[index] = running;
    if (state.startedAfterMs !== undefined) state.startedAfterMs[index] = scheduler.nowMs;
    if (scheduler.emitter !== undefined) scheduler.emitter.stageStarted(stage, state);
    callOnce(this, stage, values);
  }

  private noteQueueTime(index: number, readyAfterMs: readonly number[]): void {
    const queuedMs = this.scheduler.nowMs - (readyAfterMs[index] as number);
    if (queuedMs > 0) this.state.note(index).queuedMs += queuedMs;
  }

  /** Starts a stage that nothing keeps waiting any more. `prepared` has its slots already. */
  launch(stage: PlannedStage, values: Readonly<Record<string, unknown>>, prepared?: Execution): void {
    const { state, scheduler } = this;
    state.status[stage.index] = running;
    if (state.startedAfterMs !== undefined) state.startedAfterMs[stage.index] = scheduler.nowMs;
    if (scheduler.emitter !== undefined) scheduler.emitter.stageStarted(stage, state);
    if (stage.stream !== undefined) state.streams?.open(stage, stage.stream);
    const around = scheduler.interceptors?.of(this.plan, stage);
    const execution = executionOf(this, stage, values, around, prepared);
    this.follow(stage.index, execution);
    execution.start();
  }

  /** Has an execution told what becomes of the scope. */
  follow(index: number, execution: Execution): void {
    this.executions ??= new Map();
    this.executions.set(index, execution);
  }

  /** Ends a stage as completed, and lets go on what waited for it. */
  complete(index: number, value: unknown): void {
    if (this.madeCalls !== undefined) this.madeCalls.callerEnded(index);
    if (this.held?.take(index, { status: 'completed', output: value })) return;
    const { state, plan, remaining, scheduler } = this;
    state.slots[index] = value;
    state.status[index] = completed;
    this.left--;
    if (state.durationMs !== undefined) this.recordDuration(index);
    const { emitter, journal } = scheduler;
    if (journal !== undefined && plan.stages[index]?.region === undefined)
      journal.record(state, plan.stages[index] as PlannedStage, state.outcome(index));
    if (emitter !== undefined) emitter.stageCompleted(plan.stages[index] as PlannedStage, state);
    const { offsets, successors } = plan;
    for (let position = offsets[index] as number, last = offsets[index + 1] as number; position < last; position++) {
      const successor = successors[position] as number;
      if (successor < 0) this.advance(-1 - successor);
      else if (--(remaining[successor] as number) === 0) this.enqueue(successor);
    }
    if (state.streams !== undefined) state.streams.ended(plan.stages[index] as PlannedStage);
    if (this.watchers !== undefined) this.scheduler.tell(this.watchers, index);
  }

  /**
   * Ends a stage in any way but completed. What waited for it looks at how, before it starts.
   *
   * @returns Whether it has ended; not yet where interceptors have their say first.
   */
  end(index: number, status: number, outcome: Exclude<StageOutcome, { readonly status: 'completed' }>): boolean {
    if (this.madeCalls !== undefined) this.madeCalls.callerEnded(index);
    if (this.held?.take(index, outcome)) return false;
    const { state, plan } = this;
    const started = state.status[index] === running;
    state.status[index] = status;
    state.recordOutcome(index, outcome);
    this.left--;
    if (started) {
      if (state.durationMs !== undefined) this.recordDuration(index);
      else state.note(index).attempts ??= 1;
    } else this.executions?.get(index)?.close();
    const stage = plan.stages[index] as PlannedStage;
    const { emitter, journal } = this.scheduler;
    if (journal !== undefined) recordEnd(this, journal, stage, outcome, started);
    if (emitter !== undefined) emitter.stageEnded(stage, state, outcome, started, this.options.handled);
    this.letGo(index, true);
    state.streams?.ended(stage);
    this.demands?.close(stage);
    if (this.watchers !== undefined) this.scheduler.tell(this.watchers, index);
    return true;
  }

  /** Tells `callback` how a stage would end, in place of ending it; `undefined` lets it end. */
  holdBack(index: number, callback: ((outcome: StageOutcome) => void) | undefined): void {
    this.held ??= new HeldBack();
    this.held.set(index, callback);
  }

  /** A captured stage has ended where it belongs. */
  captureEnded(index: number, status: number, value: unknown, outcome: StageOutcome): void {
    const { state } = this;
    if (this.closing) return;
    state.status[index] = status;
    state.slots[index] = value;
    if (outcome.status !== 'completed') state.recordOutcome(index, outcome);
    this.letGo(index, outcome.status !== 'completed');
    if (this.watchers !== undefined) this.scheduler.tell(this.watchers, index);
  }

  /** @param taints - Whether what waited must look at how this ended. */
  private letGo(index: number, taints: boolean): void {
    const { offsets, successors } = this.plan;
    for (let position = offsets[index] as number, last = offsets[index + 1] as number; position < last; position++) {
      const successor = successors[position] as number;
      if (successor < 0) {
        this.advance(-1 - successor);
        continue;
      }
      this.release(successor, taints);
    }
  }

  /**
   * One thing less to wait for.
   *
   * @param taints - Whether what waited must look at how this ended.
   */
  release(index: number, taints = false): void {
    if (taints) this.taint(index);
    if (--(this.remaining[index] as number) === 0) this.enqueue(index);
  }

  private taint(index: number): void {
    this.tainted ??= [];
    this.tainted[index] = true;
  }

  /** Puts a stage in the queue: for the first time, or between two attempts. */
  enqueue(index: number, isStepped = false): void {
    // What runs under the slot of its caller waits for no other.
    if (this.caller !== undefined) return this.begin(index);
    (isStepped ? this.scheduler.pausing : this.scheduler).enqueue(this, index);
    if (this.readyAfterMs !== undefined) this.readyAfterMs[index] = this.scheduler.nowMs;
  }

  private advance(group: number): void {
    const cursors = this.groupCursors as number[];
    const entry = this.plan.groups[group];
    const from = cursors[group] as number;
    if (from === -1 || entry === undefined) return;
    const { cursor, decided, taints } = advanceGroup(entry.stages, from, this.state);
    cursors[group] = decided ? -1 : cursor;
    if (taints) this.taint(entry.reader);
    if (decided) this.release(entry.reader);
  }

  /** Calls `callback` when a stage has ended: at once where it has. */
  whenEnded(index: number, callback: () => void): void {
    const status = this.state.status[index];
    if (status !== waiting && status !== running) return callback();
    this.watchers ??= new Watchers();
    this.watchers.add(index, callback);
  }

  /** A stage that runs is not wanted any more; `false` where it is one plain call, which cannot be aborted alone. */
  withdraw(index: number, reason: string): boolean {
    const execution = this.executions?.get(index);
    execution?.withdraw(reason);
    return execution !== undefined;
  }

  private recordDuration(index: number): void {
    const { durationMs, startedAfterMs } = this.state;
    (durationMs as number[])[index] = this.scheduler.readClock() - ((startedAfterMs as number[])[index] as number);
  }

  /** Every started stage has settled, or was given up: gives the rest their outcomes, once. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.patience?.cancel();
    if (this.scheduler.parked && this.scheduler.root.closing) return this.abandon();
    if (this.left > 0) this.endTheRest((this.stopped as Stop).reason);
    (this.options.onEnd ?? (() => this.scheduler.finish()))(this);
  }

  /** The run is suspended: nothing ends, and nothing of this activation counts any more. */
  private abandon(): void {
    for (const execution of this.executions?.values() ?? []) execution.close();
    this.madeCalls?.close();
    if (this === this.scheduler.root) this.scheduler.finish();
  }

  private endTheRest(reason: string): void {
    const { state, plan } = this;
    this.madeCalls?.close();
    for (const stage of plan.stages) {
      if (state.status[stage.index] !== running) continue;
      const execution = this.executions?.get(stage.index);
      execution?.close();
      if (execution?.isCalling !== false) state.note(stage.index).unsettled++;
      // Given up: its slot is free, whenever it settles.
      if (execution?.holdsSlot !== false) this.leave();
      cancelStage(this, stage, reason);
    }
    endWaiting(this, reason);
  }
}
