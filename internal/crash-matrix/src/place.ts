import type { RunStore } from '@stageflow/core/ports';

/** One call of a stage. */
export interface Call {
  readonly runId: string;
  readonly path: string;
  readonly key: string;
}

/** A store, and a table of effects beside it in the same database. No id of a run may begin with that of another, but for those below it. */
export interface Place {
  readonly store: RunStore;
  /** Notes a call, as often as it is made. */
  called(call: Call): Promise<void>;
  /** Makes an effect: once for each key. */
  act(key: string): Promise<void>;
  /** Calls of a run and of those below it, in the order they were made. */
  calls(runId: string): Promise<readonly Call[]>;
  /** Keys of the effects of a run and of those below it, sorted. */
  effects(runId: string): Promise<readonly string[]>;
  /** What the store keeps as the outputs of a run that is complete. */
  outputs(runId: string): Promise<unknown>;
  /** How many leases and waits of a run, and of those below it, are open. */
  open(runId: string): Promise<{ readonly leases: number; readonly waits: number }>;
  close(): Promise<void>;
}

/** How a place is used. */
export interface PlaceOptions {
  /** The point at which the process is killed; any other text for none. */
  readonly killAt: string;
  /** Whether transactions take longer than they need. */
  readonly isSlow: boolean;
}
