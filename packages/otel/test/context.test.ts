import { createRuntime, type Pipeline, pipeline, type RunIdentity, type RunOptions, stage } from '@stageflow/core';
import { openTelemetry, type Telemetry } from '@stageflow/otel';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { AlwaysOffSampler, context, ParentBasedSampler, propagation, startSdk, trace } from '@stageflow-internal/otel-sdk-3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const theirs = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const traceparent = `00-${theirs.traceId}-${theirs.spanId}-01`;

let sdk: ReturnType<typeof startSdk>;
let telemetry: Telemetry;
beforeEach(() => {
  sdk = startSdk();
  telemetry = openTelemetry();
});
afterEach(() => sdk.stop());

/** A pipeline of one stage that does something with its context. */
function of(
  run: (context: { readonly identity: RunIdentity; readonly path: string }) => unknown,
): Pipeline<never, { readonly one: unknown }> {
  return pipeline('p', { outputs: { one: stage('one', { run: (_, context): unknown => run(context) }) } });
}

const options = (more: RunOptions = {}): RunOptions => ({ interceptors: [telemetry], sinks: [telemetry], ...more });
const runSpan = () => sdk.spans().find(({ name }) => name === 'invoke_workflow p');
const parentOfRun = () => [runSpan()?.spanContext().traceId, runSpan()?.parentSpanContext?.spanId];

describe('the parent of a run', () => {
  test('is the active span', async () => {
    const request = trace.getTracer('http').startSpan('POST /chat');
    await context.with(trace.setSpan(context.active(), request), () => of(() => 1).run({}, options()));
    expect(parentOfRun()).toEqual([request.spanContext().traceId, request.spanContext().spanId]);
  });

  test('is the span that its identity names, whatever is active', async () => {
    const other = trace.getTracer('http').startSpan('POST /chat');
    await context.with(trace.setSpan(context.active(), other), () => of(() => 1).run({}, options(theirs)));
    expect(parentOfRun()).toEqual([theirs.traceId, theirs.spanId]);
  });

  test('is the active span where that belongs to the trace of its identity', async () => {
    const request = trace.getTracer('http').startSpan('POST /chat');
    const { traceId, spanId } = request.spanContext();
    await context.with(trace.setSpan(context.active(), request), () => of(() => 1).run({}, options({ traceId, spanId: theirs.spanId })));
    expect(parentOfRun()).toEqual([traceId, spanId]);
  });

  test('is a stand-in where its identity names a trace without a span, so that spans and events are of one trace', async () => {
    const sink = recordingSink();
    await of(() => 1).run({}, options({ traceId: theirs.traceId, sinks: [sink] }));
    expect(parentOfRun()).toEqual([theirs.traceId, '8448eb211c80319c']);
    expect(sink.events.map(({ traceId }) => traceId)).toContain(theirs.traceId);
    await of(() => 1).run({}, options({ traceId: `${'1'.repeat(16)}${'0'.repeat(16)}` }));
    expect(sdk.spans().at(-1)?.parentSpanContext?.spanId).toBe('1'.repeat(16));
  });

  test.each(['', 'xyz', '0'.repeat(32), 'A'.repeat(31)])('is none where its identity names no trace: %o', async (traceId) => {
    await of(() => 1).run({}, options({ traceId, spanId: theirs.spanId }));
    expect(runSpan()?.parentSpanContext).toBeUndefined();
    expect(runSpan()?.spanContext().traceId).toMatch(/^[\da-f]{32}$/);
  });
});

describe('a run below another', () => {
  /** A run named `above` is under way; a second one is started with an identity. */
  const below = async (identity: RunOptions, ofAbove: RunOptions = {}) => {
    const clock = virtualClock();
    const slow = pipeline('slow', { outputs: { one: stage('one', { run: () => clock.sleep(10) }) } });
    const above = slow.run({}, options({ ...ofAbove, clock, runId: 'above' }));
    await clock.advance(5);
    await clock.settle(of(() => 1).run({}, options({ ...identity, clock, parentRunId: 'above' })));
    await clock.settle(above);
    const span = sdk
      .spans()
      .find(({ name }) => name === 'invoke_workflow slow')
      ?.spanContext();
    return [span?.traceId, span?.spanId];
  };

  test('is below its span, in one trace', async () => {
    expect(await below({})).toEqual(parentOfRun());
    expect(await below({ traceId: 'none' })).toEqual(parentOfRun());
  });

  test('is so where both have the identity of one request', async () => {
    expect(await below(theirs, theirs)).toEqual(parentOfRun());
  });

  test('is in the trace of its own identity where that is another', async () => {
    await below(theirs);
    expect(parentOfRun()).toEqual([theirs.traceId, theirs.spanId]);
  });
});

describe('incoming()', () => {
  test('starts a run in the trace of a request, and tells events of it', async () => {
    const sink = recordingSink();
    const run = await telemetry.incoming({ traceparent, tracestate: 'vendor=1', 'x-correlation-id': 'c-1' }, (identity) =>
      of(() => 1).run({}, options({ ...identity, sinks: [sink] })),
    );
    expect(run.identity).toMatchObject({ ...theirs, correlationId: 'c-1' });
    expect(sink.events.every(({ traceId }) => traceId === theirs.traceId)).toBe(true);
    expect(parentOfRun()).toEqual([theirs.traceId, theirs.spanId]);
    expect(runSpan()?.spanContext().traceState?.serialize()).toBe('vendor=1');
    expect(runSpan()?.attributes['stageflow.correlation_id']).toBe('c-1');
  });

  test('hands baggage on to stages, across what they wait for', async () => {
    const clock = virtualClock();
    const of2 = pipeline('p', {
      outputs: {
        one: stage('one', {
          run: async () => {
            await clock.sleep(5);
            return propagation.getActiveBaggage()?.getEntry('tier')?.value;
          },
        }),
      },
    });
    const headers = { traceparent, baggage: 'tier=gold' };
    const run = await clock.settle(telemetry.incoming(headers, (identity) => of2.run({}, options({ ...identity, clock }))));
    expect(run.outputs).toEqual({ one: 'gold' });
  });

  test.each([
    ['a plain object, whatever the case', { TraceParent: traceparent }],
    ['headers of the web', new Headers({ traceparent })],
    ['a list of one', { traceparent: [traceparent] }],
  ])('reads %s', (_, headers) => {
    expect(telemetry.incoming(headers, (identity) => identity)).toEqual(theirs);
  });

  test('keeps a server span that stands in the trace of the request', () => {
    const server = trace.getTracer('http').startSpan('POST', {}, propagation.extract(context.active(), { traceparent }));
    const identity = context.with(trace.setSpan(context.active(), server), () => telemetry.incoming({ traceparent }, (given) => given));
    expect(identity).toEqual({ traceId: theirs.traceId, spanId: server.spanContext().spanId });
  });

  test('takes the active span where the request belongs to no trace', () => {
    const server = trace.getTracer('http').startSpan('POST');
    const { traceId, spanId } = server.spanContext();
    const identity = context.with(trace.setSpan(context.active(), server), () => telemetry.incoming({}, (given) => given));
    expect(identity).toEqual({ traceId, spanId });
  });

  test.each([
    ['nonsense', { traceparent: 'nonsense', 'x-correlation-id': '' }],
    ['two parents', { traceparent: [traceparent, traceparent] }],
    ['a line break', { 'x-correlation-id': 'a\r\nset-cookie: b' }],
    ['an id as long as a book', { 'x-correlation-id': 'a'.repeat(257), 'x-pipeline-run-id': undefined }],
    ['a prototype', JSON.parse('{"__proto__": {"traceparent": "x"}}')],
  ])('reads nothing from %s', (_, headers) => {
    expect(telemetry.incoming(headers, (identity) => identity)).toEqual({});
  });

  test('hands all headers to a propagator of the host, by lower-case names', () => {
    let seen: string[] = [];
    const own = openTelemetry({
      propagator: {
        extract: (at, carrier, getter) => {
          seen = getter?.keys(carrier) ?? [];
          return at;
        },
        inject: (_, carrier, setter) => setter?.set(carrier, 'b3', '0'),
      },
    });
    own.incoming(new Headers({ B3: '1', Accept: '*/*' }), () => 1);
    expect([seen, own.outgoing()]).toEqual([['accept', 'b3'], { b3: '0' }]);
  });

  test('gives what it starts, and throws what that throws, once', () => {
    let calls = 0;
    const start = (): never => {
      calls++;
      throw new Error('no such pipeline');
    };
    expect(() => telemetry.incoming({ traceparent }, start)).toThrow('no such pipeline');
    expect(calls).toBe(1);
  });
});

describe('outgoing()', () => {
  test('carries the attempt of the stage on, with the ids of correlation and run', async () => {
    const run = await of((context) => telemetry.outgoing(context)).run({}, options({ runId: 'r-1', correlationId: 'c-1' }));
    const attempt = sdk.spans().find(({ name }) => name === 'attempt one');
    const { traceId, spanId } = attempt?.spanContext() ?? theirs;
    expect(run.outputs).toEqual({
      one: { traceparent: `00-${traceId}-${spanId}-01`, 'x-correlation-id': 'c-1', 'x-pipeline-run-id': 'r-1' },
    });
  });

  test('carries a span of the stage on where one is active', async () => {
    const own = (): string => {
      const span = trace.getTracer('own').startSpan('own');
      return context.with(trace.setSpan(context.active(), span), () => telemetry.outgoing()['traceparent'] ?? '');
    };
    const run = await of((stageContext) => {
      const span = trace.getTracer('own').startSpan('own');
      const near = context.with(trace.setSpan(context.active(), span), () => telemetry.outgoing(stageContext)['traceparent']);
      return [near?.includes(span.spanContext().spanId), own().length > 0];
    }).run({}, options());
    expect(run.outputs).toEqual({ one: [true, true] });
  });

  test('carries the stage on from where no context reaches', async () => {
    const seen: (string | undefined)[] = [];
    await of((stageContext) => {
      seen.push(context.with(propagation.extract(context.active(), {}), () => telemetry.outgoing(stageContext)['traceparent']));
      seen.push(
        trace.getTracer('x') && context.with(trace.deleteSpan(context.active()), () => telemetry.outgoing(stageContext)['traceparent']),
      );
      return 1;
    }).run({}, options());
    expect(seen[1]).toBe(seen[0]);
    expect(seen[0]).toContain(
      sdk
        .spans()
        .find(({ name }) => name === 'attempt one')
        ?.spanContext().spanId,
    );
  });

  test('leaves out ids that cannot stand in a header', async () => {
    const run = await of((context) => telemetry.outgoing(context)).run({}, options({ runId: 'r\r\nx: y', correlationId: 'ä' }));
    expect(Object.keys(Object(run.outputs.one))).toEqual(['traceparent']);
  });

  test('outside of a run gives what is active, which may be nothing', () => {
    expect(telemetry.outgoing()).toEqual({});
  });

  test('gives, read by another service, the same trace and correlation', async () => {
    const run = await of((context) => telemetry.outgoing(context)).run({}, options({ runId: 'r-1', correlationId: 'c-1', ...theirs }));
    const headers = run.outputs.one as Readonly<Record<string, string>>;
    expect(telemetry.incoming(headers, (identity) => identity)).toEqual({
      traceId: theirs.traceId,
      spanId: headers['traceparent']?.split('-')[2],
      correlationId: 'c-1',
      parentRunId: 'r-1',
    });
  });
});

describe('a run that is not sampled', () => {
  test('makes no spans below its own, and tells those it calls', async () => {
    await sdk.stop();
    sdk = startSdk({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) });
    telemetry = openTelemetry();
    const run = await of((context) => telemetry.outgoing(context)['traceparent']).run({}, options());
    expect(sdk.spans()).toEqual([]);
    expect(run.outputs.one).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
  });

  test('is sampled where the request says so', async () => {
    await sdk.stop();
    sdk = startSdk({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) });
    telemetry = openTelemetry();
    await telemetry.incoming({ traceparent }, (identity) => of(() => 1).run({}, options(identity)));
    expect(sdk.spans()).toHaveLength(3);
  });
});

test('runs at once, of one id and one runtime, do not mix their spans', async () => {
  const clock = virtualClock();
  const slow = pipeline('p', { outputs: { one: stage('one', { run: () => clock.sleep(10) }) } });
  const runtime = createRuntime({ pipelines: [slow], clock, interceptors: [telemetry], sinks: [telemetry] });
  const first = runtime.run(slow, {}, { runId: 'same' });
  await clock.advance(5);
  await clock.settle(Promise.all([first, runtime.run(slow, {}, { runId: 'same' })]));
  const traces = new Map<string, unknown[]>();
  for (const span of sdk.spans()) {
    const { traceId } = span.spanContext();
    traces.set(traceId, [...(traces.get(traceId) ?? []), span.attributes['stageflow.status']]);
  }
  expect([...traces.values()]).toEqual([
    ['completed', 'completed', 'completed'],
    ['completed', 'completed', 'completed'],
  ]);
});
