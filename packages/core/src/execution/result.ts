import type { StageflowError } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';
import type { BlockedOutcome, FailedOutcome, OutcomeCounts, StageReport } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Run, RunSummary } from '../run.ts';
import type { Journal } from './journal.ts';
import type { Ending } from './regions/ending.ts';
import type { RunState } from './run-state.ts';
import type { Scheduler } from './scheduler.ts';
import type { Scope } from './scope.ts';
import type { ScopeState } from './scope-state.ts';
import { skippedBehindOutputs } from './skipped-by-hand.ts';
import type { StageNote } from './stage-note.ts';
import { blocked, cancelled, completed, failed, running, waiting } from './status.ts';
import type { Stop } from './stop.ts';

/** How an ended run is read: from the state of the run, when it is asked for. */
class Result implements RunSummary {
  readonly #state: RunState;
  #stages: ReadonlyMap<string, StageReport> | undefined;

  constructor(state: RunState) {
    this.#state = state;
  }

  get runId(): string {
    return this.#state.identity.runId;
  }
  get identity(): RunIdentity {
    return this.#state.identity;
  }
  get pipeline(): string {
    return this.#state.plan.name;
  }
  get stages(): ReadonlyMap<string, StageReport> {
    this.#stages ??= new Map(reports(this.#state, this.#state.startedAt));
    return this.#stages;
  }
  get errors(): readonly StageflowError[] {
    return [...new Set(failuresIn(this.#state))];
  }
  get counts(): OutcomeCounts {
    return countOutcomes(this.#state);
  }
  get unsettled(): readonly string[] {
    return [...unsettledIn(this.#state)];
  }
  get cleanupErrors(): readonly StageflowError[] {
    return this.#state.cleanupErrors ?? [];
  }
  get undone(): readonly string[] {
    return this.#state.undone ?? [];
  }
  get undoErrors(): readonly StageflowError[] {
    return this.#state.undoErrors ?? [];
  }
  get elapsedMs(): number {
    return this.#state.elapsedMs;
  }

  /** The run as plain data, for logs: its own members and those of the summary. */
  toJSON(): object {
    const { identity, pipeline, errors, counts, unsettled, cleanupErrors, undone, undoErrors, elapsedMs } = this;
    const stages = [...this.stages.values()];
    return { ...this, identity, pipeline, stages, errors, counts, unsettled, cleanupErrors, undone, undoErrors, elapsedMs };
  }
}

type Outputs = Readonly<Record<string, unknown>>;

class Completed extends Result {
  readonly status = 'completed';
  readonly outputs: Outputs;
  readonly degraded: boolean;
  constructor(state: RunState, outputs: Outputs, degraded: boolean) {
    super(state);
    this.outputs = outputs;
    this.degraded = degraded;
  }
}

/** A run that did not complete: its members besides the summary are those of its status. */
function ended(state: RunState, members: Record<string, unknown>): Run {
  return Object.assign(new Result(state), members) as unknown as Run;
}

/** The result of a run whose stages have all ended. */
export function resultOf({ root, state, parked, journal }: Scheduler): Run {
  const outputs = gatherOutputs(state);
  // Everything went well: the way of most runs.
  if (state.outcomes === undefined && root.stopped === undefined && !parked) return new Completed(state, outputs, false);
  if (parked) return ended(state, { status: 'suspended', outputs, waits: (journal as Journal).openWaits });
  const ending = endOf(root);
  if (ending.status === 'completed') return new Completed(state, outputs, ending.degraded);
  if (ending.status !== 'blocked') return ended(state, { outputs, ...ending });
  const { status, reason, blockedBy } = ending;
  return ended(state, { status, outputs, reason, blockedBy });
}

/** How a nested pipeline came out. */
export function endingOf(scope: Scope): Ending {
  const ending = endOf(scope);
  if (ending.status === 'completed') return { status: 'completed', value: gatherOutputs(scope.state) };
  if (ending.status === 'blocked') return { ...ending, by: ending.blockedBy };
  return ending;
}

/** Why a run that has not completed ended; `undefined` where it has. */
export function endingOfRun(root: Scope): Stop | undefined {
  const ending = endOf(root);
  if (ending.status === 'completed') return undefined;
  if (root.stopped !== undefined) return root.stopped;
  const error = 'error' in ending ? ending.error : undefined;
  const reason = 'reason' in ending ? ending.reason : ending.error.message;
  const stage = 'blockedBy' in ending ? ending.blockedBy : undefined;
  return { status: ending.status, reason, stage, error, signalReason: error ?? reason };
}

/** How the pipeline of a scope ended, and what decided it. */
type PipelineEnd =
  | { readonly status: 'completed'; readonly degraded: boolean }
  | { readonly status: 'failed'; readonly error: StageflowError }
  | { readonly status: 'blocked'; readonly reason: string; readonly blockedBy: string; readonly error: StageflowError | undefined }
  | { readonly status: 'cancelled'; readonly reason: string; readonly cancelledBy: string | undefined };

function endOf({ stopped, state, failureMode, scheduler }: Scope): PipelineEnd {
  if (stopped !== undefined) return endOfStopped(stopped);
  if (state.outcomes === undefined) return { status: 'completed', degraded: false };
  const unhandled = (wanted: number): PlannedStage | undefined =>
    state.plan.stages.find((stage) => state.status[stage.index] === wanted && !stage.handled);
  const failure = unhandled(failed);
  const block = unhandled(blocked);
  const bestEffort = failureMode === 'best-effort' && block === undefined;
  const whole = state.plan.outputs.every(({ read }) => state.isWhole(read));
  if (failure !== undefined && !(bestEffort && whole)) {
    return { status: 'failed', error: (state.outcome(failure.index) as FailedOutcome).error };
  }
  if (block !== undefined) {
    const { reason, error } = state.outcome(block.index) as BlockedOutcome;
    return { status: 'blocked', reason, blockedBy: state.blockedAt(block.index), error };
  }
  const lacking = state === scheduler.state ? skippedBehindOutputs(scheduler.state) : undefined;
  if (lacking !== undefined) {
    const reason = `"${lacking.name}" was skipped by hand, and an output needs it`;
    return { status: 'cancelled', reason, cancelledBy: undefined };
  }
  return { status: 'completed', degraded: failure !== undefined };
}

function endOfStopped({ status, reason, stage, error }: Stop): PipelineEnd {
  if (status === 'failed') return { status, error: error as StageflowError };
  if (status === 'blocked') return { status, reason, blockedBy: String(stage), error };
  return { status, reason, cancelledBy: stage };
}

/** The outputs that exist; a chosen skip gives `undefined`. */
function gatherOutputs(state: ScopeState): Outputs {
  const outputs: Record<string, unknown> = {};
  for (const { key, read } of state.plan.outputs) if (state.isWhole(read)) outputs[key] = state.value(read);
  return outputs;
}

/** What is to be said of each stage of a scope, by path, and after each region of what it holds. */
function* reports(state: ScopeState, runStartedAt: number): Generator<[string, StageReport]> {
  for (const stage of state.plan.stages) {
    yield [state.pathOf(stage), report(stage, state, runStartedAt)];
    for (const inner of state.scopes?.get(stage.index) ?? []) yield* reports(inner, runStartedAt);
  }
}

function report(stage: PlannedStage, state: ScopeState, runStartedAt: number): StageReport {
  const { index, name, kind, version } = stage;
  const note = state.notes?.get(index);
  const outcome = state.outcome(index);
  const startedAfterMs = state.startedAfterMs?.[index];
  const started = startedAfterMs !== undefined && startedAfterMs !== -1;
  return {
    stage: name,
    path: state.pathOf(stage),
    kind,
    outcome,
    status: outcome.status,
    attempts: state.attemptsOf(index),
    startedAt: started ? runStartedAt + startedAfterMs : undefined,
    startedAfterMs: started ? startedAfterMs : undefined,
    durationMs: started ? state.durationMs?.[index] : undefined,
    queuedMs: note?.queuedMs ?? 0,
    version,
    cached: note?.cached === true,
    unsettled: isUnsettled(note),
    ...(stage.stream === undefined ? {} : { chunks: state.streams?.of(index)?.chunks }),
  };
}

/** Every failure, in the order of the plan; a region's own is that of the stage inside. */
function* failuresIn(state: ScopeState): Generator<StageflowError> {
  for (const { index } of state.failures === undefined && state.scopes === undefined ? [] : state.plan.stages) {
    for (const inner of state.scopes?.get(index) ?? []) yield* failuresIn(inner);
    const own = state.failures?.get(index);
    if (own !== undefined) yield own;
  }
}

/** How many stages ended in which way, those of nested scopes included. */
function countOutcomes(state: ScopeState): OutcomeCounts {
  const counts: Counts = { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 };
  count(state, counts);
  return counts;
}

type Counts = { -readonly [S in keyof OutcomeCounts]: OutcomeCounts[S] };

function count(state: ScopeState, counts: Counts): void {
  const { status, plan, scopes } = state;
  for (let index = 0; index < plan.stages.length; index++) {
    switch (status[index]) {
      case completed:
        counts.completed++;
        break;
      case failed:
        counts.failed++;
        break;
      case blocked:
        counts.blocked++;
        break;
      case cancelled:
        counts.cancelled++;
        break;
      case waiting:
      case running:
        counts.suspended = (counts.suspended ?? 0) + 1;
        break;
      default:
        counts.skipped++;
    }
  }
  if (scopes !== undefined) for (const inner of scopes.values()) for (const one of inner) count(one, counts);
}

/** The paths of the stages that had not settled, in the order of the plan. */
function* unsettledIn(state: ScopeState): Generator<string> {
  for (const stage of state.notes === undefined && state.scopes === undefined ? [] : state.plan.stages) {
    if (isUnsettled(state.notes?.get(stage.index))) yield state.pathOf(stage);
    for (const inner of state.scopes?.get(stage.index) ?? []) yield* unsettledIn(inner);
  }
}

function isUnsettled(note: StageNote | undefined): boolean {
  return note !== undefined && note.unsettled > 0;
}
