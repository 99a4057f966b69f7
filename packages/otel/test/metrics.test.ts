import {
  block,
  createRuntime,
  defineEvent,
  fail,
  guard,
  inputs,
  map,
  pipeline,
  type RunOptions,
  type Schema,
  type Stage,
  skip,
  stage,
} from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { openTelemetry } from '@stageflow/otel';
import { virtualClock } from '@stageflow/testing';
import { metrics, startSdk } from '@stageflow-internal/otel-sdk-3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { metric } from '../src/attributes.ts';

let sdk: ReturnType<typeof startSdk>;
beforeEach(() => {
  sdk = startSdk();
});
afterEach(() => sdk.stop());

/** Runs a pipeline in virtual time with the telemetry as a sink alone. */
async function measured(outputs: Readonly<Record<string, Stage>>, options: RunOptions = {}, clock = virtualClock(), input: object = {}) {
  const made = pipeline('chat', { outputs });
  await clock.settle(made.run(input as never, { clock, random: () => 0.5, ...options, sinks: [openTelemetry()] } as never));
  return points();
}

/** What was measured, by instrument: its attributes in print, and the value or the count and sum. */
async function points(): Promise<Record<string, Record<string, unknown>>> {
  const all = await sdk.metrics();
  return Object.fromEntries(
    Object.entries(all).map(([name, { dataPoints }]) => [
      name,
      Object.fromEntries(
        dataPoints.map(({ attributes, value }) => [
          Object.entries(attributes)
            .map(([key, each]) => `${key.replace('stageflow.', '')}=${each}`)
            .join(' '),
          typeof value === 'object' && 'sum' in value ? [value.count, value.sum] : value,
        ]),
      ),
    ]),
  );
}

test('runs and stages are measured in seconds, by name and status', async () => {
  const clock = virtualClock();
  const slow = stage('slow', { kind: 'enrich', run: () => clock.sleep(1500) });
  const broken = stage('broken', { needs: { slow }, run: () => fail(new Error('no')) });
  const found = await measured({ broken }, {}, clock);
  expect(found[metric.runDuration]).toEqual({ 'pipeline=chat status=failed error.type=SF_STAGE_FAILED': [1, 1.5] });
  expect(found[metric.stageDuration]).toEqual({
    'pipeline=chat stage=slow kind=enrich status=completed': [1, 1.5],
    'pipeline=chat stage=broken kind=transform status=failed error.type=SF_STAGE_FAILED': [1, 0],
  });
  const durations = (await sdk.metrics())[metric.runDuration];
  expect(durations?.descriptor.unit).toBe('s');
  expect(durations?.dataPoints[0]?.value).toMatchObject({ buckets: { boundaries: expect.arrayContaining([0.005, 600]) } });
});

test('blocked stages are measured; those that never started, or were skipped, are not', async () => {
  const { text } = inputs<{ text: string }>();
  const policy = guard('policy', { subject: text, check: () => block('rude') });
  const none = stage('none', { run: () => skip('nothing to do') });
  const after = stage('after', { needs: { policy }, run: () => 1 });
  const found = await measured({ none, after }, { failureMode: 'continue' }, virtualClock(), { text: 'x' });
  expect(Object.keys(found[metric.stageDuration] ?? {})).toEqual(['pipeline=chat stage=policy kind=guard status=blocked']);
  expect(Object.keys(found[metric.runDuration] ?? {})).toEqual(['pipeline=chat status=blocked']);
});

test('active runs go up and down', async () => {
  const clock = virtualClock();
  const slow = pipeline('chat', { outputs: { slow: stage('slow', { run: () => clock.sleep(10) }) } });
  const runtime = createRuntime({ pipelines: [slow], clock, sinks: [openTelemetry()] });
  const both = Promise.all([runtime.run(slow, {}), runtime.run(slow, {})]);
  await clock.advance(5);
  expect((await points())[metric.activeRuns]).toEqual({ 'pipeline=chat': 2 });
  await clock.settle(both);
  expect((await points())[metric.activeRuns]).toEqual({ 'pipeline=chat': 0 });
});

test('queue time counts every stage that started', async () => {
  const clock = virtualClock();
  const one = stage('one', { run: () => clock.sleep(2000) });
  const two = stage('two', { run: () => clock.sleep(2000) });
  const found = await measured({ one, two }, { maxConcurrency: 1 }, clock);
  expect(found[metric.queueTime]).toEqual({ 'pipeline=chat stage=one': [1, 0], 'pipeline=chat stage=two': [1, 2] });
});

test('retries are counted by stage and code; a last attempt is none', async () => {
  const broken = stage('broken', { retry: { attempts: 3, baseMs: 10 }, run: () => fail(new Error('no')) });
  const found = await measured({ broken });
  expect(found[metric.retries]).toEqual({ 'pipeline=chat stage=broken error.type=SF_STAGE_FAILED': 2 });
});

test('attributes have no ids: the items of a map are one stage', async () => {
  const { items } = inputs<{ items: readonly string[] }>();
  const each = map('each', items, (item) => stage('load', { needs: { item }, run: ({ item }) => item }), { key: (item) => item });
  const many = Array.from({ length: 50 }, (_, at) => `user/${at}@example.org`);
  const found = await measured({ each }, { runId: 'r-1', userId: 'u-1', tenantId: 't-1' }, virtualClock(), { items: many });
  expect(found[metric.stageDuration]).toEqual({
    'pipeline=chat stage=each/load kind=transform status=completed': [50, 0],
    'pipeline=chat stage=each kind=map status=completed': [1, 0],
  });
  expect(JSON.stringify(found)).not.toMatch(/r-1|u-1|t-1|user/);
});

test('the state of a breaker is a gauge, from events of that name, whoever defines them', async () => {
  const any: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const tell = (name: string, state: string, payload: unknown) =>
    stage(name, { run: (_, { emit }) => emit(defineEvent(`breaker.${state}`, any), payload) });
  const found = await measured({
    a: tell('a', 'opened', { breaker: 'model', key: 'tenant-7', failures: 5, calls: 9 }),
    b: tell('b', 'half_opened', { breaker: 'search' }),
    c: tell('c', 'closed', undefined),
    d: tell('d', 'constructor', { breaker: 'x' }),
  });
  expect(found[metric.breakerState]).toEqual({ 'breaker=model': 2, 'breaker=search': 1, 'breaker=c': 0 });
});

test('watch() measures what each sink of a runtime has lost, until it is ended', async () => {
  const clock = virtualClock();
  let rejected = 0;
  const slow: EventSink = { name: 'slow', emit: () => clock.sleep(1000) };
  const broken: EventSink = {
    name: 'broken',
    emit: () => {
      rejected++;
      throw new Error('no');
    },
  };
  const many = pipeline('many', { outputs: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, stage(name, { run: () => 1 })])) });
  const telemetry = openTelemetry();
  const runtime = createRuntime({ pipelines: [many], clock, sinks: [{ sink: slow, capacity: 2 }, broken, telemetry] });
  let looks = 0;
  const end = telemetry.watch({
    get sinks() {
      looks++;
      return runtime.sinks;
    },
  });
  await clock.settle(runtime.run(many, {}));
  await clock.settle(runtime.close());
  expect(rejected).toBe(9);
  const found = await points();
  expect(found[metric.failedEvents]).toEqual({ 'sink=slow': 0, 'sink=broken': 9, 'sink=opentelemetry': 0 });
  expect(found[metric.droppedEvents]).toEqual({ 'sink=slow': runtime.sinks['slow']?.dropped, 'sink=broken': 0, 'sink=opentelemetry': 0 });
  expect(runtime.sinks['slow']?.dropped).toBeGreaterThan(0);
  expect(looks).toBe(2);
  end();
  await points();
  expect(looks).toBe(2);
});

test('a meter that is given is used in place of that of the API', async () => {
  const meter = metrics.getMeter('mine');
  const made = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
  await made.run({}, { sinks: [openTelemetry({ meter })] });
  expect(Object.keys(await points())).toContain(metric.runDuration);
});
