import { decode, type Encoded } from '../durable/codec.ts';
import { plainError } from '../durable/error-json.ts';
import { fingerprint } from '../durable/fingerprint.ts';
import { describeThrown, type ErrorLocation, isStageflowError, StageflowError } from '../errors.ts';
import type { FailedAttempt } from '../execution/attempt-end.ts';
import { askedDelayMs } from '../execution/retry-delay.ts';
import { RunState } from '../execution/run-state.ts';
import { Scheduler } from '../execution/scheduler.ts';
import type { Stop } from '../execution/stop.ts';
import { systemClock } from '../execution/system-clock.ts';
import type { DraftStage } from '../plan/draft.ts';
import { compile, type Plan, type PlannedStage } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConfigProvider } from '../ports/config-provider.ts';
import type { StepFacts, StepOutcome, StepRequest } from '../ports/driver.ts';
import type { Run } from '../run.ts';
import { StepJournal } from './step-journal.ts';

/** What the place where a stage runs provides. */
export interface StepHost {
  /** Aborts when the step is not wanted any more. */
  readonly signal: AbortSignal;
  /** By name. @default none */
  readonly services?: Readonly<Record<string, unknown>> | undefined;
  readonly config?: ConfigProvider | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
  /** What `context.random()` draws, in [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
  /** How long an aborted attempt may take to settle, where the stage does not say; milliseconds. @default 5_000 */
  readonly graceMs?: number | undefined;
  /** Budget of its cleanups together, which run when the attempt has ended; milliseconds. @default 10_000 */
  readonly cleanupMs?: number | undefined;
  /** How deep `context.call` may nest, an integer >= 1. @default 5 */
  readonly maxCallDepth?: number | undefined;
}

/**
 * Runs one attempt of one stage, as its request says: limits, function, contract, verdict. What may follow, another
 * attempt, is for whoever walks the plan to decide. Does not reject.
 *
 * What the stage calls with `context.call` runs within the step. It is not called again in a later entry or attempt
 * where it came to its end, and yielded what can be kept; until then a step that is lost does all of it again.
 *
 * @param plan - Of the pipeline the request names.
 * @example
 * ```ts
 * const outcome = await runStep(chat.plan, request, { signal, services: { model } });
 * ```
 */
export async function runStep(plan: Plan, request: StepRequest, host: StepHost): Promise<StepOutcome> {
  const clock = host.clock ?? systemClock();
  const startedMono = clock.monotonic();
  const facts = (unsettled: boolean): StepFacts => ({ endedAt: clock.now(), activeMs: clock.monotonic() - startedMono, unsettled });
  try {
    const found = stageAt(plan, request);
    const step = new Step(found, request, host, clock);
    return { ...(await step.run()), ...facts(step.isUnsettled) };
  } catch (thrown) {
    const error = isStageflowError(thrown) ? thrown : refusal(request, describeThrown(thrown).message, thrown);
    return { status: 'failed', error: plainError(error), retry: false, calls: {}, ...facts(false) };
  }
}

interface Found {
  readonly plan: Plan;
  readonly stage: PlannedStage;
}

/** @throws SF_STEP_REFUSED where this version of the pipeline has no such stage. */
function stageAt(plan: Plan, request: StepRequest): Found {
  let scope: Plan | undefined = plan;
  let stage: PlannedStage | undefined;
  for (const [depth, name] of request.address.entries()) {
    if (depth > 0) scope = stage?.region?.body;
    stage = scope?.stages[scope.indexByName.get(name) ?? -1];
  }
  if (scope === undefined || stage === undefined) throw refusal(request, 'the pipeline has no such stage');
  if (fingerprint(scope, stage) !== request.fingerprint) throw refusal(request, 'the stage has changed');
  return { plan: scope, stage };
}

/** A request that cannot be read may lack anything. */
function locationOf({ pipeline, identity, path, attempt }: Partial<StepRequest>): ErrorLocation {
  return { pipeline, runId: identity?.runId, path, attempt };
}

function refusal(request: StepRequest, why: string, cause?: unknown): StageflowError {
  return new StageflowError(
    'SF_STEP_REFUSED',
    { path: request.path, why },
    { ...locationOf(request), ...(cause === undefined ? {} : { cause }) },
  );
}

type Outcome = StepOutcome extends infer O ? (O extends StepOutcome ? Omit<O, keyof StepFacts> : never) : never;

/** A run of nothing but one attempt. */
class Step {
  readonly #stage: PlannedStage;
  readonly #request: StepRequest;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #journal: StepJournal;
  readonly #state: RunState;
  readonly #scheduler: Scheduler;
  #failed: Extract<Outcome, { readonly status: 'failed' }> | undefined = undefined;

  /** @throws SF_STEP_REFUSED, SF_SERVICE_MISSING */
  constructor({ plan, stage }: Found, request: StepRequest, host: StepHost, clock: Clock) {
    const single = planOf(plan, stage, request.pipeline);
    const { config, random, maxCallDepth = 5, graceMs = 5_000, cleanupMs = 10_000 } = host;
    const extensions = Object.fromEntries(Object.entries(request.extensions).map(([key, value]) => [key, decode(value)]));
    const options = { ...request.identity, config, random, extensions, timings: false };
    const limits = {
      failureMode: 'fail-fast',
      maxConcurrency: Number.POSITIVE_INFINITY,
      deadlineMs: undefined,
      graceMs,
      cleanupMs,
      maxCallDepth,
      undoOn: [],
    } as const;
    this.#stage = stage;
    this.#request = request;
    this.#signal = host.signal;
    this.#clock = clock;
    this.#journal = new StepJournal(request);
    this.#state = new RunState(single, options, clock, request.path.slice(0, request.path.length - stage.name.length));
    for (const name of single.locals)
      this.#state.slots[single.slotOf('local', name) as number] = valueOfNeed(plan, stage, name, request, host);
    this.#scheduler = new Scheduler(this.#state, {
      limits: { ...limits, resources: undefined },
      options,
      clock,
      emitter: undefined,
      startedMono: clock.monotonic(),
      interceptors: undefined,
      journal: this.#journal,
      single: {
        attemptsBefore: request.attempt - 1,
        activeMsBefore: request.spentMs,
        onFailed: (failure, activeMs) => this.#noteFailure(failure, activeMs),
      },
    });
  }

  get isUnsettled(): boolean {
    return (this.#state.notes?.get(0)?.unsettled ?? 0) > 0;
  }

  async run(): Promise<Outcome> {
    const signal = this.#signal;
    const onAbort = (): void => this.#scheduler.root.stop(abortedBy(signal));
    signal.addEventListener('abort', onAbort);
    this.#scheduler.start(signal.aborted ? abortedBy(signal) : undefined);
    const run = await this.#scheduler.result;
    signal.removeEventListener('abort', onAbort);
    return this.#outcome(run);
  }

  /** The classifier sees what was thrown, so it is asked here. */
  #noteFailure(failure: FailedAttempt, activeMs: number): void {
    const askedMs = askedDelayMs(this.#stage, this.#request.attempt, failure, activeMs, () => this.#clock.now());
    const retry = askedMs === undefined ? false : ({ afterMs: Number.isFinite(askedMs) ? Math.max(0, askedMs) : 0 } as const);
    this.#failed = { status: 'failed', error: plainError(failure.error), retry, calls: this.#journal.calls };
  }

  #outcome(run: Run): Outcome {
    const { asked, calls, kept } = this.#journal;
    // Whichever of what it called asked for it, and whatever it made of that itself.
    if (run.status === 'cancelled' && run.cancelledBy !== undefined) return { status: 'cancels the run', reason: run.reason };
    if (this.#failed !== undefined) return this.#failed;
    const outcome = this.#state.outcome(0);
    switch (outcome.status) {
      case 'completed':
        return { status: 'completed', output: kept as NonNullable<typeof kept> };
      case 'skipped':
        return { status: 'skipped', reason: outcome.reason };
      case 'suspended':
        return { status: 'suspended', waits: asked, calls };
      case 'cancelled':
        return { status: 'aborted', reason: outcome.reason };
      case 'failed':
        return { status: 'failed', error: plainError(outcome.error), retry: false, calls };
      case 'blocked': {
        const { error, reason } = outcome;
        if (error === undefined) return { status: 'blocked', reason };
        // What a guard passes on cannot be kept.
        return { status: 'failed', error: plainError(error.cause as StageflowError), retry: false, calls };
      }
    }
  }
}

function abortedBy({ reason: signalReason }: AbortSignal): Stop {
  return { status: 'cancelled', reason: describeThrown(signalReason).message, stage: undefined, error: undefined, signalReason };
}

function valueOfNeed(plan: Plan, stage: PlannedStage, key: string, request: StepRequest, { services = {} }: StepHost): unknown {
  if (Object.hasOwn(request.values, key)) return decode(request.values[key] as Encoded);
  const edge = (plan.draft.stages[stage.index] as DraftStage).needs.find((need) => need.key === key);
  const name = edge?.read === 'service' ? edge.from[0] : undefined;
  if (name === undefined) throw refusal(request, `the request has no value for "${key}"`);
  if (!Object.hasOwn(services, name)) throw new StageflowError('SF_SERVICE_MISSING', { services: [name] }, locationOf(request));
  return services[name];
}

const singles = new WeakMap<PlannedStage, Plan>();

/** The plan of one stage whose values are given and whose failures are left to whoever asked: made once a stage. */
function planOf(plan: Plan, stage: PlannedStage, pipeline: string): Plan {
  const known = singles.get(stage);
  if (known?.name === pipeline) return known;
  const { name, kind, needs, spec } = plan.draft.stages[stage.index] as DraftStage;
  const locals = needs.map(({ key }) => ({ key, read: 'local' as const, from: [key] }));
  const own = { ...spec, when: undefined, retry: undefined, onFailure: undefined, failOpen: undefined };
  const single = compile({
    name: pipeline,
    version: undefined,
    stages: [{ name, kind, needs: locals, after: [], when: undefined, spec: own }],
    outputs: [{ key: 'output', read: 'value', from: [name] }],
    also: [],
    policy: {},
  });
  singles.set(stage, single);
  return single;
}
