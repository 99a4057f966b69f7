import type { StageflowError } from './errors.ts';
import type { RunIdentity } from './identity.ts';
import type { OutcomeCounts, StageReport } from './outcome.ts';

/** How a run ended. */
export type RunStatus = Run['status'];

/**
 * What `run()` resolves to. At `completed` the outputs are whole and typed so; at any other status they are those that
 * exist.
 */
export type Run<Outs = Readonly<Record<string, unknown>>> =
  | CompletedRun<Outs>
  | FailedRun<Outs>
  | BlockedRun<Outs>
  | CancelledRun<Outs>
  | SuspendedRun<Outs>;

/** What every ended run has. */
export interface RunSummary {
  readonly runId: string;
  readonly identity: RunIdentity;
  readonly pipeline: string;
  /** By path, in the order of the plan; what a region holds stands after it, what a stage called after that stage. */
  readonly stages: ReadonlyMap<string, StageReport>;
  /** Every failure of a stage, handled or not, in the order of the plan. */
  readonly errors: readonly StageflowError[];
  readonly counts: OutcomeCounts;
  /** Stages whose function had not settled when the grace period passed: they ignored their signal. */
  readonly unsettled: readonly string[];
  /** Cleanups that failed; they do not change the status. */
  readonly cleanupErrors: readonly StageflowError[];
  /** Paths of the effects that were undone, in that order. */
  readonly undone: readonly string[];
  /** Effects that could not be undone and are still there, `SF_COMPENSATION_FAILED` each; they do not change the status. */
  readonly undoErrors: readonly StageflowError[];
  /** Monotonic milliseconds from start to end; 0 where timings are off and nobody listens. */
  readonly elapsedMs: number;
}

/** Every required output exists. */
export interface CompletedRun<Outs> extends RunSummary {
  readonly status: 'completed';
  readonly outputs: Outs;
  /** In `best-effort`, whether something that the outputs could do without failed. */
  readonly degraded: boolean;
}

/** A failure was not handled. */
export interface FailedRun<Outs> extends RunSummary {
  readonly status: 'failed';
  readonly outputs: Partial<Outs>;
  /** The failure that decided. */
  readonly error: StageflowError;
}

/** A guard's block was not handled. */
export interface BlockedRun<Outs> extends RunSummary {
  readonly status: 'blocked';
  readonly outputs: Partial<Outs>;
  readonly reason: string;
  /** The guard. */
  readonly blockedBy: string;
}

/** The run was stopped, from outside or by a stage. */
export interface CancelledRun<Outs> extends RunSummary {
  readonly status: 'cancelled';
  readonly outputs: Partial<Outs>;
  readonly reason: string;
  /** The stage that asked; `undefined` where the run was stopped from outside. */
  readonly cancelledBy: string | undefined;
}

/** Nothing is left to do until an answer comes. The run is kept by the store; this process may go. */
export interface SuspendedRun<Outs> extends RunSummary {
  readonly status: 'suspended';
  readonly outputs: Partial<Outs>;
  /** What it waits for. */
  readonly waits: readonly OpenWait[];
}

/** Something that a run waits for from outside. */
export interface OpenWait {
  /** What `runtime.decide()` takes. */
  readonly waitId: string;
  readonly runId: string;
  readonly pipeline: string;
  /** The stage that waits. */
  readonly path: string;
  /** `answer` for `suspend()`, `review` for a guard's `review()`, else what `waitFor()` named. */
  readonly type: string;
  /** What the stage asks. */
  readonly request: unknown;
  /** Epoch milliseconds. */
  readonly openedAt: number;
  /** Epoch milliseconds; `undefined` where it may wait for ever. */
  readonly expiresAt: number | undefined;
  /** Ids and roles that may decide; `undefined` where anybody may. */
  readonly mayDecide: readonly string[] | undefined;
  /** How many people have to give the same answer. */
  readonly quorum: number;
  /** Who has said what so far, where those are too few. */
  readonly votes: readonly { readonly by: string; readonly answer: unknown; readonly at: number }[];
}
