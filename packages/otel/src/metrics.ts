import { type Attributes, type Counter, type Gauge, type Histogram, type Meter, metrics, type UpDownCounter } from '@opentelemetry/api';
import type { CustomEvent, EventOf, RunEvent, Runtime } from '@stageflow/core';
import { attribute, metric } from './attributes.ts';
import { withoutKeys } from './stage-path.ts';

/** Bounds of buckets, in seconds: from a lookup to an agent that works for minutes. */
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

interface Instruments {
  readonly runDuration: Histogram;
  readonly activeRuns: UpDownCounter;
  readonly stageDuration: Histogram;
  readonly queueTime: Histogram;
  readonly retries: Counter;
  readonly breakerState: Gauge;
}

function instrumentsOf(meter: Meter): Instruments {
  const time = (description: string) => ({ unit: 's', description, advice: { explicitBucketBoundaries: seconds } });
  return {
    runDuration: meter.createHistogram(metric.runDuration, time('How long runs took.')),
    activeRuns: meter.createUpDownCounter(metric.activeRuns, { unit: '{run}', description: 'Runs that are under way.' }),
    stageDuration: meter.createHistogram(metric.stageDuration, time('How long stages took that ended by themselves.')),
    queueTime: meter.createHistogram(metric.queueTime, time('How long stages that started were ready and waited for a slot.')),
    retries: meter.createCounter(metric.retries, { unit: '{attempt}', description: 'Attempts that failed and were followed by another.' }),
    breakerState: meter.createGauge(metric.breakerState, { description: '0 closed, 1 half open, 2 open.' }),
  };
}

const breakerStates: Readonly<Record<string, number>> = { 'breaker.closed': 0, 'breaker.half_opened': 1, 'breaker.opened': 2 };

/**
 * Metrics from events. Attributes are names of pipelines and stages, kinds, statuses and codes: as many as the code has, never
 * an id, and no key of an item.
 */
export class RunMetrics {
  readonly #given: Meter | undefined;
  #made: Instruments | undefined;
  /** Runs whose start was counted. */
  readonly #active = new Set<string>();

  constructor(meter: Meter | undefined) {
    this.#given = meter;
  }

  record(event: RunEvent): void {
    switch (event.type) {
      case 'run.created':
        this.#active.add(event.runId);
        return this.#instruments.activeRuns.add(1, { [attribute.pipeline]: event.pipeline });
      case 'run.completed':
      case 'run.failed':
      case 'run.blocked':
      case 'run.cancelled':
      case 'run.suspended':
        return this.#runEnded(event);
      case 'stage.started':
        return this.#instruments.queueTime.record(event.queuedMs / 1000, ofStage(event));
      case 'stage.completed':
      case 'stage.failed':
      case 'stage.blocked':
        return this.#stageEnded(event);
      case 'attempt.failed':
        if (event.retryInMs === undefined) return;
        return this.#instruments.retries.add(1, { ...ofStage(event), [attribute.errorType]: event.error.code });
      case 'custom':
        return this.#breaker(event);
      default:
    }
  }

  /** Reads the counters of the sinks of a runtime each time metrics are collected. Gives what ends that. */
  watch(runtime: Pick<Runtime, 'sinks'>): () => void {
    const counters = (['dropped', 'failed'] as const).map((what) => {
      const name = what === 'dropped' ? metric.droppedEvents : metric.failedEvents;
      const description = what === 'dropped' ? 'Events that a sink was too slow for.' : 'Events that a sink threw at.';
      const counter = this.#meter.createObservableCounter(name, { unit: '{event}', description });
      const observe: Parameters<typeof counter.addCallback>[0] = (result) => {
        for (const [sink, counts] of Object.entries(runtime.sinks)) result.observe(counts[what], { [attribute.sink]: sink });
      };
      counter.addCallback(observe);
      return () => counter.removeCallback(observe);
    });
    return () => {
      for (const stop of counters) stop();
    };
  }

  /** Made when first needed: what is made before the host has registered its SDK measures nothing for ever. */
  get #instruments(): Instruments {
    this.#made ??= instrumentsOf(this.#meter);
    return this.#made;
  }

  get #meter(): Meter {
    return this.#given ?? metrics.getMeter('@stageflow/otel');
  }

  #runEnded(event: EventOf<'run.completed' | 'run.failed' | 'run.blocked' | 'run.cancelled' | 'run.suspended'>): void {
    const { runId, pipeline, durationMs, type } = event;
    if (this.#active.delete(runId)) this.#instruments.activeRuns.add(-1, { [attribute.pipeline]: pipeline });
    const attributes: Attributes = { [attribute.pipeline]: pipeline, [attribute.status]: type.slice('run.'.length) };
    if (type === 'run.failed') attributes[attribute.errorType] = event.error.code;
    this.#instruments.runDuration.record(durationMs / 1000, attributes);
  }

  #stageEnded(event: EventOf<'stage.completed' | 'stage.failed' | 'stage.blocked'>): void {
    if (event.attempt === 0) return;
    const { kind, durationMs, type } = event;
    const attributes: Attributes = { ...ofStage(event), [attribute.kind]: kind, [attribute.status]: type.slice('stage.'.length) };
    if (type === 'stage.failed') attributes[attribute.errorType] = event.error.code;
    this.#instruments.stageDuration.record(durationMs / 1000, attributes);
  }

  #breaker({ name, payload, stage }: CustomEvent): void {
    const state = Object.hasOwn(breakerStates, name) ? breakerStates[name] : undefined;
    if (state === undefined) return;
    const breaker = (Object(payload) as { readonly breaker?: unknown }).breaker;
    this.#instruments.breakerState.record(state, { [attribute.breaker]: typeof breaker === 'string' ? breaker : stage });
  }
}

function ofStage({ pipeline, path }: { readonly pipeline: string; readonly path: string }): Attributes {
  return { [attribute.pipeline]: pipeline, [attribute.stage]: withoutKeys(path) };
}
