import { type Context, context, isValidSpanId, isValidTraceId, TraceFlags, trace } from '@opentelemetry/api';
import type { RunIdentity } from '@stageflow/core';
import type { RunTrace } from './run-trace.ts';

/**
 * The context in which the span of a run starts: of the run above, of the trace that the identity names, or of the active
 * span. The run above gives way to an identity of another trace. Where the active span is of the same trace it is the nearer
 * parent.
 *
 * @param above - The run that this one was started below, where it is traced here.
 */
export function parentOf({ traceId, spanId }: RunIdentity, above: RunTrace | undefined): Context {
  const active = context.active();
  const ambient = trace.getSpanContext(active)?.traceId;
  const named = traceId !== undefined && isValidTraceId(traceId) ? traceId : undefined;
  if (above !== undefined && (named === undefined || named === above.ids.traceId)) {
    return ambient === above.ids.traceId ? active : above.context;
  }
  if (named === undefined || ambient === named) return active;
  const parent = spanId !== undefined && isValidSpanId(spanId) ? spanId : standInFor(named);
  return trace.setSpanContext(active, { traceId: named, spanId: parent, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

/** A trace is joined below one of its spans. Where none is known, one that nobody has seen stands in for it. */
function standInFor(traceId: string): string {
  const id = traceId.slice(-16);
  return isValidSpanId(id) ? id : traceId.slice(0, 16);
}
