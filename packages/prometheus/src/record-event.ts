import type { RunEvent } from '@stageflow/core';
import type { Histogram } from 'prom-client';
import type { BreakerState } from './breaker-circuits.ts';
import type { Instruments } from './instruments.ts';

type Ended = Extract<RunEvent, { readonly durationMs: number; readonly counts: object }>;
type StageEvent = Extract<RunEvent, { readonly stage: string }>;
type StageEnded = Extract<RunEvent, { readonly kind: string; readonly attempt: number }>;

const longestTrace = 64;
const breakerStates: ReadonlyMap<string, BreakerState | undefined> = new Map([
  ['breaker.opened', 'open'],
  ['breaker.half_opened', 'half_open'],
  ['breaker.closed', undefined],
]);

/** Adds one event to what it is a fact about. Other events than these are not counted. */
export function recordEvent(instruments: Instruments, event: RunEvent): void {
  switch (event.type) {
    case 'run.completed':
    case 'run.failed':
    case 'run.blocked':
    case 'run.cancelled':
    case 'run.suspended':
      return recordRun(instruments, event);
    case 'stage.started':
      return observe(instruments, instruments.stageQueue, instruments.labels.ofStage(event), event.queuedMs, event);
    case 'stage.completed':
    case 'stage.skipped':
    case 'stage.failed':
    case 'stage.blocked':
    case 'stage.cancelled':
      return recordStage(instruments, event);
    case 'custom':
      return recordBreaker(instruments, event);
    default:
      if ('stage' in event) recordAttempt(instruments, event);
  }
}

function recordRun(instruments: Instruments, event: Ended): void {
  const run = instruments.labels.ofRun(event);
  const labels = { ...run, status: statusOf(event) };
  instruments.runs.inc(labels);
  if (event.type === 'run.failed') instruments.runFailures.inc({ ...run, code: instruments.labels.ofCode(event.error.code, run) });
  observe(instruments, instruments.runDuration, labels, event.durationMs, event);
}

function recordStage(instruments: Instruments, event: StageEnded): void {
  const stage = instruments.labels.ofStage(event);
  const labels = { ...stage, kind: event.kind, status: statusOf(event) };
  instruments.stages.inc(labels);
  if (event.type === 'stage.failed') instruments.stageFailures.inc({ ...stage, code: instruments.labels.ofCode(event.error.code, stage) });
  // A stage that an interceptor answered for, or that never started, took no time.
  const took = 'durationMs' in event && !('cached' in event) && event.attempt > 0;
  if (took) observe(instruments, instruments.stageDuration, labels, event.durationMs, event);
}

function recordAttempt(instruments: Instruments, event: StageEvent): void {
  const { labels } = instruments;
  if (event.type === 'attempt.failed' && event.retryInMs !== undefined) instruments.retries.inc(labels.ofStage(event));
  else if (event.type === 'attempt.abandoned') instruments.abandoned.inc(labels.ofStage(event));
  else if (event.type === 'attempt.arrived_late') instruments.late.inc(labels.ofStage(event));
  else if (event.type === 'guard.failed_open') instruments.failedOpen.inc(labels.ofStage(event));
}

/** Breakers tell of themselves by events of these names, whose payload says which of its circuits has changed. */
function recordBreaker({ circuits, labels }: Instruments, event: Extract<RunEvent, { readonly type: 'custom' }>): void {
  if (!breakerStates.has(event.name)) return;
  const { breaker, key } = Object(event.payload) as { readonly breaker?: unknown; readonly key?: unknown };
  const name = typeof breaker === 'string' ? breaker : event.stage;
  circuits.tell(labels.ofBreaker(name), typeof key === 'string' ? key : '', breakerStates.get(event.name));
}

function statusOf({ type }: RunEvent): string {
  return type.slice(type.indexOf('.') + 1);
}

/** In seconds, with the trace as an exemplar where the registry has such. */
function observe<L extends string>(
  { factory }: Instruments,
  histogram: Histogram<L>,
  labels: Partial<Record<L, string>>,
  ms: number,
  { traceId }: RunEvent,
): void {
  if (!factory.hasExemplars) return histogram.observe(labels, ms / 1000);
  // Longer than exemplars may be, it is no trace id of W3C.
  if (traceId === undefined || traceId.length > longestTrace) return histogram.observe({ labels, value: ms / 1000 });
  // The types of prom-client know no labels here but those of the metric.
  histogram.observe({ labels, value: ms / 1000, exemplarLabels: { trace_id: traceId } as never });
}
