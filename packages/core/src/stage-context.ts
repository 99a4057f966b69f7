import type { EventDefinition } from './define-event.ts';
import type { RunIdentity } from './identity.ts';
import type { Schema } from './schema.ts';

/**
 * What a stage knows about its run. The second argument of every stage's function; its members may be taken out of it:
 * `run: ({ text }, { signal, defer }) => …`.
 */
export interface StageContext {
  readonly identity: RunIdentity;
  readonly runId: string;
  readonly pipeline: string;
  readonly stage: string;
  /** Where in the run this is. For a stage of the pipeline itself, its name. */
  readonly path: string;
  /** 1-based. */
  readonly attempt: number;
  /**
   * Aborts when the attempt times out, the run stops or the caller gives up. Made when it is first read; pass it to
   * everything the stage calls.
   */
  readonly signal: AbortSignal;
  /** The same for every attempt of this stage in this run, so that a target can recognise a repeated call. */
  readonly idempotencyKey: string;
  /** Monotonic milliseconds since the run started. */
  readonly elapsedMs: number;
  /** Epoch milliseconds, from the run's clock. */
  readonly now: () => number;
  /** In [0, 1), from the run's source of randomness. */
  readonly random: () => number;
  /** Says how far the work is; counts as a sign of life. `fraction` is brought into [0, 1]; `undefined` where the total is unknown. */
  readonly progress: (fraction: number | undefined, message?: string) => void;
  /** A sign of life: starts the stage's `idleMs` anew, never its `timeoutMs`. */
  readonly heartbeat: () => void;
  /**
   * Emits an event of the host's own, in the envelope of the run's events.
   *
   * @throws SF_EVENT_INVALID where the payload breaks the schema of the definition.
   */
  readonly emit: <P>(definition: EventDefinition<P>, payload: NoInfer<P>) => void;
  /**
   * Runs `cleanup` when the run ends, whichever way, after every stage has settled and before the last event. Cleanups
   * run one at a time, last in first out, within one budget; a failure is reported and changes no outcome.
   */
  readonly defer: (cleanup: () => unknown) => void;
  /**
   * The value given to the run under `extensions[key]`, as `schema` reads it. Checked once a run.
   *
   * @throws SF_EXTENSION_INVALID, SF_SCHEMA_ASYNC
   */
  readonly extension: <Read>(key: string, schema: Schema<unknown, Read>) => Read;
  /**
   * The value that the runtime's ConfigProvider has under `key`, as `schema` reads it.
   *
   * @throws SF_CONFIG_INVALID, SF_SCHEMA_ASYNC
   */
  readonly config: <Read>(key: string, schema: Schema<unknown, Read>) => Read;
}
