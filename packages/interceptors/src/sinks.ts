export { exportTimeout, sinkOverflow } from './errors.ts';
export {
  type AnalyticsCounters,
  type AnalyticsSink,
  type AnalyticsSinkOptions,
  analyticsSink,
  type ExportContext,
  type ExportRetry,
} from './sinks/analytics-sink.ts';
export {
  type BatchSink,
  type BufferedSink,
  type BufferedSinkCounters,
  type BufferedSinkOptions,
  bufferedSink,
} from './sinks/buffered-sink.ts';
export { type ConsoleSinkOptions, type ConsoleStream, consoleSink } from './sinks/console-sink.ts';
export type { DeadLetterHandler } from './sinks/dead-letters.ts';
export type { BufferOptions, HighWaterState, OverflowState } from './sinks/event-buffer.ts';
export { type JsonLinesSink, type JsonLinesSinkOptions, jsonLinesSink } from './sinks/json-lines-sink.ts';
export { type ReadJsonLinesOptions, readJsonLines } from './sinks/read-json-lines.ts';
