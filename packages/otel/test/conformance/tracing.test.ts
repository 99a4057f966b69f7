import { createRuntime, type InterceptedStage, pipeline, type StageOutcome, stage } from '@stageflow/core';
import { openTelemetry } from '@stageflow/otel';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { context, startSdk, trace } from '@stageflow-internal/otel-sdk-3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { metric } from '../../src/attributes.ts';

let sdk: ReturnType<typeof startSdk>;
beforeEach(() => {
  sdk = startSdk();
});
afterEach(() => sdk.stop());

const one = stage('one', { run: (_, { identity }) => [identity.traceId, identity.correlationId] });
const p = pipeline('p', { outputs: { one } });

test('[136] what a span needs to know of its start is kept by the span, not in data that stages share', async () => {
  const telemetry = openTelemetry();
  const seen: string[][] = [];
  const look = {
    name: 'look',
    attempt: (subject: InterceptedStage, next: () => Promise<StageOutcome>) => {
      seen.push(Object.keys(subject.values));
      return next();
    },
  };
  const run = await p.run({}, { interceptors: [telemetry, look] });
  expect([seen, Object.keys(run.outputs)]).toEqual([[[]], ['one']]);
  expect(sdk.spans()).toHaveLength(3);
});

test('[139] child runs are measured beside their parents', async () => {
  const clock = virtualClock();
  const telemetry = openTelemetry();
  const child = pipeline('child', { outputs: { nap: stage('nap', { run: () => clock.sleep(1000) }) } });
  const parent = pipeline('parent', { outputs: { nap: stage('nap', { run: () => clock.sleep(2000) }) } });
  const runtime = createRuntime({ pipelines: [parent, child], clock, sinks: [telemetry] });
  const above = runtime.start(parent, {});
  await clock.settle(runtime.start(child, {}, { parent: above }).result);
  await clock.settle(above.result);
  const { dataPoints = [] } = (await sdk.metrics())[metric.runDuration] ?? {};
  expect(dataPoints.map(({ attributes, value }) => [attributes['stageflow.pipeline'], (value as { sum?: number }).sum])).toEqual([
    ['child', 1],
    ['parent', 2],
  ]);
});

test('[184] the trace and correlation ids of the moment are those of the run, in stages and in events', async () => {
  const sink = recordingSink();
  const telemetry = openTelemetry();
  const request = trace.getTracer('http').startSpan('POST');
  const { traceId } = request.spanContext();
  const run = await context.with(trace.setSpan(context.active(), request), () =>
    telemetry.incoming({ 'x-correlation-id': 'c-1' }, (identity) => p.run({}, { ...identity, sinks: [sink], interceptors: [telemetry] })),
  );
  expect(run.outputs).toEqual({ one: [traceId, 'c-1'] });
  expect(sink.events.every((event) => event.traceId === traceId && event.correlationId === 'c-1')).toBe(true);
  expect(trace.getSpan(context.active())).toBeUndefined();
});

test('[185] traceparent, correlation, run id and baggage are written to headers and read back', async () => {
  const telemetry = openTelemetry();
  const first = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', baggage: 'tier=gold', 'x-correlation-id': 'c-1' };
  const relay = pipeline('relay', { outputs: { sent: stage('sent', { run: (_, stageContext) => telemetry.outgoing(stageContext) }) } });
  const run = await telemetry.incoming(first, (identity) => relay.run({}, { ...identity, runId: 'r-1', interceptors: [telemetry] }));
  const sent = run.outputs.sent ?? {};
  expect(sent).toMatchObject({ baggage: 'tier=gold', 'x-correlation-id': 'c-1', 'x-pipeline-run-id': 'r-1' });
  const read = telemetry.incoming(sent, (identity) => [identity, telemetry.outgoing()]);
  expect(read).toEqual([
    {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: sent['traceparent']?.split('-')[2],
      correlationId: 'c-1',
      parentRunId: 'r-1',
    },
    { traceparent: sent['traceparent'], baggage: 'tier=gold' },
  ]);
});

test('[188] the correlation id is written to a header and read from one', async () => {
  const telemetry = openTelemetry();
  const relay = pipeline('relay', { outputs: { sent: stage('sent', { run: (_, stageContext) => telemetry.outgoing(stageContext) }) } });
  const run = await relay.run({}, { correlationId: 'c-1', interceptors: [telemetry] });
  expect(run.outputs.sent).toMatchObject({ 'x-correlation-id': 'c-1' });
  expect(telemetry.incoming(run.outputs.sent ?? {}, ({ correlationId }) => correlationId)).toBe('c-1');
});
