import type { Delivery } from './durable/durable-runs.ts';
import type { RecoverOptions, Recovery } from './durable/recovery.ts';
import type { Replay } from './durable/replay-journal.ts';
import { HostRuntime } from './host-runtime.ts';
import type { LimitSnapshots } from './limits/runtime-limits.ts';
import type { RegisteredPipeline, RunInput, RunServices } from './pipeline.ts';
import type { WaitFilter } from './ports/run-store.ts';
import type { OpenWait, Run } from './run.ts';
import type { RunHandle } from './run-handle.ts';
import type { ActiveRunInfo } from './run-registry.ts';
import type { DecideOptions, ForkOptions, ResumeOptions, RuntimeOptions, RuntimeRunOptions, TenantOption } from './runtime-options.ts';
import type { SinkCounters } from './sink-queue.ts';
import type { Demand, Service } from './source.ts';

/** What the pipelines of a runtime demand. */
type DemandOfAll<P extends RegisteredPipeline> = P['~types']['in'];

/** The services a runtime must be given: all that its pipelines read. */
type ServicesOption<In extends Demand> = [Extract<In, Service>] extends [never]
  ? { readonly services?: Readonly<Record<string, unknown>> | undefined }
  : { readonly services: RunServices<In> };

/** The long-lived object of a host application: its pipelines, and what their runs share. */
export interface Runtime {
  /** By name. */
  readonly pipelines: ReadonlyMap<string, RegisteredPipeline>;
  /** What became of the events given to each sink, by the sink's name. */
  readonly sinks: Readonly<Record<string, SinkCounters>>;
  /** How many runs were accepted and have not ended, those that wait to begin included. */
  readonly activeRuns: number;
  /** Those runs, in the order they came. */
  runs(): readonly ActiveRunInfo[];
  /** Those of them that were started directly below this one, also where it has ended itself. */
  childrenOf(runId: string): readonly ActiveRunInfo[];
  /** The run at the top of this one's line of parents: its own id where it has none, `undefined` where it has ended. */
  rootOf(runId: string): string | undefined;
  /** What is taken of each limit, who waits for it, how long waits took. */
  limits(): LimitSnapshots;
  /**
   * Runs a pipeline of this runtime. See `Pipeline.run`.
   *
   * @throws SF_PIPELINE_UNKNOWN, SF_RUNTIME_CLOSED, SF_RUN_REFUSED, SF_PARENT_ENDED, SF_RUN_DEPTH_EXCEEDED, and what
   *   `Pipeline.run` rejects with.
   */
  run<In extends Demand, Outs>(
    pipeline: RegisteredPipeline<In, Outs>,
    input: RunInput<In>,
    options?: RuntimeRunOptions,
  ): Promise<Run<Outs>>;
  /**
   * Starts a run and returns at once; the run begins a tick later, so that whoever reads its events sees the first.
   *
   * @throws SF_PIPELINE_UNKNOWN, SF_RUNTIME_CLOSED, SF_PARENT_ENDED, SF_RUN_DEPTH_EXCEEDED; `handle.result` rejects with
   *   SF_RUN_REFUSED.
   * @example
   * ```ts
   * const handle = runtime.start(chat, { text: 'hi' });
   * for await (const event of handle.events()) console.log(topicOf(event));
   * const run = await handle.result;
   * ```
   */
  start<In extends Demand, Outs>(pipeline: RegisteredPipeline<In, Outs>, input: RunInput<In>, options?: RuntimeRunOptions): RunHandle<Outs>;
  /**
   * Goes on with a run that the store keeps: one that is suspended, or whose process has died. Finished stages are not
   * called again. Where an interceptor of the run throws before it lets the run go on, this rejects with what it threw,
   * nothing runs, and the run is left suspended: it can be resumed again.
   *
   * @throws SF_RUN_UNKNOWN, SF_RUN_NOT_RESUMABLE, SF_JOURNAL_CORRUPT, SF_PLAN_CHANGED, SF_PIPELINE_UNKNOWN,
   *   SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   * @example
   * ```ts
   * await runtime.decide(waitId, { approved: true });
   * const run = await runtime.resume(runId);
   * ```
   */
  resume(runId: string, options?: ResumeOptions): Promise<Run>;
  /**
   * Begins a new run with the input and the results of one that the store keeps, whether or not that has ended; it stays as
   * it is. Kept are the results of stages that completed, are what they were, and have nothing before them that is done
   * again. The metadata of the new run say `forkedFrom`.
   *
   * @throws SF_RUN_UNKNOWN, SF_JOURNAL_CORRUPT, SF_UNKNOWN_STAGE, SF_PIPELINE_UNKNOWN, SF_RUN_EXISTS, SF_RUNTIME_CLOSED,
   *   SF_RUN_REFUSED, SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   * @example
   * ```ts
   * const run = await runtime.fork(failed.runId, { from: 'answer' }); // with another prompt in "answer", say
   * ```
   */
  fork(runId: string, options?: ForkOptions): Promise<Run>;
  /**
   * Does a run that the store keeps once more, to see whether the code still does what it did: stages are called with what
   * they read then, effects are not made, questions have their answers, sleeps are over at once. Nothing is kept, nobody is
   * told, no interceptor is asked.
   *
   * @throws SF_RUN_UNKNOWN, SF_JOURNAL_CORRUPT, SF_PIPELINE_UNKNOWN, SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   * @example
   * ```ts
   * const { differences: [first] } = await runtime.replay(runId);
   * if (first !== undefined) console.log(`${first.path} yielded ${first.recorded?.output}, and now ${first.replayed?.output}`);
   * ```
   */
  replay(runId: string, options?: TenantOption): Promise<Replay>;
  /**
   * Goes on with every run of its pipelines that is due, of any tenant: runs whose process has died, and runs that rest and
   * have been answered, or whose time has come. Resolves when each of them has ended or come to rest again.
   *
   * @throws SF_OPTION_INVALID, SF_RUNTIME_CLOSED, SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   * @example
   * ```ts
   * const { resumed, refused } = await runtime.recover({ concurrency: 4 });
   * for (const { runId, error } of refused) console.error(runId, error.message);
   * ```
   */
  recover(options?: RecoverOptions): Promise<Recovery>;
  /**
   * Deletes runs that ended longer ago than this, of any tenant and pipeline, with everything of them. Resolves to how many.
   *
   * @throws SF_OPTION_INVALID, SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   * @example
   * ```ts
   * await runtime.prune({ olderThanMs: 30 * 86_400_000 });
   * ```
   */
  prune(options: { readonly olderThanMs: number }): Promise<number>;
  /**
   * Answers a wait, once. A run that lives in this process goes on; any other when it is resumed. Where the wait asks several
   * people, `kept` says that more of them have to give this answer.
   *
   * @throws SF_WAIT_CLOSED, SF_DECISION_REFUSED, SF_NOT_SERIALIZABLE, SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   */
  decide(waitId: string, answer: unknown, options?: DecideOptions): Promise<Delivery>;
  /**
   * Answers what a run waits for with `waitFor(type)`; kept, within a bound, where it does not wait for it yet. What a stage
   * asks with `suspend()` or `review()` is for `decide()`.
   *
   * @throws SF_OPTION_INVALID, SF_RUN_UNKNOWN, SF_WAIT_CLOSED, SF_NOT_SERIALIZABLE, SF_RUNTIME_REQUIRED, SF_STORE_FAILED
   */
  deliver(runId: string, type: string, payload: unknown, options?: TenantOption): Promise<Delivery>;
  /** What runs wait for, oldest first. @throws SF_JOURNAL_CORRUPT, SF_RUNTIME_REQUIRED, SF_STORE_FAILED */
  waits(filter?: WaitFilter): Promise<readonly OpenWait[]>;
  /**
   * Accepts no more runs, waits for those under way, and flushes the sinks.
   *
   * @param options.graceMs - After this long, runs are cancelled and sinks no longer waited for. A run that a store keeps is
   *   suspended instead, so that another process can resume it. @default 10_000
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/**
 * Makes a runtime.
 *
 * @throws SF_DUPLICATE_PIPELINE, SF_SERVICE_MISSING, SF_RESOURCE_UNKNOWN, SF_OPTION_INVALID
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], services: { model }, sinks: [consoleSink] });
 * const run = await runtime.run(chat, { text: 'hi' });
 * await runtime.close();
 * ```
 */
export function createRuntime<const P extends readonly RegisteredPipeline[]>(
  options: RuntimeOptions<P> & ServicesOption<DemandOfAll<P[number]>>,
): Runtime {
  return new HostRuntime(options);
}
