import type { StageflowError } from './errors.ts';

/** How a stage ended. */
export type OutcomeStatus = StageOutcome['status'];

/** How a stage ended, with what it left. What `settled` readers receive. */
export type EndedOutcome<Out = unknown> = CompletedOutcome<Out> | SkippedOutcome | FailedOutcome | BlockedOutcome | CancelledOutcome;

/** How a stage ended, or that it has not because the run is suspended. What reports say. */
export type StageOutcome<Out = unknown> = EndedOutcome<Out> | SuspendedOutcome;

/** The function ran to its end and its output passed the contract. */
export interface CompletedOutcome<Out = unknown> {
  readonly status: 'completed';
  readonly output: Out;
}

/** The stage did not yield: by choice, or because something before it failed or was blocked. */
export interface SkippedOutcome {
  readonly status: 'skipped';
  readonly reason: string;
  /** The failure or block that began it; absent where the skip was a choice. */
  readonly rootCause?: RootCause | undefined;
  /** See {@link FailedOutcome.partial}. */
  readonly partial?: readonly unknown[] | undefined;
}

/** The first stage on the way that failed or blocked. */
export interface RootCause {
  readonly stage: string;
  readonly status: 'failed' | 'blocked';
}

/** The stage threw, timed out or broke its contract. */
export interface FailedOutcome {
  readonly status: 'failed';
  readonly error: StageflowError;
  /** The chunks that its last attempt gave, where the stage streams and keeps them: `streams: { keepPartial: true }`. */
  readonly partial?: readonly unknown[] | undefined;
}

/** A guard said no, or could not say. */
export interface BlockedOutcome {
  readonly status: 'blocked';
  readonly reason: string;
  /** Present where the guard blocked because it could not give a verdict. */
  readonly error?: StageflowError | undefined;
}

/** The run stopped before the stage was done, or the stage stopped the run. */
export interface CancelledOutcome {
  readonly status: 'cancelled';
  readonly reason: string;
  /** See {@link FailedOutcome.partial}. */
  readonly partial?: readonly unknown[] | undefined;
}

/** The run is suspended, and the stage has not ended: it waits for an answer, or for a stage that does. */
export interface SuspendedOutcome {
  readonly status: 'suspended';
  readonly reason: string;
}

/** What a run says about one stage. */
export interface StageReport {
  readonly stage: string;
  readonly path: string;
  readonly kind: string;
  readonly outcome: StageOutcome;
  readonly status: OutcomeStatus;
  /** Calls of the function; 0 where the stage never started. */
  readonly attempts: number;
  /** Epoch milliseconds; `undefined` where the stage never started or timings are off. */
  readonly startedAt: number | undefined;
  /** Monotonic milliseconds from the run's start to the stage's; exact, where `startedAt` is rounded. */
  readonly startedAfterMs: number | undefined;
  /** Monotonic milliseconds from the first start to the end, waits between attempts included. */
  readonly durationMs: number | undefined;
  /** Milliseconds it was ready and waited for a slot. */
  readonly queuedMs: number;
  /** The `version` the stage declares for its output. */
  readonly version: string | undefined;
  /** Whether an interceptor had its value already, so that it was not called. */
  readonly cached: boolean;
  /** Whether a call of its function had not settled when the run did. */
  readonly unsettled: boolean;
  /** Chunks that its last attempt gave; absent where the stage does not stream, or never started. */
  readonly chunks?: number | undefined;
}

/** How many stages ended in which way. */
export type OutcomeCounts = { readonly [S in Exclude<OutcomeStatus, 'suspended'>]: number } & {
  /** Present where the run is suspended. */
  readonly suspended?: number;
};
