import { context, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';

/** The API of this line, as the host and its instrumentations see it. */
export { context, diag, metrics, propagation, trace };

/** Registers the 2.x line of the SDK, with what it was given kept in memory. */
export function startSdk({ sampler, processors = [] }: { readonly sampler?: Sampler; readonly processors?: SpanProcessor[] } = {}) {
  const spans = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({
    ...(sampler !== undefined && { sampler }),
    spanProcessors: [new SimpleSpanProcessor(spans), ...processors],
  });
  provider.register();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })] });
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
    async stop(): Promise<void> {
      await Promise.all([provider.shutdown(), meters.shutdown()]);
      for (const api of [trace, context, propagation, metrics, diag]) api.disable();
    },
  };
}
