import type { StageflowError } from './errors.ts';

/** How a stage ended. */
export type OutcomeStatus = StageOutcome['status'];

/** How a stage ended, with what it left. What `settled` readers receive. */
export type StageOutcome<Out = unknown> = CompletedOutcome<Out> | SkippedOutcome | FailedOutcome | BlockedOutcome | CancelledOutcome;

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
  /** Whether a call of its function had not settled when the run did. */
  readonly unsettled: boolean;
}

/** How many stages ended in which way. */
export type OutcomeCounts = { readonly [S in OutcomeStatus]: number };
