import { StageflowError } from './errors.ts';
import { type RunOptions, type StartedRun, startRun } from './execution/start-run.ts';
import { systemClock } from './execution/system-clock.ts';
import { uuidv7 } from './identity.ts';
import { nearestName } from './nearest-name.ts';
import type { AnyPipeline, Pipeline, RunInput, RunServices } from './pipeline.ts';
import type { PipelinePolicy } from './plan/draft.ts';
import type { Clock } from './ports/clock.ts';
import type { ConfigProvider } from './ports/config-provider.ts';
import type { EventSink } from './ports/event-sink.ts';
import type { Run } from './run.ts';
import { RunBroadcast, type RunHandle } from './run-handle.ts';
import { type SinkCounters, SinkQueue, type SinkQueueOptions } from './sink-queue.ts';
import type { Demand, Service } from './source.ts';

/** A sink, alone or with how its queue behaves. */
export type SinkEntry = EventSink | (SinkQueueOptions & { readonly sink: EventSink });

/** What the pipelines of a runtime demand. */
type DemandOfAll<P extends AnyPipeline> = P extends { readonly '~types': { readonly in: infer In extends Demand } } ? In : never;

/** What {@link createRuntime} takes, services aside. */
export interface RuntimeOptions<P extends readonly AnyPipeline[]> extends PipelinePolicy {
  /** The pipelines that can be run here. Their names must differ. */
  readonly pipelines: P;
  /** Where the events of every run go, each sink behind a bounded queue of its own. @default none */
  readonly sinks?: readonly SinkEntry[] | undefined;
  /** Where `context.config` reads. @default no configuration */
  readonly config?: ConfigProvider | undefined;
  /** The name of the host, for the identity of runs. @default none */
  readonly service?: string | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
  /** In [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Makes run ids. @default UUIDv7 */
  readonly makeId?: (() => string) | undefined;
}

/** The services a runtime must be given: all that its pipelines read. */
type ServicesOption<In extends Demand> = [Extract<In, Service>] extends [never]
  ? { readonly services?: Readonly<Record<string, unknown>> | undefined }
  : { readonly services: RunServices<In> };

/** The long-lived object of a host application: its pipelines, and what their runs share. */
export interface Runtime {
  /** By name. */
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  /** What became of the events given to each sink, by the sink's name. */
  readonly sinks: Readonly<Record<string, SinkCounters>>;
  /** Runs under way. */
  readonly activeRuns: number;
  /**
   * Runs a pipeline of this runtime. See `Pipeline.run`.
   *
   * @throws SF_PIPELINE_UNKNOWN, SF_RUNTIME_CLOSED, and what `Pipeline.run` rejects with.
   */
  run<In extends Demand, Outs>(pipeline: Pipeline<In, Outs>, input: RunInput<In>, options?: RunOptions): Promise<Run<Outs>>;
  /**
   * Starts a run and returns at once; the run begins a tick later, so that whoever reads its events sees the first.
   *
   * @throws SF_PIPELINE_UNKNOWN, SF_RUNTIME_CLOSED
   * @example
   * ```ts
   * const handle = runtime.start(chat, { text: 'hi' });
   * for await (const event of handle.events()) console.log(topicOf(event));
   * const run = await handle.result;
   * ```
   */
  start<In extends Demand, Outs>(pipeline: Pipeline<In, Outs>, input: RunInput<In>, options?: RunOptions): RunHandle<Outs>;
  /**
   * Accepts no more runs, waits for those under way, and flushes the sinks.
   *
   * @param options.graceMs - After this long, runs are cancelled and sinks no longer waited for. @default 10_000
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/**
 * Makes a runtime.
 *
 * @throws SF_DUPLICATE_PIPELINE, SF_SERVICE_MISSING, SF_OPTION_INVALID
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], services: { model }, sinks: [consoleSink] });
 * const run = await runtime.run(chat, { text: 'hi' });
 * await runtime.close();
 * ```
 */
export function createRuntime<const P extends readonly AnyPipeline[]>(options: RuntimeOptions<P> & ServicesOption<DemandOfAll<P[number]>>): Runtime {
  return new HostRuntime(options);
}

class HostRuntime implements Runtime {
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  readonly #options: RuntimeOptions<readonly AnyPipeline[]>;
  readonly #services: unknown;
  readonly #clock: Clock;
  readonly #queues: readonly { readonly name: string; readonly queue: SinkQueue }[];
  readonly #active = new Map<symbol, { readonly done: Promise<unknown>; readonly cancel: (reason: string) => void }>();
  #closed = false;

  constructor({ services, ...options }: RuntimeOptions<readonly AnyPipeline[]> & { readonly services?: unknown }) {
    this.#options = options;
    this.#services = services;
    this.#clock = options.clock ?? systemClock();
    this.pipelines = register(options.pipelines);
    const given = Object(services ?? {}) as Record<string, unknown>;
    const missing = options.pipelines.flatMap(({ plan }) => plan.services.filter((name) => given[name] === undefined));
    if (missing.length > 0) throw new StageflowError('SF_SERVICE_MISSING', { services: [...new Set(missing)] });
    this.#queues = (options.sinks ?? []).map((entry) => {
      const { sink, ...queue } = 'sink' in entry ? entry : { sink: entry };
      return { name: sink.name, queue: new SinkQueue(sink, queue) };
    });
  }

  get sinks(): Readonly<Record<string, SinkCounters>> {
    return Object.fromEntries(this.#queues.map(({ name, queue }) => [name, queue.counters]));
  }

  get activeRuns(): number {
    return this.#active.size;
  }

  run<In extends Demand, Outs>(pipeline: Pipeline<In, Outs>, input: RunInput<In>, options: RunOptions = {}): Promise<Run<Outs>> {
    return new Promise((resolve) => resolve(this.#launch(pipeline, input, options, undefined).result));
  }

  start<In extends Demand, Outs>(pipeline: Pipeline<In, Outs>, input: RunInput<In>, options: RunOptions = {}): RunHandle<Outs> {
    const runId = options.runId ?? (this.#options.makeId ?? (() => uuidv7(this.#clock.now())))();
    const broadcast = new RunBroadcast();
    const { result, cancel } = this.#launch(pipeline, input, { ...options, runId }, broadcast);
    return { runId, pipeline: pipeline.name, result, events: () => broadcast.subscribe(), cancel };
  }

  async close({ graceMs = 10_000 }: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#closed = true;
    let overdue: () => void = () => {};
    const patience = new Promise<void>((resolve) => {
      overdue = resolve;
    });
    const timer = this.#clock.schedule(overdue, graceMs);
    const drained = Promise.allSettled([...this.#active.values()].map(({ done }) => done));
    await Promise.race([drained, patience]);
    for (const { cancel } of this.#active.values()) cancel('the runtime is closing');
    await drained;
    await Promise.race([Promise.allSettled(this.#queues.map(({ queue }) => queue.flush())), patience]);
    timer.cancel();
  }

  #launch<In extends Demand, Outs>(
    pipeline: Pipeline<In, Outs>,
    input: RunInput<In>,
    options: RunOptions,
    broadcast: RunBroadcast | undefined,
  ): { readonly result: Promise<Run<Outs>>; readonly cancel: (reason?: string) => void } {
    this.#admit(pipeline);
    const { failureMode, maxConcurrency, deadlineMs, graceMs, cleanupMs, service, config, random, makeId } = this.#options;
    const defaults = { failureMode, maxConcurrency, deadlineMs, graceMs, cleanupMs, service, config, random, makeId, clock: this.#clock };
    const merged: RunOptions = { ...defaults, ...withoutUndefined(options) };
    const targets = broadcast === undefined ? [] : [broadcast];
    let started: StartedRun | undefined;
    let cancelled: string | undefined;
    const begin = async (): Promise<Run<Outs>> => {
      if (broadcast !== undefined) await Promise.resolve();
      const all = [...targets, ...this.#queues.map(({ queue }) => queue)];
      started = await startRun(pipeline.plan, input, this.#services, merged, all.length === 0 ? undefined : all, (state) => {
        if (broadcast !== undefined) broadcast.state = state;
      });
      if (cancelled !== undefined) started.scheduler.cancel(cancelled, new StageflowError('SF_RUN_CANCELLED', { reason: cancelled }));
      return started.result as Promise<Run<Outs>>;
    };
    const cancel = (reason = 'the caller asked'): void => {
      cancelled ??= reason;
      started?.scheduler.cancel(reason, new StageflowError('SF_RUN_CANCELLED', { reason }));
    };
    const key = Symbol(pipeline.name);
    const result = begin().finally(() => this.#active.delete(key));
    // Whoever reads only the events must not be ended by a rejection nobody awaits.
    result.catch(() => broadcast?.abandon());
    this.#active.set(key, { done: result, cancel });
    return { result, cancel };
  }

  #admit(pipeline: AnyPipeline): void {
    const { name } = pipeline;
    if (this.#closed) throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline: name });
    if (this.pipelines.get(name) === pipeline) return;
    throw new StageflowError('SF_PIPELINE_UNKNOWN', { pipeline: name, nearest: nearestName(name, this.pipelines.keys()) });
  }
}

function register(pipelines: readonly AnyPipeline[]): ReadonlyMap<string, AnyPipeline> {
  const byName = new Map<string, AnyPipeline>();
  for (const pipeline of pipelines) {
    const known = byName.get(pipeline.name);
    if (known !== undefined && known !== pipeline) throw new StageflowError('SF_DUPLICATE_PIPELINE', { pipeline: pipeline.name });
    byName.set(pipeline.name, pipeline);
  }
  return byName;
}

function withoutUndefined(options: RunOptions): RunOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
