export type { NodeRequest, NodeResponse } from './exposition.ts';
export type { AnyRegistry } from './metric-factory.ts';
export { type PrometheusMetrics, type PrometheusMetricsOptions, prometheusMetrics } from './prometheus-metrics.ts';
export type { WatchedRuntime } from './sink-totals.ts';
