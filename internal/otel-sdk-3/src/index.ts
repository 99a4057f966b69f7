import { context, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

export { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
export { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
export { AlwaysOffSampler, BatchSpanProcessor, ParentBasedSampler } from '@opentelemetry/sdk-trace';
/** The API of this line, as the host and its instrumentations see it. */
export { context, diag, metrics, propagation, trace };

interface SdkOptions {
  readonly sampler?: Sampler;
  readonly processors?: SpanProcessor[];
  readonly readers?: PeriodicExportingMetricReader[];
}

/** Registers the 3.x line of the SDK, with what it was given kept in memory. */
export function startSdk({ sampler, processors = [], readers = [] }: SdkOptions = {}) {
  const spans = new InMemorySpanExporter();
  const provider = new TracerProvider({
    ...(sampler !== undefined && { sampler }),
    spanProcessors: [new SimpleSpanProcessor({ exporter: spans }), ...processors],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const meters = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 }), ...readers],
  });
  metrics.setGlobalMeterProvider(meters);
  return {
    /** Those that have ended, in that order. */
    spans: (): readonly ReadableSpan[] => spans.getFinishedSpans(),
    /** What has been measured, by the name of the instrument. */
    async metrics() {
      await meters.forceFlush();
      const [latest] = exporter.getMetrics().slice(-1);
      const all = (latest?.scopeMetrics ?? []).flatMap((scope) => scope.metrics);
      return Object.fromEntries(all.map((metric) => [metric.descriptor.name, metric]));
    },
    /** Sends on what was kept back. */
    async flush(): Promise<void> {
      await Promise.all([provider.forceFlush(), meters.forceFlush()]);
    },
    async stop(): Promise<void> {
      await Promise.all([provider.shutdown(), meters.shutdown()]);
      for (const api of [trace, context, propagation, metrics, diag]) api.disable();
    },
  };
}
