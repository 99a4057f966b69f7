import { describeThrown, StageflowError } from '../errors.ts';
import { createIdentity, type IdentityOptions, uuidv7 } from '../identity.ts';
import type { PipelinePolicy } from '../plan/draft.ts';
import type { Plan } from '../plan/plan.ts';
import { brokenRules, policyRules } from '../plan/policy-problems.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConfigProvider } from '../ports/config-provider.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Run } from '../run.ts';
import { issueLines, type SchemaResult } from '../schema.ts';
import { SinkQueue } from '../sink-queue.ts';
import { Emitter, type EventTarget, summarize } from './emitter.ts';
import { Extensions, type Host } from './host.ts';
import { countOutcomes, resultOf, unsettledStages } from './result.ts';
import { RunState } from './run-state.ts';
import { Scheduler } from './scheduler.ts';
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
  readonly scheduler: Scheduler;
  readonly result: Promise<Run>;
}

const hostClock = systemClock();

/**
 * Starts one run of a plan.
 *
 * @param targets - Take the run's events besides its sinks; given at all, events are numbered from the start.
 * @throws SF_OPTION_INVALID, SF_INPUT_INVALID, SF_SERVICE_MISSING, as a rejection and before anything has run.
 */
export function startRun(plan: Plan, input: unknown, services: unknown, options: RunOptions, targets?: readonly EventTarget[], onState?: (state: RunState) => void): Promise<StartedRun> | StartedRun {
  checkOptions(options);
  const clock = options.clock ?? hostClock;
  const identity = createIdentity(options, options.makeId ?? (() => uuidv7(clock.now())));
  const state = new RunState(plan, identity, options.timings !== false);
  provideServices(plan, services, state);
  onState?.(state);
  const launch = (): StartedRun => launchRun(state, clock, options, targets);
  const pending = readInputs(plan, input, state);
  return pending === undefined ? launch() : pending.then(launch);
}

function launchRun(state: RunState, clock: Clock, options: RunOptions, targets: readonly EventTarget[] | undefined): StartedRun {
  const { plan, identity } = state;
  const all = [...(targets ?? []), ...(options.sinks ?? []).map((sink) => new SinkQueue(sink))];
  const emitter = targets !== undefined || all.length > 0 ? new Emitter(identity, plan.name, clock, all) : undefined;
  const { policy } = plan;
  const limits = {
    failureMode: options.failureMode ?? policy.failureMode ?? 'fail-fast',
    maxConcurrency: options.maxConcurrency ?? policy.maxConcurrency ?? Number.POSITIVE_INFINITY,
    deadlineMs: options.deadlineMs ?? policy.deadlineMs,
    graceMs: options.graceMs ?? policy.graceMs ?? 5_000,
    cleanupMs: options.cleanupMs ?? policy.cleanupMs ?? 10_000,
  } as const;
  const host: Host = {
    clock,
    random: options.random ?? Math.random,
    makeId: options.makeId ?? (() => uuidv7(clock.now())),
    config: options.config,
    extensions: new Extensions(options.extensions),
  };
  let resolve: (run: Run) => void = () => {};
  const result = new Promise<Run>((settle) => {
    resolve = settle;
  });
  const { signal } = options;
  const onAbort = (): void => scheduler.cancel(abortReason(signal?.reason), signal?.reason);
  const scheduler = new Scheduler(plan, state, limits, host, emitter, (ended) => {
    signal?.removeEventListener('abort', onAbort);
    const run = resultOf(ended);
    if (emitter !== undefined) emitter.emit(terminalEvent(run, state));
    resolve(run);
  });
  emitter?.created(plan.stages.length);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  scheduler.start();
  return { scheduler, result };
}

function checkOptions(options: RunOptions): void {
  const [broken] = brokenRules(policyRules(options));
  if (broken !== undefined) throw new StageflowError('SF_OPTION_INVALID', broken);
}

function provideServices(plan: Plan, services: unknown, state: RunState): void {
  if (plan.services.length === 0) return;
  const given = Object(services ?? {}) as Record<string, unknown>;
  const missing = plan.services.filter((name) => !Object.hasOwn(given, name) || given[name] === undefined);
  if (missing.length > 0) throw new StageflowError('SF_SERVICE_MISSING', { services: missing }, { pipeline: plan.name });
  const first = plan.stages.length + plan.inputs.length;
  for (const [at, name] of plan.services.entries()) state.slots[first + at] = given[name];
}

/** Puts the inputs in their slots. A promise only where a schema answers with one. */
function readInputs(plan: Plan, input: unknown, state: RunState): Promise<unknown> | undefined {
  if (plan.inputs.length === 0) return undefined;
  const given = Object(input ?? {}) as Record<string, unknown>;
  let pending: Promise<void>[] | undefined;
  for (const [at, { name, schema }] of plan.inputs.entries()) {
    const slot = plan.stages.length + at;
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (schema === undefined) {
      state.slots[slot] = value;
      continue;
    }
    const keep = (result: SchemaResult<unknown>): void => {
      if (result.issues !== undefined) {
        throw new StageflowError('SF_INPUT_INVALID', { input: name, issues: issueLines(result.issues) }, { pipeline: plan.name });
      }
      state.slots[slot] = result.value;
    };
    const result = schema['~standard'].validate(value);
    if (!(result instanceof Promise)) keep(result);
    else {
      pending ??= [];
      pending.push(result.then(keep));
    }
  }
  return pending && Promise.all(pending);
}

/** What a reason given to `abort()` says, in words. */
function abortReason(reason: unknown): string {
  return reason === undefined ? 'the signal aborted' : describeThrown(reason).message;
}

function terminalEvent(run: Run, state: RunState): Parameters<Emitter['emit']>[0] {
  const fields = { durationMs: state.elapsedMs, counts: countOutcomes(state), unsettled: unsettledStages(state) };
  if (run.status === 'completed') return { type: 'run.completed', ...fields, degraded: run.degraded };
  if (run.status === 'failed') return { type: 'run.failed', ...fields, error: summarize(run.error) };
  if (run.status === 'blocked') return { type: 'run.blocked', ...fields, reason: run.reason, blockedBy: run.blockedBy };
  return { type: 'run.cancelled', ...fields, reason: run.reason };
}

