import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRuntime, inputs, pipeline, stage } from '@stageflow/core';
import { openTelemetry } from '@stageflow/otel';
import {
  BatchSpanProcessor,
  OTLPMetricExporter,
  OTLPTraceExporter,
  PeriodicExportingMetricReader,
  startSdk,
} from '@stageflow-internal/otel-sdk-3';
import { expect, test } from 'vitest';
import { otlpReceiver } from './otlp-receiver.ts';

const theirTrace = '0af7651916cd43dd8448eb211c80319c';

test('spans and metrics arrive over OTLP/HTTP, in the trace of the request, across two services', async () => {
  const receiver = await otlpReceiver();
  const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` }) });
  const exporter = new OTLPMetricExporter({ url: `${receiver.url}/v1/metrics` });
  const sdk = startSdk({
    processors: [processor],
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  const telemetry = openTelemetry();

  // The second service answers within a run of its own.
  const { id } = inputs<{ id: string }>();
  const look = stage('look', { needs: { id }, run: ({ id }) => ({ name: `Ada ${id}` }) });
  const profiles = pipeline('profiles', { outputs: { look } });
  const service = createServer(async (request, response) => {
    const run = await telemetry.incoming(request.headers, (identity) => runtime.run(profiles, { id: '7' }, identity));
    response.end(JSON.stringify(run.outputs));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;

  const profile = stage('profile', {
    kind: 'enrich',
    needs: { id },
    run: async (_, context): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`, { headers: telemetry.outgoing(context) })).text(),
  });
  const answer = stage('answer', { kind: 'agent', needs: { profile }, run: ({ profile }) => `Hello ${profile}` });
  const chat = pipeline('chat', { outputs: { answer } });
  const runtime = createRuntime({ pipelines: [profiles, chat], interceptors: [telemetry], sinks: [telemetry] });

  const headers = { traceparent: `00-${theirTrace}-b7ad6b7169203331-01` };
  const run = await telemetry.incoming(headers, (identity) => runtime.run(chat, { id: '7' }, { ...identity, runId: 'r-1' }));
  expect(run.outputs).toEqual({ answer: 'Hello {"look":{"name":"Ada 7"}}' });
  await sdk.flush();

  const sent = receiver.requests.filter(({ path }) => path === '/v1/traces');
  expect(sent.map(({ contentType }) => contentType)).toEqual(['application/json']);
  const scopes = sent.flatMap((request) => request.scopes);
  expect(scopes.map(({ scope }) => scope.name)).toEqual(['@stageflow/otel']);
  const spans = scopes.flatMap((scope) => scope.spans ?? []);
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([theirTrace]));
  expect(Object.fromEntries(spans.map(({ name, parentSpanId = '' }) => [name, names.get(parentSpanId) ?? parentSpanId]))).toEqual({
    'invoke_workflow chat': 'b7ad6b7169203331',
    'enrich profile': 'invoke_workflow chat',
    'attempt profile': 'enrich profile',
    'invoke_workflow profiles': 'attempt profile',
    'transform look': 'invoke_workflow profiles',
    'attempt look': 'transform look',
    'invoke_agent answer': 'invoke_workflow chat',
    'attempt answer': 'invoke_agent answer',
  });
  const other = spans.find(({ name }) => name === 'invoke_workflow profiles');
  expect(other?.attributes).toContainEqual({ key: 'stageflow.parent_run_id', value: { stringValue: 'r-1' } });
  expect(spans.find(({ name }) => name === 'invoke_agent answer')?.links).toMatchObject([
    { spanId: spans.find(({ name }) => name === 'enrich profile')?.spanId },
  ]);

  const measured = receiver.requests.filter(({ path }) => path === '/v1/metrics').flatMap((request) => request.scopes);
  expect(measured.flatMap(({ metrics = [] }) => metrics.map(({ name, unit }) => `${name} ${unit}`)).toSorted()).toEqual([
    'stageflow.run.active {run}',
    'stageflow.run.duration s',
    'stageflow.stage.duration s',
    'stageflow.stage.queue_time s',
  ]);
  await Promise.all([runtime.close(), sdk.stop()]);
  await Promise.all([receiver.close(), new Promise((resolve) => service.close(resolve))]);
});
