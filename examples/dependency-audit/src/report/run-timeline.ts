import type { OutcomeStatus, Run } from '@stageflow/core';

/** When one stage of a run did something, in milliseconds since the first stage became ready. */
export interface TimelineBar {
  readonly stage: string;
  readonly status: OutcomeStatus;
  /** `undefined` where the stage never started. */
  readonly startMs: number | undefined;
  readonly durationMs: number;
  /** How long it was ready and waited for a slot before that. */
  readonly queuedMs: number;
}

/** The timeline of a run, stages in the order of the plan. */
export function timelineOf(run: Run<unknown>): TimelineBar[] {
  const reports = [...run.stages.values()];
  const origin = Math.min(...reports.flatMap(({ startedAt, queuedMs }) => (startedAt === undefined ? [] : startedAt - queuedMs)));
  return reports.map(({ stage, status, startedAt, durationMs = 0, queuedMs }) => ({
    stage,
    status,
    startMs: startedAt === undefined ? undefined : startedAt - origin,
    durationMs,
    queuedMs,
  }));
}
