import { StageflowError } from './errors.ts';
import type { EventTarget } from './execution/emitter.ts';
import type { RunState } from './execution/run-state.ts';
import type { Scheduler } from './execution/scheduler.ts';
import { checkOptions, type RunOptions, startRun } from './execution/start-run.ts';
import type { Stop } from './execution/stop.ts';
import { systemClock } from './execution/system-clock.ts';
import { uuidv7 } from './identity.ts';
import { nearestName } from './nearest-name.ts';
import type { RegisteredPipeline, RunInput, RunServices } from './pipeline.ts';
import type { PipelinePolicy } from './plan/draft.ts';
import { brokenRules, sinkQueueRules } from './plan/policy-problems.ts';
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
type DemandOfAll<P extends RegisteredPipeline> = P['~types']['in'];

/** What {@link createRuntime} takes, services aside. Its policy holds where neither the run nor the pipeline says otherwise. */
export interface RuntimeOptions<P extends readonly RegisteredPipeline[]> extends PipelinePolicy {
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
  readonly pipelines: ReadonlyMap<string, RegisteredPipeline>;
  /** What became of the events given to each sink, by the sink's name. */
  readonly sinks: Readonly<Record<string, SinkCounters>>;
  /** Runs under way. */
  readonly activeRuns: number;
  /**
   * Runs a pipeline of this runtime. See `Pipeline.run`.
   *
   * @throws SF_PIPELINE_UNKNOWN, SF_RUNTIME_CLOSED, and what `Pipeline.run` rejects with.
   */
  run<In extends Demand, Outs>(pipeline: RegisteredPipeline<In, Outs>, input: RunInput<In>, options?: RunOptions): Promise<Run<Outs>>;
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
  start<In extends Demand, Outs>(pipeline: RegisteredPipeline<In, Outs>, input: RunInput<In>, options?: RunOptions): RunHandle<Outs>;
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
export function createRuntime<const P extends readonly RegisteredPipeline[]>(
  options: RuntimeOptions<P> & ServicesOption<DemandOfAll<P[number]>>,
): Runtime {
  return new HostRuntime(options);
}

class HostRuntime implements Runtime {
  readonly pipelines: ReadonlyMap<string, RegisteredPipeline>;
  readonly #options: RuntimeOptions<readonly RegisteredPipeline[]>;
  readonly #services: unknown;
  readonly #clock: Clock;
  readonly #queues: readonly { readonly name: string; readonly queue: SinkQueue }[];
  readonly #active = new Set<ActiveRun>();
  #closed = false;

  constructor({ services, ...options }: RuntimeOptions<readonly RegisteredPipeline[]> & { readonly services?: unknown }) {
    checkOptions(options);
    this.#options = options;
    this.#services = services;
    this.#clock = options.clock ?? systemClock();
    this.pipelines = register(options.pipelines);
    const given = Object(services ?? {}) as Record<string, unknown>;
    const missing = options.pipelines.flatMap(({ plan }) =>
      plan.services.filter((name) => !Object.hasOwn(given, name) || given[name] === undefined),
    );
    if (missing.length > 0) throw new StageflowError('SF_SERVICE_MISSING', { services: [...new Set(missing)] });
    this.#queues = (options.sinks ?? []).map(queueOf);
    const names = this.#queues.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      throw new StageflowError('SF_OPTION_INVALID', {
        option: 'sinks',
        expected: 'sinks of different names',
        received: `two sinks named "${twice}"`,
      });
    }
  }

  get sinks(): Readonly<Record<string, SinkCounters>> {
    return Object.fromEntries(this.#queues.map(({ name, queue }) => [name, queue.counters]));
  }

  get activeRuns(): number {
    return this.#active.size;
  }

  run<In extends Demand, Outs>(pipeline: RegisteredPipeline<In, Outs>, input: RunInput<In>, options: RunOptions = {}): Promise<Run<Outs>> {
    try {
      this.#admit(pipeline);
      const targets = this.#queues.map(({ queue }) => queue);
      return this.#launch(pipeline, input, options, targets, new ActiveRun()) as Promise<Run<Outs>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  start<In extends Demand, Outs>(pipeline: RegisteredPipeline<In, Outs>, input: RunInput<In>, options: RunOptions = {}): RunHandle<Outs> {
    this.#admit(pipeline);
    const runId = options.runId ?? (this.#options.makeId ?? (() => uuidv7(this.#clock.now())))();
    const broadcast = new RunBroadcast();
    const active = new ActiveRun((state) => broadcast.follow(state));
    const targets = [broadcast, ...this.#queues.map(({ queue }) => queue)];
    this.#active.add(active);
    const result = Promise.resolve().then(() => this.#launch(pipeline, input, { ...options, runId }, targets, active)) as Promise<
      Run<Outs>
    >;
    // Whoever reads only the events must not be ended by a rejection that nobody awaits.
    result.catch(() => {
      this.#active.delete(active);
      broadcast.abandon();
    });
    return {
      runId,
      pipeline: pipeline.name,
      result,
      events: () => broadcast.subscribe(),
      cancel: (reason = 'the caller asked') => active.cancel(reason),
    };
  }

  async close({ graceMs = 10_000 }: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#closed = true;
    let overdue!: () => void;
    const patience = new Promise<void>((resolve) => {
      overdue = resolve;
    });
    const timer = this.#clock.schedule(overdue, graceMs);
    const drained = Promise.all(Array.from(this.#active, (active) => active.ended));
    await Promise.race([drained, patience]);
    for (const active of this.#active) active.cancel('the runtime is closing');
    await drained;
    await Promise.race([Promise.allSettled(this.#queues.map(({ queue }) => queue.flush())), patience]);
    timer.cancel();
  }

  async #launch(
    pipeline: RegisteredPipeline,
    input: unknown,
    options: RunOptions,
    targets: readonly EventTarget[],
    active: ActiveRun,
  ): Promise<Run> {
    const { service, config, random, makeId } = this.#options;
    const defaults = { service, config, random, makeId, clock: this.#clock };
    this.#active.add(active);
    try {
      const started = await startRun(pipeline.plan, input, this.#services, mergedOptions(defaults, options), {
        targets,
        defaults: this.#options,
        onScheduler: (scheduler) => active.attach(scheduler),
        stopBefore: () => active.stop,
      });
      return await started.result;
    } finally {
      this.#active.delete(active);
      active.end();
    }
  }

  #admit(pipeline: RegisteredPipeline): void {
    const { name } = pipeline;
    if (this.#closed) throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline: name });
    const known = this.pipelines.get(name);
    if (known === pipeline) return;
    const details = { pipeline: name, nearest: nearestName(name, this.pipelines.keys()), otherOfThatName: known !== undefined };
    throw new StageflowError('SF_PIPELINE_UNKNOWN', details);
  }
}

/** A run that a runtime has accepted and that has not ended; it can be stopped before it begins. */
class ActiveRun {
  readonly ended: Promise<void>;
  end!: () => void;
  stop: Stop | undefined;
  readonly #onState: (state: RunState) => void;
  #scheduler: Scheduler | undefined;

  constructor(onState: (state: RunState) => void = () => {}) {
    this.#onState = onState;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  attach(scheduler: Scheduler): void {
    this.#scheduler = scheduler;
    this.#onState(scheduler.state);
  }

  cancel(reason: string): void {
    const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason });
    this.stop ??= { status: 'cancelled', reason, stage: undefined, error: undefined, signalReason };
    this.#scheduler?.stop(this.stop);
  }
}

function queueOf(entry: SinkEntry): { readonly name: string; readonly queue: SinkQueue } {
  const { sink, ...options } = 'sink' in entry ? entry : { sink: entry };
  const [broken] = brokenRules(sinkQueueRules(options));
  if (broken !== undefined) throw new StageflowError('SF_OPTION_INVALID', broken);
  return { name: sink.name, queue: new SinkQueue(sink, options) };
}

function register(pipelines: readonly RegisteredPipeline[]): ReadonlyMap<string, RegisteredPipeline> {
  const byName = new Map<string, RegisteredPipeline>();
  for (const pipeline of pipelines) {
    const known = byName.get(pipeline.name);
    if (known !== undefined && known !== pipeline) throw new StageflowError('SF_DUPLICATE_PIPELINE', { pipeline: pipeline.name });
    byName.set(pipeline.name, pipeline);
  }
  return byName;
}

/** The options of a run over those of its runtime; one that is given as `undefined` is not given. */
function mergedOptions(defaults: RunOptions, options: RunOptions): RunOptions {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(options)) if (value !== undefined) merged[name] = value;
  return merged;
}
