import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** What a host does once, when it starts: says where spans go, and how contexts travel. */
export function startTracing(url: string): { spans(): readonly ReadableSpan[]; stop(): Promise<void> } {
  const kept = new InMemorySpanExporter();
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` });
  const provider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: kept }), new BatchSpanProcessor({ exporter })],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
  return {
    spans: () => kept.getFinishedSpans(),
    /** Sends what is left. */
    stop: () => provider.forceFlush().then(() => provider.shutdown()),
  };
}
