import type { StageflowError } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';
import type { BlockedOutcome, OutcomeCounts, StageReport } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Run, RunSummary } from '../run.ts';
import type { RunState } from './run-state.ts';
import type { Scheduler } from './scheduler.ts';
import { blocked, cancelled, completed, failed } from './status.ts';
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
    this.#stages ??= new Map(this.#state.plan.stages.map((stage) => [stage.name, report(stage, this.#state)]));
    return this.#stages;
  }
  get errors(): readonly StageflowError[] {
    return [...(this.#state.failures ?? [])].sort(([left], [right]) => left - right).map(([, error]) => error);
  }
  get counts(): OutcomeCounts {
    return countOutcomes(this.#state);
  }
  get unsettled(): readonly string[] {
    return unsettledStages(this.#state);
  }
  get cleanupErrors(): readonly StageflowError[] {
    return this.#state.cleanupErrors ?? [];
  }
  get elapsedMs(): number {
    return this.#state.elapsedMs;
  }

  /** The run as plain data, for logs: its own members and those of the summary. */
  toJSON(): object {
    const { identity, pipeline, errors, counts, unsettled, cleanupErrors, elapsedMs } = this;
    return { ...this, identity, pipeline, stages: [...this.stages.values()], errors, counts, unsettled, cleanupErrors, elapsedMs };
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
export function resultOf({ state, stopped, limits }: Scheduler): Run {
  const outputs = gatherOutputs(state);
  if (stopped !== undefined) return stoppedResult(state, outputs, stopped);
  if (state.outcomes === undefined) return new Completed(state, outputs, false);
  const unhandled = (wanted: number): PlannedStage | undefined =>
    state.plan.stages.find((stage) => state.status[stage.index] === wanted && !stage.handled);
  const failure = unhandled(failed);
  const block = unhandled(blocked);
  const bestEffort = limits.failureMode === 'best-effort' && block === undefined;
  const whole = state.plan.outputs.every(({ read }) => state.isWhole(read));
  if (failure !== undefined && !(bestEffort && whole))
    return ended(state, { status: 'failed', outputs, error: state.failures?.get(failure.index) });
  if (block !== undefined) {
    const { reason } = state.outcome(block.index) as BlockedOutcome;
    return ended(state, { status: 'blocked', outputs, reason, blockedBy: block.name });
  }
  return new Completed(state, outputs, failure !== undefined);
}

function stoppedResult(state: RunState, outputs: Outputs, { status, reason, stage, error }: Stop): Run {
  if (status === 'failed') return ended(state, { status, outputs, error });
  return ended(state, { status, outputs, reason, [status === 'blocked' ? 'blockedBy' : 'cancelledBy']: stage });
}

/** The outputs that exist; a chosen skip gives `undefined`. */
function gatherOutputs(state: RunState): Outputs {
  const outputs: Record<string, unknown> = {};
  for (const { key, read } of state.plan.outputs) if (state.isWhole(read)) outputs[key] = state.value(read);
  return outputs;
}

function report(stage: PlannedStage, state: RunState): StageReport {
  const { index, name, kind, version } = stage;
  const outcome = state.outcome(index);
  const startedAfterMs = state.startedAfterMs?.[index];
  const started = startedAfterMs !== undefined && startedAfterMs !== -1;
  return {
    stage: name,
    path: name,
    kind,
    outcome,
    status: outcome.status,
    attempts: state.attemptsOf(index),
    startedAt: started ? state.startedAt + startedAfterMs : undefined,
    startedAfterMs: started ? startedAfterMs : undefined,
    durationMs: started ? state.durationMs?.[index] : undefined,
    queuedMs: state.queuedMs?.get(index) ?? 0,
    version,
    unsettled: state.unsettled?.has(index) === true,
  };
}

/** How many stages ended in which way. */
function countOutcomes(state: RunState): OutcomeCounts {
  const counts = { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 };
  for (const status of state.status) {
    if (status === completed) counts.completed++;
    else if (status === failed) counts.failed++;
    else if (status === blocked) counts.blocked++;
    else if (status === cancelled) counts.cancelled++;
    else counts.skipped++;
  }
  return counts;
}

/** The stages that had not settled, in the order of the plan. */
function unsettledStages(state: RunState): string[] {
  return [...(state.unsettled?.keys() ?? [])]
    .sort((left, right) => left - right)
    .map((index) => (state.plan.stages[index] as PlannedStage).name);
}
