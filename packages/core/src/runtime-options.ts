import type { ArtifactOptions } from './durable/artifact-values.ts';
import type { Decider } from './durable/decision.ts';
import type { RecoveryOptions } from './durable/recovery-loop.ts';
import type { ExclusiveOption } from './exclusive-runs.ts';
import type { RunOptions } from './execution/start-run.ts';
import type { Interceptor } from './interceptor.ts';
import type { RuntimeLimits } from './limits/runtime-limits.ts';
import type { RegisteredPipeline } from './pipeline.ts';
import type { PipelinePolicy } from './plan/draft.ts';
import type { Clock } from './ports/clock.ts';
import type { ConfigProvider } from './ports/config-provider.ts';
import type { RunStore } from './ports/run-store.ts';
import type { SinkEntry } from './sink-queues.ts';

/** What `createRuntime` takes, services aside. Its policy holds where neither the run nor the pipeline says otherwise. */
export interface RuntimeOptions<P extends readonly RegisteredPipeline[]> extends PipelinePolicy {
  /** The pipelines that can be run here. Their names must differ. */
  readonly pipelines: P;
  /** Where the events of every run go, each sink behind a bounded queue of its own. @default none */
  readonly sinks?: readonly SinkEntry[] | undefined;
  /** What stands around every run, its stages and their attempts, the first outermost. @default none */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Where `context.config` reads. @default no configuration */
  readonly config?: ConfigProvider | undefined;
  /** Keeps runs so that they survive the process, and what they wait for. @default none: runs live and end in this process */
  readonly store?: RunStore | undefined;
  /** Where large values of kept runs lie, apart from the journal. @default none: the journal keeps them */
  readonly artifacts?: ArtifactOptions | undefined;
  /** How long a run stays with a process that says nothing more, milliseconds; then another may take it over. @default 30_000 */
  readonly leaseMs?: number | undefined;
  /** Goes on by itself with runs that are due, as `recover()` does, until the runtime is closed. @default none: the host calls `recover()` */
  readonly recovery?: RecoveryOptions | undefined;
  /** What its runs may take together. @default no limits */
  readonly limits?: RuntimeLimits | undefined;
  /** The name of the host, for the identity of runs. @default none */
  readonly service?: string | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
  /** In [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Makes run ids. @default UUIDv7 */
  readonly makeId?: (() => string) | undefined;
}

/** Whose run it is. Ids of another tenant are unknown. */
export interface TenantOption {
  /** @default no tenant */
  readonly tenantId?: string | undefined;
}

/** What `runtime.decide` takes besides the wait and the answer. */
export interface DecideOptions extends TenantOption {
  /** Who decides: needed where the wait says who may, or asks several people. It is for the host to know that it is them. @default nobody in particular */
  readonly by?: Decider | undefined;
}

/** What `runtime.resume` takes besides the run. */
export interface ResumeOptions extends TenantOption {
  /** Says that stages which changed since the run began are compatible with what was kept of them. @default false */
  readonly compatible?: boolean | undefined;
  /** Values that stages and interceptors read with `context.extension(key, schema)`: none of an earlier activation is kept. @default none */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `runtime.fork` takes besides the run. */
export interface ForkOptions extends TenantOption {
  /** The stage of the pipeline that is done again, and with it everything that stands behind it. @default none: what did not complete */
  readonly from?: string | undefined;
  /** The id of the new run. @default made like any other */
  readonly newRunId?: string | undefined;
  /** Values that stages and interceptors read, as for `run()`. @default none */
  readonly extensions?: RunOptions['extensions'];
  readonly signal?: AbortSignal | undefined;
}

/** What a run on a runtime can be given besides its input. */
export interface RuntimeRunOptions extends RunOptions {
  /**
   * Among the runs that wait to begin, and the stages that wait for a resource, those of the higher go first. A number
   * from -1_000_000 to 1_000_000. @default that of the parent, else 0
   */
  readonly priority?: number | undefined;
  /**
   * Of the runs of this runtime that share a key, one at a time is under way: for a voice turn that replaces the one before
   * it, or a document that is worked on by one run at a time. Does not reach other processes. @default none
   */
  readonly exclusive?: ExclusiveOption | undefined;
  /**
   * The run that this one is started below, by its handle or its id; it must be under way on this runtime. The child has
   * the identity of its parent where it is not given its own, and is cancelled when the parent stops or ends in any way
   * but completed. Where the parent is kept and has not ended, but only its process lets go of it, the child is let go of
   * as well, to be resumed by its id. @default none
   */
  readonly parent?: string | { readonly runId: string } | undefined;
}
