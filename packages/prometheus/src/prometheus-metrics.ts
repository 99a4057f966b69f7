import { type RunEvent, StageflowError } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { type OpenMetricsContentType, Registry } from 'prom-client';
import { ActiveRuns } from './active-runs.ts';
import { answerFetch, answerNode, type NodeRequest, type NodeResponse } from './exposition.ts';
import { type InstrumentOptions, Instruments } from './instruments.ts';
import type { AnyRegistry } from './metric-factory.ts';
import { recordEvent } from './record-event.ts';
import type { RunLabels } from './run-labels.ts';
import type { WatchedRuntime } from './sink-totals.ts';

/** What {@link prometheusMetrics} takes. */
export interface PrometheusMetricsOptions {
  /**
   * Where the metrics are registered; several may share one. Exemplars are kept where its format is OpenMetrics.
   * @default a registry of its own, in OpenMetrics
   */
  readonly registry?: AnyRegistry | undefined;
  /** What the name of each metric begins with. @default 'stageflow_' */
  readonly prefix?: string | undefined;
  /** Upper bounds of the histograms, in seconds, ascending. @default 5 ms to 5 minutes in 15 steps */
  readonly buckets?: readonly number[] | undefined;
  /**
   * Tenants that metrics about runs tell apart, by a label `tenant`; the others are `other` together. @default no such label
   */
  readonly tenants?: readonly string[] | undefined;
  /** Pipelines that are told apart, an integer >= 1; those that come later are `other` together. @default 100 */
  readonly maxPipelines?: number | undefined;
  /** Stages that are told apart, of all pipelines together, an integer >= 1; those that come later are `other`. @default 1_000 */
  readonly maxStages?: number | undefined;
  /** For people: appears where drops of the sink are announced. @default 'prometheus' */
  readonly name?: string | undefined;
}

/** A sink that counts, and what shows the counts. */
export interface PrometheusMetrics extends EventSink {
  readonly registry: AnyRegistry;
  /** Answers `GET /metrics` for `node:http` and frameworks above it. It looks at no path, and asks nobody who they are. */
  readonly handler: (request: NodeRequest, response: NodeResponse) => void;
  /** The same for servers of the Fetch standard. */
  readonly fetch: (request: { readonly method: string }) => Promise<Response>;
  /**
   * Shows what became of the events given to each sink of a runtime, the drops above all.
   *
   * @returns Stops it: the counts stay, the runtime is let go.
   */
  readonly watch: (runtime: WatchedRuntime) => () => void;
}

const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** The metrics of each registry, by prefix, with what they were made of. */
const known = new WeakMap<AnyRegistry, Map<string, { readonly instruments: Instruments; readonly madeOf: string }>>();

/**
 * Makes Prometheus metrics of the events of runs. The result is a sink: nothing is counted on the path of the stages.
 *
 * @throws SF_OPTION_INVALID for options that cannot be, and where the registry has these metrics already with others.
 * @example
 * ```ts
 * const metrics = prometheusMetrics();
 * const runtime = createRuntime({ pipelines: [chat], sinks: [metrics] });
 * createServer(metrics.handler).listen(9464, '127.0.0.1');
 * ```
 */
export function prometheusMetrics(options: PrometheusMetricsOptions = {}): PrometheusMetrics {
  const { registry = openMetricsRegistry(), name = 'prometheus' } = options;
  const instruments = instrumentsOf(registry, checked(options));
  const runs = new ActiveRuns(instruments.activeRuns);
  const labelsOf = (event: RunEvent): RunLabels => instruments.labels.ofRun(event);
  return {
    name,
    registry,
    emit(event) {
      // It bears the number of the event that comes next, so it is not followed.
      if (event.type === 'events.dropped') return instruments.lost.inc({ sink: event.sink }, event.count);
      if (runs.follow(event, labelsOf)) recordEvent(instruments, event);
    },
    handler: (request, response) => void answerNode(registry, request, response),
    fetch: (request) => answerFetch(registry, request),
    watch: (runtime) => instruments.sinkTotals.watch(runtime),
  };
}

function openMetricsRegistry(): AnyRegistry {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

function instrumentsOf(registry: AnyRegistry, options: InstrumentOptions): Instruments {
  const ofRegistry = known.get(registry) ?? new Map();
  known.set(registry, ofRegistry);
  const madeOf = JSON.stringify(options);
  const existing = ofRegistry.get(options.prefix);
  if (existing?.instruments.factory.isCurrent === true) {
    if (existing.madeOf === madeOf) return existing.instruments;
    throw invalid('registry', `one whose "${options.prefix}" metrics have the same options`, `one made with ${existing.madeOf}`);
  }
  const instruments = new Instruments(registry, options);
  ofRegistry.set(options.prefix, { instruments, madeOf });
  return instruments;
}

function checked(options: PrometheusMetricsOptions): InstrumentOptions {
  const { prefix = 'stageflow_', buckets = defaultBuckets, tenants, maxPipelines = 100, maxStages = 1_000 } = options;
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix))
    throw invalid('prefix', 'letters, digits, "_" and ":", not beginning with a digit', `"${prefix}"`);
  const ascending = buckets.every((bound, at) => Number.isFinite(bound) && bound > (buckets[at - 1] ?? 0));
  if (buckets.length === 0 || !ascending)
    throw invalid('buckets', 'positive numbers, each greater than the one before', JSON.stringify(buckets));
  for (const [option, limit] of Object.entries({ maxPipelines, maxStages })) {
    if (!Number.isInteger(limit) || limit < 1) throw invalid(option, 'an integer >= 1', String(limit));
  }
  return { prefix, buckets, tenants, maxPipelines, maxStages };
}

function invalid(option: string, expected: string, received: string): StageflowError {
  return new StageflowError('SF_OPTION_INVALID', { option, expected, received });
}
