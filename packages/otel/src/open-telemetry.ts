import { type Context, context, type Meter, type Tracer, trace } from '@opentelemetry/api';
import type {
  Cached,
  IdentityOptions,
  InterceptedRun,
  InterceptedStage,
  Interceptor,
  Run,
  RunEvent,
  RunIdentity,
  Runtime,
  StageContext,
  StageOutcome,
} from '@stageflow/core';
import { isStageflowError, isTerminal } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { headersOf, type IncomingHeaders, type Propagator, received } from './headers.ts';
import { RunMetrics } from './metrics.ts';
import { parentOf } from './run-parent.ts';
import { type OpenSpan, RunTrace } from './run-trace.ts';
import type { Ending } from './span-end.ts';
import { identityOfRun } from './span-identity.ts';
import { addToTrace } from './trace-events.ts';
import { unharmed } from './unharmed.ts';
import { within } from './within.ts';

/** What {@link openTelemetry} takes. All of it has a default: what the host has registered with the API. */
export interface TelemetryOptions {
  /** Makes spans. @default that of the API's tracer provider, for `@stageflow/otel` */
  readonly tracer?: Tracer | undefined;
  /** Makes instruments. @default that of the API's meter provider when the first run is told of, for `@stageflow/otel` */
  readonly meter?: Meter | undefined;
  /** Reads and writes the headers of a trace. @default that of the API: W3C trace context and baggage, unless the host says otherwise */
  readonly propagator?: Propagator | undefined;
}

/** Traces and metrics of runs: an interceptor and a sink, and the way in and out for headers. */
export interface Telemetry extends Required<Pick<Interceptor, 'name' | 'run' | 'stage' | 'attempt'>>, Pick<EventSink, 'emit'> {
  /**
   * Starts a run in the trace that a request belongs to, with its baggage. `start` is given what the headers say of the
   * identity: `traceId` and `spanId` (so that events have them), `correlationId` and `parentRunId` from `x-correlation-id`
   * and `x-pipeline-run-id`.
   *
   * @example
   * ```ts
   * server.on('request', async (request, response) => {
   *   const run = await telemetry.incoming(request.headers, (identity) => runtime.run(chat, { text }, identity));
   *   response.end(JSON.stringify(run.outputs));
   * });
   * ```
   */
  incoming<T>(headers: IncomingHeaders, start: (identity: IdentityOptions) => T): T;
  /**
   * The headers that carry the trace on: `traceparent`, `tracestate` and `baggage` of the active span, or of the stage where
   * that is another trace; with the ids of correlation and run.
   *
   * @param from - The context of the stage that makes the request.
   * @example
   * ```ts
   * const profile = stage('profile', {
   *   needs: { id },
   *   run: ({ id }, context) => fetch(`https://profiles.example/${id}`, { headers: telemetry.outgoing(context) }),
   * });
   * ```
   */
  outgoing(from?: Pick<StageContext, 'identity' | 'path'>): Record<string, string>;
  /**
   * Measures how many events the sinks of a runtime have lost.
   *
   * @returns What ends the watching.
   */
  watch(runtime: Pick<Runtime, 'sinks'>): () => void;
}

/**
 * Traces and metrics through the API of OpenTelemetry. As an interceptor it makes spans: one for each run, each stage that
 * starts and each of its attempts; put it first, so that it stands around the others. As a sink it measures, and adds to the
 * spans what interceptors do not see: retries, skipped stages, calls of models. Either works without the other.
 *
 * It costs the run nothing but time: what a tracer throws goes to the diagnostics of the API.
 *
 * @example
 * ```ts
 * const telemetry = openTelemetry();
 * const runtime = createRuntime({ pipelines: [chat], interceptors: [telemetry], sinks: [telemetry] });
 * telemetry.watch(runtime);
 * ```
 */
export function openTelemetry(options: TelemetryOptions = {}): Telemetry {
  return new RunTelemetry(options);
}

class RunTelemetry implements Telemetry {
  readonly name = 'opentelemetry';
  readonly #tracer: Tracer;
  readonly #propagator: Propagator | undefined;
  readonly #metrics: RunMetrics;
  /** By the identity of the run, which each activation has one of. */
  readonly #byIdentity = new WeakMap<RunIdentity, RunTrace>();
  /** Those under way, for events. */
  readonly #byId = new Map<string, RunTrace>();

  constructor({ tracer, meter, propagator }: TelemetryOptions) {
    this.#tracer = tracer ?? trace.getTracer('@stageflow/otel');
    this.#propagator = propagator;
    this.#metrics = new RunMetrics(meter);
  }

  async run(run: InterceptedRun, next: () => Promise<Run>): Promise<Run> {
    const traced = unharmed(() => this.#begin(run));
    if (traced === undefined) return next();
    try {
      const ended = await within(traced.context, next);
      this.#end(traced, ended, run.elapsedMs, ended.stages);
      return ended;
    } catch (error) {
      this.#end(traced, { status: 'failed', error: isStageflowError(error) ? error : undefined }, run.elapsedMs);
      throw error;
    }
  }

  stage(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome | Cached> {
    const run = this.#byIdentity.get(stage.identity);
    if (run?.isRecording !== true) return next();
    return around(
      next,
      () => run.startStage(stage),
      (open, outcome) => run.endStage(stage, open, outcome),
    );
  }

  attempt(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome | Cached> {
    const run = this.#byIdentity.get(stage.identity);
    if (run?.isRecording !== true) return run === undefined ? next() : within(run.context, next);
    return around(
      next,
      () => run.startAttempt(stage),
      (open, outcome) => run.endAttempt(stage, open, outcome),
    );
  }

  emit(event: RunEvent): void {
    unharmed(() => this.#metrics.record(event));
    const run = this.#byId.get(event.runId);
    if (run === undefined) return;
    if (run.isRecording) unharmed(() => addToTrace(run, event));
    // Where an interceptor further in hangs, the run ends without us.
    if (event.type === 'run.failed') this.#end(run, { status: 'failed', error: event.error }, event.elapsedMs);
    else if (isTerminal(event)) this.#end(run, { status: 'cancelled' }, event.elapsedMs);
  }

  incoming<T>(headers: IncomingHeaders, start: (identity: IdentityOptions) => T): T {
    const request = unharmed(() => received(headers, this.#propagator));
    return request === undefined ? start({}) : within(request.context, () => start(request.identity));
  }

  outgoing(from?: Pick<StageContext, 'identity' | 'path'>): Record<string, string> {
    return unharmed(() => headersOf(this.#contextOf(from), from?.identity, this.#propagator)) ?? {};
  }

  watch(runtime: Pick<Runtime, 'sinks'>): () => void {
    return this.#metrics.watch(runtime);
  }

  /** The active context, or that of a stage where another trace is active, or none. */
  #contextOf(from: Pick<StageContext, 'identity' | 'path'> | undefined): Context {
    const active = context.active();
    const run = from === undefined ? undefined : this.#byIdentity.get(from.identity);
    return from === undefined || run === undefined || trace.getSpanContext(active)?.traceId === run.ids.traceId
      ? active
      : run.contextAt(from.path);
  }

  #begin(run: InterceptedRun): RunTrace {
    const { identity, runId, elapsedMs } = run;
    const above = identity.parentRunId === undefined ? undefined : this.#byId.get(identity.parentRunId);
    const traced = new RunTrace(this.#tracer, runId, identityOfRun(run), parentOf(identity, above), run.now() - elapsedMs);
    this.#byIdentity.set(identity, traced);
    // Of two runs at once with one id, the events cannot be told apart.
    if (!this.#byId.has(runId)) this.#byId.set(runId, traced);
    return traced;
  }

  #end(run: RunTrace, ending: Ending, elapsedMs: number, reports?: Run['stages']): void {
    unharmed(() => run.end(ending, elapsedMs, reports));
    if (this.#byId.get(run.runId) === run) this.#byId.delete(run.runId);
  }
}

/** Calls `next` with a span around it, or without where none could be made. It does not reject: what failed is an outcome. */
async function around(
  next: () => Promise<StageOutcome>,
  start: () => OpenSpan,
  end: (open: OpenSpan, outcome: StageOutcome) => void,
): Promise<StageOutcome> {
  const open = unharmed(start);
  if (open === undefined) return next();
  const outcome = await within(open.context, next);
  unharmed(() => end(open, outcome));
  return outcome;
}
