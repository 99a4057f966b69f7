import { describeThrown, StageflowError } from '../errors.ts';
import type { IdentityOptions } from '../identity.ts';
import type { Interceptor } from '../interceptor.ts';
import type { PipelinePolicy } from '../plan/draft.ts';
import type { Plan } from '../plan/plan.ts';
import { brokenRules, policyRules } from '../plan/policy-problems.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConfigProvider } from '../ports/config-provider.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Run } from '../run.ts';
import { SinkQueue } from '../sink-queue.ts';
import { Emitter, type EventTarget } from './emitter.ts';
import { Interceptors } from './interceptor-chain.ts';
import type { Journal } from './journal.ts';
import { readInputs } from './read-inputs.ts';
import { type RunLimits, runLimits } from './run-limits.ts';
import type { RunResources } from './run-resources.ts';
import type { RunSetup } from './run-setup.ts';
import { RunState } from './run-state.ts';
import { Scheduler } from './scheduler.ts';
import type { Stop } from './stop.ts';
import { systemClock } from './system-clock.ts';

/** What a run can be given besides its input. */
export interface RunOptions extends IdentityOptions, PipelinePolicy {
  /** Cancels the run when it aborts; the run then resolves as `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Where the events of this run go, each behind a bounded queue of its own. @default none */
  readonly sinks?: readonly EventSink[] | undefined;
  /** Values that stages read with `context.extension(key, schema)`. @default none */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  /** Whether reports say when stages started and how long they took: two numbers a stage. @default true */
  readonly timings?: boolean | undefined;
  /** What stands around the run, its stages and their attempts, the first outermost; inside those of the runtime. @default none */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
  /** In [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Makes run ids. @default UUIDv7 */
  readonly makeId?: (() => string) | undefined;
  /** Where `context.config` reads. @default no configuration */
  readonly config?: ConfigProvider | undefined;
}

/** A run that is under way. */
export interface StartedRun {
  readonly result: Promise<Run>;
  /** Once it has ended: why its interceptors did not let this activation begin. */
  readonly refusal: StageflowError | undefined;
  /** Once it has ended: whether it is suspended, and has something to do all the same. */
  readonly isInterrupted: boolean;
}

/** What a runtime adds to its runs. */
export interface RunAttachments {
  /** Take the run's events besides its sinks. */
  readonly targets: readonly EventTarget[];
  /** Called when the input was accepted, before anything runs. */
  readonly onScheduler?: ((scheduler: Scheduler) => void) | undefined;
  /** What neither the run nor the pipeline says about the run's policy. */
  readonly defaults?: PipelinePolicy | undefined;
  /** What its stages can name. */
  readonly resources?: RunResources | undefined;
  /** Opens the journal of the run, once its inputs were read and before anything starts. */
  readonly openJournal?: ((state: RunState) => Promise<Journal>) | undefined;
  /** Whether the journal brings the inputs, parsed already. */
  readonly restoredInput?: boolean | undefined;
  /** Runs stages elsewhere. */
  readonly drive?: RunSetup['drive'];
  /** Told when the run has ended, before its promise is. */
  readonly onEnded?: RunSetup['onEnded'];
  /** Asked before anything starts: why the run is not wanted any more. */
  readonly stopBefore?: (() => Stop | undefined) | undefined;
}

const hostClock = systemClock();

/**
 * Starts one run of a plan.
 *
 * @throws SF_OPTION_INVALID, SF_INPUT_INVALID, SF_SERVICE_MISSING, before anything has run; as a rejection where a
 *   schema answers with a promise.
 */
export function startRun(
  plan: Plan,
  input: unknown,
  services: unknown,
  options: RunOptions,
  attachments?: RunAttachments,
): Promise<StartedRun> | StartedRun {
  checkOptions(options);
  const clock = options.clock ?? hostClock;
  const state = new RunState(plan, options, clock);
  if (plan.services.length > 0) provideServices(plan, services, state);
  const pending = plan.inputs.length > 0 && attachments?.restoredInput !== true ? readInputs(plan, input, state.slots) : undefined;
  const openJournal = attachments?.openJournal;
  if (openJournal !== undefined)
    return Promise.resolve(pending).then(async () => launch(state, clock, options, attachments, await openJournal(state)));
  return pending === undefined
    ? launch(state, clock, options, attachments)
    : pending.then(() => launch(state, clock, options, attachments));
}

function launch(
  state: RunState,
  clock: Clock,
  options: RunOptions,
  attachments: RunAttachments | undefined,
  journal?: Journal,
): StartedRun {
  const { plan } = state;
  const { signal } = options;
  const startedMono = clock.monotonic();
  const targets = attachments === undefined && options.sinks === undefined ? [] : targetsOf(options, attachments);
  if (targets.length > 0 || state.startedAfterMs !== undefined) state.startedAt = clock.now();
  const emitter =
    targets.length === 0
      ? undefined
      : new Emitter(state.identity, plan.name, clock, targets, state.startedAt, startedMono, journal?.epoch ?? 1);
  const scheduler = new Scheduler(state, {
    limits: limitsOf(plan, options, attachments),
    options,
    clock,
    emitter,
    startedMono,
    interceptors: interceptorsOf(options),
    journal,
    drive: attachments?.drive,
    onEnded: attachments?.onEnded,
  });
  attachments?.onScheduler?.(scheduler);
  if (signal !== undefined) followSignal(scheduler, signal);
  scheduler.start(signal?.aborted === true ? aborted(signal) : attachments?.stopBefore?.());
  return scheduler;
}

const composed = new WeakMap<readonly Interceptor[], Interceptors>();

/** Sorted once for each list. */
function interceptorsOf({ interceptors }: RunOptions): Interceptors | undefined {
  if (interceptors === undefined || interceptors.length === 0) return undefined;
  let known = composed.get(interceptors);
  if (known === undefined) {
    known = new Interceptors(interceptors);
    composed.set(interceptors, known);
  }
  return known;
}

function targetsOf(options: RunOptions, attachments: RunAttachments | undefined): readonly EventTarget[] {
  return [...(attachments?.targets ?? []), ...(options.sinks ?? []).map((sink) => new SinkQueue(sink))];
}

/** Stops the run when the signal of the caller aborts; one listener for a run, gone when the run is. */
function followSignal(scheduler: Scheduler, signal: AbortSignal): void {
  const onAbort = (): void => scheduler.root.stop(aborted(signal));
  signal.addEventListener('abort', onAbort);
  void scheduler.result.then(() => signal.removeEventListener('abort', onAbort));
}

/** The signal of the caller aborted. */
function aborted(signal: AbortSignal): Stop {
  const reason = signal.reason === undefined ? 'the signal aborted' : describeThrown(signal.reason).message;
  return { status: 'cancelled', reason, stage: undefined, error: undefined, signalReason: signal.reason };
}

/** @throws SF_OPTION_INVALID */
export function checkOptions(options: PipelinePolicy): void {
  if (!saysPolicy(options)) return;
  const [broken] = brokenRules(policyRules(options));
  if (broken !== undefined) throw new StageflowError('SF_OPTION_INVALID', broken);
}

function saysPolicy({
  failureMode,
  maxConcurrency,
  deadlineMs,
  graceMs,
  cleanupMs,
  maxCallDepth,
  undoOn,
  journal,
}: PipelinePolicy): boolean {
  return (failureMode ?? maxConcurrency ?? deadlineMs ?? graceMs ?? cleanupMs ?? maxCallDepth ?? undoOn ?? journal) !== undefined;
}

function limitsOf(plan: Plan, options: PipelinePolicy, attachments: RunAttachments | undefined): RunLimits {
  if (attachments === undefined && !saysPolicy(options)) return plan.limits;
  return runLimits(plan.policy, options, attachments?.defaults, attachments?.resources);
}

function provideServices(plan: Plan, services: unknown, state: RunState): void {
  const given = Object(services ?? {}) as Record<string, unknown>;
  const missing = plan.services.filter((name) => !Object.hasOwn(given, name) || given[name] === undefined);
  if (missing.length > 0) throw new StageflowError('SF_SERVICE_MISSING', { services: missing }, { pipeline: plan.name });
  for (const name of plan.services) state.slots[plan.slotOf('service', name) as number] = given[name];
}
