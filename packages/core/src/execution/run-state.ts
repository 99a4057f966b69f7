import type { StageflowError } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';
import type { StageOutcome } from '../outcome.ts';
import type { Plan, PlannedRead } from '../plan/plan.ts';
import { completed, skipped } from './status.ts';

/** What is known of one run. The result of the run is a view of it; counters and queues live elsewhere and go with the run. */
export class RunState {
  readonly plan: Plan;
  readonly identity: RunIdentity;
  /** Values: of the stages, the inputs, the services. */
  readonly slots: unknown[];
  readonly status: Uint8Array;
  /** Outcomes of the stages that did not complete. */
  readonly outcomes: Map<number, StageOutcome> = new Map();
  /** Failures by stage, those that were turned into a skip or a block included. */
  readonly failures: Map<number, StageflowError> = new Map();
  /** Calls of the function, where that is not one. */
  readonly attempts: Map<number, number> = new Map();
  /** Milliseconds after the run's start; NaN where the stage did not start. Absent where timings are off. */
  readonly startedAfterMs: Float64Array | undefined;
  readonly durationMs: Float32Array | undefined;
  readonly queuedMs: Map<number, number> = new Map();
  readonly unsettled: Set<number> = new Set();
  readonly cleanupErrors: StageflowError[] = [];
  /** Epoch milliseconds. */
  startedAt = 0;
  elapsedMs = 0;

  constructor(plan: Plan, identity: RunIdentity, timings: boolean) {
    const size = plan.stages.length;
    this.plan = plan;
    this.identity = identity;
    this.slots = new Array(size + plan.inputs.length + plan.services.length);
    this.status = new Uint8Array(size);
    this.startedAfterMs = timings ? new Float64Array(size).fill(Number.NaN) : undefined;
    this.durationMs = timings ? new Float32Array(size) : undefined;
  }

  /** Whether a stage that has ended had called its function. */
  called(index: number): boolean {
    return this.startedAfterMs === undefined ? this.status[index] === completed || this.failures.has(index) : !Number.isNaN(this.startedAfterMs[index]);
  }

  /** How a stage that has ended did end. */
  outcome(index: number): StageOutcome {
    return this.outcomes.get(index) ?? { status: 'completed', output: this.slots[index] };
  }

  /** The value of a read whose sources have ended. */
  value(read: PlannedRead): unknown {
    if (read.read === 'slot') return this.slots[read.slot];
    if (read.read === 'settled') return this.outcome(read.slot);
    for (const slot of read.slots) {
      if (this.status[slot] === completed) return this.slots[slot];
      if (this.status[slot] !== skipped) return undefined;
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
