import { ActiveRun } from './active-run.ts';
import { type Delivery, DurableRuns } from './durable/durable-runs.ts';
import { type RecoverOptions, type Recovery, recoverRuns } from './durable/recovery.ts';
import { RecoveryLoop } from './durable/recovery-loop.ts';
import { replay } from './durable/replay.ts';
import type { Replay } from './durable/replay-journal.ts';
import { isStageflowError, StageflowError } from './errors.ts';
import { ExclusiveRuns } from './exclusive-runs.ts';
import type { EventTarget } from './execution/emitter.ts';
import type { Journal } from './execution/journal.ts';
import { RunResources } from './execution/run-resources.ts';
import type { RunState } from './execution/run-state.ts';
import { checkOptions, type RunAttachments, type RunOptions, startRun } from './execution/start-run.ts';
import { systemClock } from './execution/system-clock.ts';
import { uuidv7 } from './identity.ts';
import { age, checkPriority, checkRules, integer } from './limits/limit-rules.ts';
import { checkResources, Limiter, type LimitSnapshots } from './limits/runtime-limits.ts';
import type { RegisteredPipeline, RunInput } from './pipeline.ts';
import { brokenRules, leaseRules } from './plan/policy-problems.ts';
import type { Clock } from './ports/clock.ts';
import type { StoredRun, WaitFilter } from './ports/run-store.ts';
import { register, requireRegistered, requireServices } from './registered-pipelines.ts';
import type { OpenWait, Run, SuspendedRun } from './run.ts';
import { RunBroadcast, type RunHandle } from './run-handle.ts';
import { inheritedFrom, parentOf } from './run-lineage.ts';
import type { RunPlace } from './run-place.ts';
import { type ActiveRunInfo, RunRegistry } from './run-registry.ts';
import type { DecideOptions, ForkOptions, ResumeOptions, RuntimeOptions, RuntimeRunOptions, TenantOption } from './runtime-options.ts';
import type { SinkCounters } from './sink-queue.ts';
import { SinkQueues } from './sink-queues.ts';
import type { Demand } from './source.ts';

/** What `createRuntime()` gives. */
export class HostRuntime {
  readonly pipelines: ReadonlyMap<string, RegisteredPipeline>;
  readonly #options: RuntimeOptions<readonly RegisteredPipeline[]>;
  readonly #services: unknown;
  readonly #clock: Clock;
  readonly #sinks: SinkQueues;
  readonly #runs = new RunRegistry();
  readonly #exclusive = new ExclusiveRuns();
  readonly #limiter: Limiter | undefined;
  readonly #durable: DurableRuns | undefined;
  readonly #recovery: RecoveryLoop | undefined;
  #closed = false;

  constructor({ services, ...options }: RuntimeOptions<readonly RegisteredPipeline[]> & { readonly services?: unknown }) {
    checkOptions(options);
    checkLease(options.leaseMs);
    this.#options = options;
    this.#services = services;
    this.#clock = options.clock ?? systemClock();
    this.pipelines = register(options.pipelines);
    const { store, leaseMs = 30_000 } = options;
    const { artifacts } = options;
    if (artifacts !== undefined) checkRules([integer('minLength', artifacts.minLength, 1)], 'artifacts');
    const owner = uuidv7(this.#clock.now());
    this.#durable = store && new DurableRuns({ store, clock: this.#clock, leaseMs, owner, artifacts });
    requireServices(options.pipelines, services);
    this.#limiter = options.limits && new Limiter(options.limits, this.#clock);
    const plans = options.pipelines.map(({ plan }) => plan);
    checkResources(plans, this.#limiter?.resources);
    this.#sinks = new SinkQueues(options.sinks ?? []);
    this.#durable?.watch(() => this.#recovery?.lookSoon());
    const { recovery } = options;
    if (recovery === undefined) return;
    this.#requireStore('The option "recovery"');
    this.#recovery = new RecoveryLoop(recovery, this.#clock, (until, begin) =>
      this.#recover({ concurrency: 1, until }, ({ runId, tenantId }) => begin(runId, () => this.resume(runId, { tenantId }))),
    );
  }

  get sinks(): Readonly<Record<string, SinkCounters>> {
    return this.#sinks.counters;
  }

  get activeRuns(): number {
    return this.#runs.size;
  }

  runs(): readonly ActiveRunInfo[] {
    return this.#runs.list();
  }

  childrenOf(runId: string): readonly ActiveRunInfo[] {
    return this.#runs.childrenOf(runId);
  }

  rootOf(runId: string): string | undefined {
    return this.#runs.rootOf(runId);
  }

  limits(): LimitSnapshots {
    return this.#limiter?.snapshots() ?? { runs: undefined, resources: {} };
  }

  run<In extends Demand, Outs>(
    pipeline: RegisteredPipeline<In, Outs>,
    input: RunInput<In>,
    options: RuntimeRunOptions = {},
  ): Promise<Run<Outs>> {
    try {
      return this.#launch(pipeline, input, this.#accept(pipeline, options)) as Promise<Run<Outs>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  start<In extends Demand, Outs>(
    pipeline: RegisteredPipeline<In, Outs>,
    input: RunInput<In>,
    options: RuntimeRunOptions = {},
  ): RunHandle<Outs> {
    const runId = options.runId ?? this.#makeId(options);
    const broadcast = new RunBroadcast(runId);
    const active = this.#accept(pipeline, { ...options, runId }, broadcast);
    const result = Promise.resolve().then(() => this.#launch(pipeline, input, active)) as Promise<Run<Outs>>;
    // Whoever reads only the events must not be ended by a rejection that nobody awaits.
    result.catch(() => broadcast.abandon());
    return {
      runId,
      pipeline: pipeline.name,
      result,
      events: (which) => broadcast.subscribe(which),
      cancel: (reason = 'the caller asked') => active.cancel(reason),
      pause: () => active.pause(),
      resume: () => active.continue(),
      step: () => active.step(),
      skip: (stage, reason = 'the caller asked') => active.skip(stage, reason),
    };
  }

  async resume(runId: string, { tenantId, compatible = false, signal, extensions }: ResumeOptions = {}): Promise<Run> {
    const durable = this.#requireStore('resume()');
    if (this.#closed) throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline: runId });
    const place = this.#limiter?.place({ key: tenantId });
    let resumed: readonly [RegisteredPipeline, ActiveRun, StoredRun];
    try {
      // Before it is taken from the store: who waits renews no lease.
      const waiting = { accepted: { runId, pipeline: runId }, stop: undefined, onCancel: undefined };
      if (place?.isTaken === false) await place.admit(waiting, signal);
      const stored = await durable.take(runId, tenantId, this.pipelines, compatible);
      const pipeline = this.pipelines.get(stored.pipeline) as RegisteredPipeline;
      resumed = [pipeline, this.#accept(pipeline, { ...stored.identity, signal, extensions }, undefined, place), stored];
    } catch (error) {
      place?.leave();
      throw error;
    }
    const [pipeline, active, stored] = resumed;
    return this.#launch(pipeline, undefined, active, stored);
  }

  async fork(runId: string, { tenantId, from, newRunId, extensions, signal }: ForkOptions = {}): Promise<Run> {
    const durable = this.#requireStore('fork()');
    if (this.#closed) throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline: runId });
    const request = { runId, tenantId, from, newRunId: newRunId ?? this.#makeId({}), plans: this.pipelines };
    const stored = await durable.fork(request);
    const pipeline = this.pipelines.get(stored.pipeline) as RegisteredPipeline;
    const active = this.#accept(pipeline, { ...stored.identity, extensions, signal });
    return this.#launch(pipeline, undefined, active, stored, () => durable.keepFork(stored));
  }

  async replay(runId: string, { tenantId }: TenantOption = {}): Promise<Replay> {
    const stored = await this.#requireStore('replay()').find(runId, tenantId, this.pipelines);
    const { plan } = this.pipelines.get(stored.pipeline) as RegisteredPipeline;
    const { config, random } = this.#options;
    return replay(plan, stored, this.#services, { config, random, clock: this.#clock });
  }

  async recover({ concurrency, signal }: RecoverOptions = {}): Promise<Recovery> {
    return this.#recover({ concurrency, until: signal }, ({ runId, tenantId }) => this.resume(runId, { tenantId, signal }));
  }

  async #recover(options: Parameters<typeof recoverRuns>[2], resume: Parameters<typeof recoverRuns>[1]): Promise<Recovery> {
    const durable = this.#requireStore('recover()');
    if (this.#closed) throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline: 'recover()' });
    checkRules([integer('concurrency', options.concurrency, 1)], 'recover');
    const page = async (limit: number, after: string | undefined) => durable.due(limit, after);
    return recoverRuns(page, resume, options, this.pipelines);
  }

  async prune({ olderThanMs }: { readonly olderThanMs: number }): Promise<number> {
    checkRules([age('olderThanMs', olderThanMs)], 'prune');
    return this.#requireStore('prune()').prune(olderThanMs);
  }

  async decide(waitId: string, answer: unknown, { tenantId, by }: DecideOptions = {}): Promise<Delivery> {
    return this.#requireStore('decide()').decide(waitId, answer, tenantId, by);
  }

  async deliver(runId: string, type: string, payload: unknown, { tenantId }: TenantOption = {}): Promise<Delivery> {
    return this.#requireStore('deliver()').deliver(runId, type, payload, tenantId);
  }

  async waits(filter: WaitFilter = {}): Promise<readonly OpenWait[]> {
    return this.#requireStore('waits()').waits(filter);
  }

  /** An answer came while the run came to rest; whoever gave it could not have the run then. */
  async #goOn(run: SuspendedRun<unknown>, extensions: RunOptions['extensions']): Promise<Run> {
    try {
      return await this.resume(run.runId, { tenantId: run.identity.tenantId, extensions });
    } catch (error) {
      if (isStageflowError(error, 'SF_RUN_NOT_RESUMABLE')) return run as Run;
      throw error;
    }
  }

  #requireStore(verb: string): DurableRuns {
    if (this.#durable !== undefined) return this.#durable;
    throw new StageflowError('SF_RUNTIME_REQUIRED', { verb, feature: 'a store' });
  }

  async close({ graceMs = 10_000 }: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#closed = true;
    this.#recovery?.stop();
    let overdue!: () => void;
    const patience = new Promise<void>((resolve) => {
      overdue = resolve;
    });
    const timer = this.#clock.schedule(overdue, graceMs);
    this.#limiter?.close();
    const drained = Promise.all(Array.from(this.#runs, (active) => active.ended));
    await Promise.race([drained, patience]);
    for (const active of [...this.#runs]) active.letGo('the runtime is closing');
    await drained;
    // A store that does not answer keeps nobody longer than the grace.
    await Promise.race([this.#durable?.stopWatching(), patience]);
    await Promise.race([this.#sinks.flush(), patience]);
    timer.cancel();
  }

  /**
   * @param stored - What was kept of it, where it goes on with that.
   * @param keep - Keeps that, where it is new.
   */
  async #launch(
    pipeline: RegisteredPipeline,
    input: unknown,
    active: ActiveRun,
    stored?: StoredRun,
    keep?: () => Promise<void>,
  ): Promise<Run> {
    const { service, config, random, interceptors = [] } = this.#options;
    const { runId, options, priority, exclusive } = active.accepted;
    const own = options.interceptors ?? [];
    const around = own.length === 0 ? interceptors : [...interceptors, ...own];
    const defaults = { service, config, random, clock: this.#clock };
    const resources = this.#limiter?.resources;
    const targets: readonly EventTarget[] = active.hasReaders ? [active, ...this.#sinks.queues] : this.#sinks.queues;
    let run: Run | undefined;
    try {
      if (exclusive !== undefined) {
        await this.#exclusive.turn(active, exclusive, options.signal);
        // Not before: who waits for others to end must not hold the place that they wait for.
        active.accepted.place ??= this.#place(options, priority);
      }
      const { place } = active.accepted;
      if (place?.isTaken === false) await place.admit(active, options.signal);
      const started = await startRun(
        pipeline.plan,
        input,
        this.#services,
        { ...mergedOptions(defaults, options), runId, interceptors: around },
        {
          targets,
          defaults: this.#options,
          resources: resources === undefined || resources.size === 0 ? undefined : new RunResources(resources, priority),
          onScheduler: (scheduler) => active.attach(scheduler),
          stopBefore: () => active.stop,
          ...this.#journaling(active, pipeline, stored, keep),
        },
      );
      run = await started.result;
      await this.#durable?.settle(run, started.isInterrupted);
      if (started.refusal !== undefined) throw started.refusal;
      if (run.status !== 'suspended' || (await this.#durable?.isAnswered(run)) !== true) return run;
    } finally {
      this.#runs.delete(active);
      active.end(run);
    }
    return this.#goOn(run, options.extensions);
  }

  /** What keeps a run, where there is a store. */
  #journaling(active: ActiveRun, { plan }: RegisteredPipeline, stored?: StoredRun, keep?: () => Promise<void>): Partial<RunAttachments> {
    const durable = this.#durable;
    const asked = active.accepted.options.journal ?? plan.policy.journal ?? this.#options.journal ?? 'stage';
    if (durable === undefined || (asked === 'none' && stored === undefined)) return {};
    // What is kept already is kept to its end.
    const level = asked === 'none' ? 'stage' : asked;
    const onBroken = (error: StageflowError): void => active.fail(error);
    if (stored === undefined) return { openJournal: (state) => durable.create(state, level, onBroken) };
    const openJournal = async (state: RunState): Promise<Journal> => {
      await keep?.();
      return durable.reopen(stored, state, level, onBroken);
    };
    return { restoredInput: true, openJournal };
  }

  /** Makes a run one of this runtime's, before anything of it starts. */
  #accept(pipeline: RegisteredPipeline, given: RuntimeRunOptions, broadcast?: RunBroadcast, taken?: RunPlace): ActiveRun {
    const { name } = pipeline;
    if (this.#closed) throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline: name });
    requireRegistered(this.pipelines, pipeline);
    const parent = parentOf(this.#runs, name, given.parent, this.#options.limits?.maxRunDepth);
    const { priority = parent?.accepted.priority ?? 0 } = given;
    checkPriority(priority);
    const mine = (): RunPlace | undefined => taken ?? (given.exclusive === undefined ? this.#place(given, priority) : undefined);
    const place = parent === undefined ? mine() : parent.accepted.place?.join();
    const runId = given.runId ?? this.#makeId(given);
    const options = parent === undefined ? given : { ...mergedOptions(inheritedFrom(parent), given), parentRunId: parent.accepted.runId };
    const { exclusive } = given;
    const active = new ActiveRun({ runId, pipeline: name, plan: pipeline.plan, options, priority, parent, place, exclusive, broadcast });
    this.#runs.add(active);
    return active;
  }

  #place({ tenantId }: RunOptions, priority: number): RunPlace | undefined {
    return this.#limiter?.place({ key: tenantId, priority });
  }

  #makeId({ makeId = this.#options.makeId }: RunOptions): string {
    return makeId === undefined ? uuidv7(this.#clock.now()) : makeId();
  }
}

/** The options of a run over those of its runtime; one that is given as `undefined` is not given. */
function mergedOptions(defaults: RunOptions, options: RunOptions): RunOptions {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(options)) if (value !== undefined) merged[name] = value;
  return merged;
}

/** @throws SF_OPTION_INVALID */
function checkLease(leaseMs: number | undefined): void {
  const [broken] = brokenRules(leaseRules(leaseMs));
  if (broken !== undefined) throw new StageflowError('SF_OPTION_INVALID', broken);
}
