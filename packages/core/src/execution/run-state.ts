import type { StageflowError } from '../errors.ts';
import { completeIdentity, type RunIdentity, uuidv7 } from '../identity.ts';
import type { StageOutcome } from '../outcome.ts';
import type { Plan, PlannedRead } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { RunOptions } from './start-run.ts';
import { completed, skipped, waiting } from './status.ts';

type BadOutcome = Exclude<StageOutcome, { readonly status: 'completed' }>;

/**
 * What is known of one run. The result of the run is a view of it; counters and queues live in the scheduler and go with
 * the run. What most runs do not need is made when it is first written.
 */
export class RunState {
  readonly plan: Plan;
  /** Values: of the stages, the inputs, the services. */
  readonly slots: unknown[];
  /** See `status.ts`. */
  readonly status: number[];
  /** Milliseconds after the run's start; -1 where the stage did not start. Absent where timings are off. */
  readonly startedAfterMs: number[] | undefined;
  readonly durationMs: number[] | undefined;
  /** Outcomes of the stages that did not complete. */
  outcomes: Map<number, BadOutcome> | undefined = undefined;
  /** Failures by stage, those that were turned into a skip or a block included. */
  failures: Map<number, StageflowError> | undefined = undefined;
  /** Calls of the function, where that is not one. */
  attempts: Map<number, number> | undefined = undefined;
  queuedMs: Map<number, number> | undefined = undefined;
  /** Calls that had not settled when they were given up, by stage. */
  unsettled: Map<number, number> | undefined = undefined;
  cleanupErrors: StageflowError[] | undefined = undefined;
  /** Epoch milliseconds. */
  startedAt = 0;
  elapsedMs = 0;

  readonly #options: RunOptions;
  readonly #clock: Clock;
  #identity: RunIdentity | undefined = undefined;

  constructor(plan: Plan, options: RunOptions, clock: Clock) {
    const size = plan.stages.length;
    const timings = options.timings !== false;
    this.plan = plan;
    this.#options = options;
    this.#clock = clock;
    this.slots = new Array(size + plan.inputs.length + plan.services.length);
    this.status = new Array<number>(size).fill(waiting);
    this.startedAfterMs = timings ? new Array<number>(size).fill(-1) : undefined;
    this.durationMs = timings ? new Array<number>(size).fill(0) : undefined;
  }

  /** Made when it is first read. */
  get identity(): RunIdentity {
    this.#identity ??= completeIdentity(this.#options, this.#options.makeId ?? (() => uuidv7(this.#clock.now())));
    return this.#identity;
  }

  /** How a stage that has ended did end. */
  outcome(index: number): StageOutcome {
    return this.outcomes?.get(index) ?? { status: 'completed', output: this.slots[index] };
  }

  recordOutcome(index: number, outcome: BadOutcome): void {
    this.outcomes ??= new Map();
    this.outcomes.set(index, outcome);
  }

  recordFailure(index: number, error: StageflowError): void {
    this.failures ??= new Map();
    this.failures.set(index, error);
  }

  recordAttempt(index: number, attempt: number): void {
    this.attempts ??= new Map();
    this.attempts.set(index, attempt);
  }

  recordUnsettled(index: number): void {
    this.unsettled ??= new Map();
    this.unsettled.set(index, (this.unsettled.get(index) ?? 0) + 1);
  }

  /** A call that was given up has settled after all. */
  forgetUnsettled(index: number): void {
    const calls = this.unsettled as Map<number, number>;
    const others = (calls.get(index) as number) - 1;
    if (others > 0) calls.set(index, others);
    else calls.delete(index);
  }

  /** Calls of the function of a stage that has ended. */
  attemptsOf(index: number): number {
    const counted = this.attempts?.get(index);
    if (counted !== undefined) return counted;
    if (this.startedAfterMs !== undefined) return this.startedAfterMs[index] === -1 ? 0 : 1;
    return this.status[index] === completed ? 1 : 0;
  }

  /** The value of a read that is whole: of a `firstOf`, the first that has one. */
  value(read: PlannedRead): unknown {
    if (read.read === 'slot') return this.slots[read.slot];
    if (read.read === 'settled') return this.outcome(read.slot);
    for (const slot of read.slots) {
      if (this.status[slot] === completed) return this.slots[slot];
    }
    return undefined;
  }

  /** Whether a read whose sources have ended yields what its type promises: a value, or a chosen skip. */
  isWhole(read: PlannedRead): boolean {
    if (read.read === 'settled') return true;
    for (const slot of read.read === 'slot' ? [read.slot] : read.slots) {
      const status = this.status[slot];
      if (status === completed || status === undefined) return true;
      if (status !== skipped) return false;
    }
    return true;
  }
}
