import type { ErrorSummary, EventEnvelope, OutcomeCounts, OutcomeStatus, RunIdentity, RunStatus } from '@stageflow/core';
import type { ChildRuns } from './child-runs.ts';

/** Which run a record is about. */
export type RunIds = Pick<EventEnvelope, 'runId' | 'pipeline' | 'epoch' | 'tenantId' | 'traceId' | 'correlationId' | 'parentRunId'>;

/** All that is known of one stage that has ended, or waits in a run that is suspended. */
export interface WideStageEvent extends RunIds {
  readonly type: 'stage.wide';
  readonly stage: string;
  readonly path: string;
  readonly kind: string;
  readonly status: OutcomeStatus;
  /** Whether its value was known already. */
  readonly cached: boolean;
  /** Calls of its function; 0 where it never began. */
  readonly attempts: number;
  /** Those that failed, the last included where the stage did. */
  readonly failedAttempts: readonly { readonly attempt: number; readonly code: string; readonly retryInMs: number | undefined }[];
  /** How long it was ready and waited for a slot. */
  readonly queuedMs: number;
  /** From its start to its end, waits between attempts included; `undefined` where it never began. */
  readonly durationMs: number | undefined;
  /** Epoch milliseconds; `undefined` where it never began. */
  readonly startedAt: number | undefined;
  /** Epoch milliseconds. */
  readonly endedAt: number;
  readonly error?: ErrorSummary | undefined;
  readonly reason?: string | undefined;
  /** The stage whose failure or block it was skipped for. */
  readonly rootCause?: string | undefined;
  /** Of a failure or a block: whether the plan takes it into account. */
  readonly handled?: boolean | undefined;
}

/** All that is known of one run that has ended, or of one activation of it. */
export interface WideRunEvent extends RunIds {
  readonly type: 'run.wide';
  readonly status: RunStatus;
  /** In `best-effort`: whether something failed that the outputs could do without. */
  readonly degraded: boolean;
  readonly identity: Omit<RunIdentity, 'metadata'> | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationMs: number;
  readonly counts: OutcomeCounts;
  /** Calls of functions, of all its stages together. */
  readonly attempts: number;
  readonly failedAttempts: number;
  /** Stages whose value was known already. */
  readonly cached: number;
  readonly queuedMs: number;
  readonly unsettled: readonly string[];
  /** The runs that were started below it. */
  readonly children: ChildRuns | undefined;
  /** Events of the run that the sink was not told, so that counts of this record may be short of the truth. */
  readonly dropped: number;
  readonly error?: ErrorSummary | undefined;
  readonly reason?: string | undefined;
  readonly blockedBy?: string | undefined;
  readonly cancelledBy?: string | undefined;
  readonly waits?: readonly string[] | undefined;
}

/** A record of {@link wideEvents}. */
export type WideEvent = WideStageEvent | WideRunEvent;
