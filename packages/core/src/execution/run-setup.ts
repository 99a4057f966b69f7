import type { PlannedStage } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { Run } from '../run.ts';
import type { FailedAttempt } from './attempt-end.ts';
import type { Emitter } from './emitter.ts';
import type { Execution } from './execution.ts';
import type { Interceptors } from './interceptor-chain.ts';
import type { Journal } from './journal.ts';
import type { RunLimits } from './run-limits.ts';
import type { Scope } from './scope.ts';
import type { RunOptions } from './start-run.ts';

/** What one run is made with. */
export interface RunSetup {
  readonly limits: RunLimits;
  readonly options: RunOptions;
  readonly clock: Clock;
  /** Absent where nobody listens. */
  readonly emitter: Emitter | undefined;
  /** Monotonic milliseconds. */
  readonly startedMono: number;
  readonly interceptors: Interceptors | undefined;
  /** Absent where nothing is kept. */
  readonly journal: Journal | undefined;
  /** Makes the execution of a stage that runs elsewhere; absent where stages run here. */
  readonly drive?: ((scope: Scope, stage: PlannedStage, values: Readonly<Record<string, unknown>>) => Execution) | undefined;
  /** Told when the run has ended, before its promise is. */
  readonly onEnded?: ((run: Run) => void) | undefined;
  /** Present where the run is one attempt of one stage, and whoever asked for it decides what follows. */
  readonly single?: SingleAttempt | undefined;
}

/** What one attempt knows of those before it, and who is told how it failed. */
export interface SingleAttempt {
  readonly attemptsBefore: number;
  /** Milliseconds that they took. */
  readonly activeMsBefore: number;
  /** @param activeMs - Those of this attempt included. */
  readonly onFailed: (failure: FailedAttempt, activeMs: number) => void;
}
