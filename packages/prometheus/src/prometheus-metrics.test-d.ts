import { createServer } from 'node:http';
import { createRuntime } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { collectDefaultMetrics, type OpenMetricsContentType, Registry, register } from 'prom-client';
import { expectTypeOf, test } from 'vitest';
import { type PrometheusMetrics, prometheusMetrics } from './prometheus-metrics.ts';

test('registries of both formats are taken, that of the host among them', () => {
  expectTypeOf(prometheusMetrics).toBeCallableWith({ registry: register });
  expectTypeOf(prometheusMetrics).toBeCallableWith({ registry: new Registry<OpenMetricsContentType>() });
  // @ts-expect-error: no registry
  prometheusMetrics({ registry: {} });
});

test('the metrics are a sink, their handlers are those of servers, and their registry takes more', () => {
  const metrics = prometheusMetrics();
  expectTypeOf<PrometheusMetrics>().toExtend<EventSink>();
  const runtime = createRuntime({ pipelines: [], sinks: [metrics] });
  expectTypeOf(metrics.watch(runtime)).toEqualTypeOf<() => void>();
  createServer(metrics.handler);
  expectTypeOf(metrics.fetch).toExtend<(request: Request) => Promise<Response>>();
  collectDefaultMetrics({ register: metrics.registry });
});
