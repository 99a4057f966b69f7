import type { FailureMode } from '../plan/draft.ts';
import type { RunResources } from './run-resources.ts';

/** The limits of one run. */
export interface RunLimits {
  readonly failureMode: FailureMode;
  readonly maxConcurrency: number;
  readonly deadlineMs: number | undefined;
  readonly graceMs: number;
  readonly cleanupMs: number;
  readonly maxCallDepth: number;
  /** What its stages can name, where the runtime has resources. */
  readonly resources: RunResources | undefined;
}
