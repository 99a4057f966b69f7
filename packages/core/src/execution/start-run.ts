import { describeThrown, StageflowError } from '../errors.ts';
import type { IdentityOptions } from '../identity.ts';
import type { PipelinePolicy } from '../plan/draft.ts';
import type { Plan } from '../plan/plan.ts';
import { brokenRules, policyRules } from '../plan/policy-problems.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConfigProvider } from '../ports/config-provider.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Run } from '../run.ts';
import { describeReceived, issueLines, type SchemaResult, validate } from '../schema.ts';
import { SinkQueue } from '../sink-queue.ts';
import { Emitter, type EventTarget } from './emitter.ts';
import type { RunLimits } from './run-limits.ts';
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
}

/** What a runtime adds to its runs. */
export interface RunAttachments {
  /** Take the run's events besides its sinks. */
  readonly targets: readonly EventTarget[];
  /** Called when the input was accepted, before anything runs. */
  readonly onScheduler?: ((scheduler: Scheduler) => void) | undefined;
  /** What neither the run nor the pipeline says about the run's policy. */
  readonly defaults?: PipelinePolicy | undefined;
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
  const pending = plan.inputs.length > 0 ? readInputs(plan, input, state) : undefined;
  return pending === undefined
    ? launch(state, clock, options, attachments)
    : pending.then(() => launch(state, clock, options, attachments));
}

function launch(state: RunState, clock: Clock, options: RunOptions, attachments: RunAttachments | undefined): StartedRun {
  const { plan } = state;
  const { signal } = options;
  const startedMono = clock.monotonic();
  const targets = attachments === undefined && options.sinks === undefined ? [] : targetsOf(options, attachments);
  if (targets.length > 0 || state.startedAfterMs !== undefined) state.startedAt = clock.now();
  const emitter = targets.length === 0 ? undefined : new Emitter(state.identity, plan.name, clock, targets, state.startedAt, startedMono);
  const scheduler = new Scheduler(state, limitsOf(plan, options, attachments?.defaults), options, clock, emitter, startedMono);
  attachments?.onScheduler?.(scheduler);
  if (signal !== undefined) followSignal(scheduler, signal);
  scheduler.start(signal?.aborted === true ? aborted(signal) : attachments?.stopBefore?.());
  return scheduler;
}

function targetsOf(options: RunOptions, attachments: RunAttachments | undefined): readonly EventTarget[] {
  return [...(attachments?.targets ?? []), ...(options.sinks ?? []).map((sink) => new SinkQueue(sink))];
}

function limitsOf({ policy }: Plan, options: PipelinePolicy, defaults: PipelinePolicy | undefined): RunLimits {
  return {
    failureMode: options.failureMode ?? policy.failureMode ?? defaults?.failureMode ?? 'fail-fast',
    maxConcurrency: options.maxConcurrency ?? policy.maxConcurrency ?? defaults?.maxConcurrency ?? Number.POSITIVE_INFINITY,
    deadlineMs: options.deadlineMs ?? policy.deadlineMs ?? defaults?.deadlineMs,
    graceMs: options.graceMs ?? policy.graceMs ?? defaults?.graceMs ?? 5_000,
    cleanupMs: options.cleanupMs ?? policy.cleanupMs ?? defaults?.cleanupMs ?? 10_000,
  };
}

/** Stops the run when the signal of the caller aborts; one listener for a run, gone when the run is. */
function followSignal(scheduler: Scheduler, signal: AbortSignal): void {
  const onAbort = (): void => scheduler.stop(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  void scheduler.result.then(() => signal.removeEventListener('abort', onAbort));
}

/** The signal of the caller aborted. */
function aborted(signal: AbortSignal): Stop {
  const reason = signal.reason === undefined ? 'the signal aborted' : describeThrown(signal.reason).message;
  return { status: 'cancelled', reason, stage: undefined, error: undefined, signalReason: signal.reason };
}

/** @throws SF_OPTION_INVALID */
export function checkOptions(options: PipelinePolicy): void {
  const { failureMode, maxConcurrency, deadlineMs, graceMs, cleanupMs } = options;
  if (
    failureMode === undefined &&
    maxConcurrency === undefined &&
    deadlineMs === undefined &&
    graceMs === undefined &&
    cleanupMs === undefined
  )
    return;
  const [broken] = brokenRules(policyRules(options));
  if (broken !== undefined) throw new StageflowError('SF_OPTION_INVALID', broken);
}

function provideServices(plan: Plan, services: unknown, state: RunState): void {
  const given = Object(services ?? {}) as Record<string, unknown>;
  const missing = plan.services.filter((name) => !Object.hasOwn(given, name) || given[name] === undefined);
  if (missing.length > 0) throw new StageflowError('SF_SERVICE_MISSING', { services: missing }, { pipeline: plan.name });
  const first = plan.stages.length + plan.inputs.length;
  for (const [at, name] of plan.services.entries()) state.slots[first + at] = given[name];
}

/** Puts the inputs in their slots; says of all that are invalid. A promise only where a schema answers with one. */
function readInputs(plan: Plan, input: unknown, state: RunState): Promise<void> | undefined {
  const given = Object(input ?? {}) as Record<string, unknown>;
  const invalid: { readonly input: string; readonly issues: readonly string[] }[] = [];
  let pending: Promise<void>[] | undefined;
  for (const [at, { name, schema }] of plan.inputs.entries()) {
    const slot = plan.stages.length + at;
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (schema === undefined) {
      state.slots[slot] = value;
      continue;
    }
    const keep = (result: SchemaResult<unknown>): void => {
      if (result.issues === undefined) state.slots[slot] = result.value;
      else invalid.push({ input: name, issues: [...issueLines(result.issues), `received ${describeReceived(value)}`] });
    };
    const result = validate(schema, value);
    if (!(result instanceof Promise)) keep(result);
    else {
      pending ??= [];
      pending.push(result.then(keep));
    }
  }
  const report = (): void => {
    if (invalid.length > 0) throw new StageflowError('SF_INPUT_INVALID', { inputs: invalid }, { pipeline: plan.name });
  };
  if (pending !== undefined) return Promise.all(pending).then(report);
  report();
  return undefined;
}
