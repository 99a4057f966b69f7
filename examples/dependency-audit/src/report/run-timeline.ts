import type { OutcomeStatus, Run } from '@stageflow/core';

/** When one stage of a run did something, in milliseconds since the first stage became ready. */
export interface TimelineBar {
  readonly stage: string;
  readonly status: OutcomeStatus;
  /** `undefined` where the stage did not start in this process. */
  readonly startMs: number | undefined;
  readonly durationMs: number;
  /** How long it was ready and waited for a slot before that. */
  readonly queuedMs: number;
  /** Whether it ran before the run was continued. */
  readonly ranBefore: boolean;
}

/** The timeline of a run, stages in the order of the plan; a map is one of them, whatever it holds. */
export function timelineOf(run: Run<unknown>): TimelineBar[] {
  const reports = [...run.stages.values()];
  const origin = Math.min(...reports.flatMap(({ startedAt, queuedMs }) => (startedAt === undefined ? [] : startedAt - queuedMs)));
  return reports
    .filter(({ stage, path }) => path === stage)
    .map(({ stage, status, startedAt, durationMs = 0, queuedMs, attempts }) => ({
      stage,
      status,
      startMs: startedAt === undefined ? undefined : startedAt - origin,
      durationMs,
      queuedMs,
      ranBefore: startedAt === undefined && attempts > 0,
    }));
}

/** Why a stage has no bar. */
export function absence({ status, ranBefore }: TimelineBar): string {
  return ranBefore ? `${status} before` : `${status}, never started`;
}
