import type { FailureMode } from '../plan/draft.ts';

/** The limits of one run. */
export interface RunLimits {
  readonly failureMode: FailureMode;
  readonly maxConcurrency: number;
  readonly deadlineMs: number | undefined;
  readonly graceMs: number;
  readonly cleanupMs: number;
}
