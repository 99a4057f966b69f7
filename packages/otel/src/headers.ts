import {
  type Context,
  context,
  defaultTextMapSetter,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import type { IdentityOptions, RunIdentity } from '@stageflow/core';

/** Headers of a request: those of `node:http`, of a web `Request`, or an object by name. */
export type IncomingHeaders = Readonly<Record<string, string | readonly string[] | undefined>> | Iterable<readonly [string, string]>;

/** What reads trace context from headers and writes it: a propagator, or the `propagation` of the API. */
export type Propagator = Pick<TextMapPropagator, 'inject' | 'extract'>;

/** The header of the correlation id. */
const correlationHeader = 'x-correlation-id';
/** The header of the run that made the request. */
const runHeader = 'x-pipeline-run-id';

const getter: TextMapGetter<ReadonlyMap<string, string>> = {
  get: (carrier, name) => carrier.get(name.toLowerCase()),
  keys: (carrier) => [...carrier.keys()],
};

/** What a request says about the trace it belongs to. */
export interface Received {
  /** The context to run in. */
  readonly context: Context;
  readonly identity: IdentityOptions;
}

/**
 * Reads W3C trace context and baggage, and the ids of correlation and run. Where the active span is of the same trace it
 * stands nearer than the sender's, and stays the parent: instrumentation of the server has read the headers already.
 */
export function received(headers: IncomingHeaders, propagator: Propagator = propagation): Received {
  const carrier = byLowerCase(headers);
  const active = context.active();
  const extracted = propagator.extract(active, carrier, getter);
  const [ambient, remote] = [trace.getSpanContext(active), trace.getSpanContext(extracted)];
  const parent = ambient !== undefined && ambient.traceId === remote?.traceId ? active : extracted;
  const ids = trace.getSpanContext(parent);
  const identity: Record<string, string> = {};
  const set = (name: keyof IdentityOptions, value: string | undefined): void => {
    if (value !== undefined && isHeaderValue(value)) identity[name] = value;
  };
  set('traceId', ids?.traceId);
  set('spanId', ids?.spanId);
  set('correlationId', carrier.get(correlationHeader));
  set('parentRunId', carrier.get(runHeader));
  return { context: parent, identity };
}

/** The headers that carry a context on, and the ids of the run that does. */
export function headersOf(from: Context, identity: RunIdentity | undefined, propagator: Propagator = propagation): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(from, headers, defaultTextMapSetter);
  const { correlationId, runId } = identity ?? {};
  if (correlationId !== undefined && isHeaderValue(correlationId)) headers[correlationHeader] = correlationId;
  if (runId !== undefined && isHeaderValue(runId)) headers[runHeader] = runId;
  return headers;
}

function byLowerCase(headers: IncomingHeaders): ReadonlyMap<string, string> {
  const carrier = new Map<string, string>();
  for (const [name, value] of isIterable(headers) ? headers : Object.entries(headers)) {
    if (value !== undefined) carrier.set(name.toLowerCase(), typeof value === 'string' ? value : value.join(','));
  }
  return carrier;
}

function isIterable(headers: IncomingHeaders): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}

/** Whether an id can stand in a header, and is no load of something else. */
function isHeaderValue(value: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(value);
}
