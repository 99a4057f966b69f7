import { type Context, context, isValidSpanId, isValidTraceId, TraceFlags, trace } from '@opentelemetry/api';
import type { RunIdentity } from '@stageflow/core';
import type { RunTrace } from './run-trace.ts';

/**
 * The context in which the span of a run starts. The first that there is: the span of the run above, the trace that the
 * identity of the run names, the active span. Where the active span is of the same trace it is the nearer parent.
 *
 * @param above - The run that this one was started below, where it is traced here.
 */
export function parentOf({ traceId, spanId }: RunIdentity, above: RunTrace | undefined): Context {
  const active = context.active();
  const ambient = trace.getSpanContext(active)?.traceId;
  if (above !== undefined) return ambient === above.ids.traceId ? active : above.context;
  if (traceId === undefined || ambient === traceId || !isValidTraceId(traceId)) return active;
  const parent = spanId !== undefined && isValidSpanId(spanId) ? spanId : standInFor(traceId);
  return trace.setSpanContext(active, { traceId, spanId: parent, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

/** A trace is joined below one of its spans. Where none is known, one that nobody has seen stands in for it. */
function standInFor(traceId: string): string {
  const id = traceId.slice(-16);
  return isValidSpanId(id) ? id : traceId.slice(0, 16);
}
