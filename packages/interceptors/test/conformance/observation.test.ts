import { createRuntime, inputs, memoryIdempotencyStore, pipeline, type StageflowError, stage, work } from '@stageflow/core';
import { contextExceeded, contextSize, defaultInterceptors, immutability, type WideEvent, wideEvents } from '@stageflow/interceptors';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { recordingLogger } from '../recording-logger.ts';

const { order } = inputs<{ order: { readonly id: string; readonly tags: string[] } }>();

test('[109] the default interceptors change nothing for a stage that works', async () => {
  const first = stage('first', { run: () => 1 });
  const pay = work('pay', { needs: { first }, idempotencyKey: () => 'order 7', run: ({ first }) => first + 1 });
  const p = pipeline('p', { outputs: { pay } });
  const without = await p.run({});
  const logger = recordingLogger();
  const run = await p.run({}, { interceptors: defaultInterceptors({ logger, idempotencyStore: memoryIdempotencyStore() }) });
  expect([run.status, run.status === 'completed' && run.outputs]).toEqual(['completed', { pay: 2 }]);
  expect([...run.stages.values()].map(({ path, status, attempts, cached }) => [path, status, attempts, cached])).toEqual(
    [...without.stages.values()].map(({ path, status, attempts, cached }) => [path, status, attempts, cached]),
  );
});

test('[123] wide events: one for each stage, one for the run', async () => {
  const records: WideEvent[] = [];
  const first = stage('first', { run: () => 1 });
  const second = stage('second', { needs: { first }, run: () => 2 });
  const p = pipeline('p', { outputs: { second } });
  const runtime = createRuntime({ pipelines: [p], sinks: [wideEvents({ write: (record) => void records.push(record) })] });
  await runtime.run(p, {});
  await runtime.close();
  expect(
    records.map((record) => `${record.type} ${record.type === 'stage.wide' ? record.path : record.pipeline} ${record.status}`),
  ).toEqual(['stage.wide first completed', 'stage.wide second completed', 'run.wide p completed']);
});

test('[129] the default list is in a fixed order, and idempotency can be left out', () => {
  const [logger, idempotencyStore] = [recordingLogger(), memoryIdempotencyStore()];
  expect(defaultInterceptors({ logger, idempotencyStore }).map(({ name }) => name)).toEqual(['logging', 'idempotency']);
  expect(defaultInterceptors({ logger }).map(({ name }) => name)).toEqual(['logging']);
});

test('[139] metrics of children are in the record of their parent; a writer that fails changes nothing', async () => {
  const clock = virtualClock();
  const records: WideEvent[] = [];
  const wide = wideEvents({ write: (record) => void records.push(record) });
  const failing = wideEvents({ name: 'failing', write: () => Promise.reject(new Error('no')) });
  const { ms } = inputs<{ ms: number }>();
  const nap = pipeline('nap', { outputs: { rest: stage('rest', { needs: { ms }, run: ({ ms }) => clock.sleep(ms) }) } });
  const runtime = createRuntime({ pipelines: [nap], clock, sinks: [wide, failing] });
  const parent = runtime.start(nap, { ms: 10 }, { runId: 'parent' });
  const child = runtime.start(nap, { ms: 5 }, { parent, runId: 'child' });
  await clock.settle(Promise.all([parent.result, child.result]));
  await clock.settle(runtime.close());
  const runs = records.flatMap((record) => (record.type === 'run.wide' ? [record] : []));
  expect(runs.find(({ runId }) => runId === 'parent')?.children).toMatchObject({
    started: 1,
    byStatus: { completed: 1 },
    durationMs: { sum: 5 },
  });
  expect(runs.find(({ runId }) => runId === 'child')).toMatchObject({ parentRunId: 'parent', status: 'completed' });
  expect(runtime.sinks['failing']?.failed).toBeGreaterThan(0);
});

test('[152] a change of what a stage was given is an error, or is told; no change passes', async () => {
  const touch = stage('touch', { needs: { order }, run: ({ order }) => order.tags.push('x') });
  const look = stage('look', { needs: { order }, run: ({ order }) => order.tags.length });
  const given = () => ({ order: { id: '7', tags: [] } });
  const touching = pipeline('p', { outputs: { touch } });
  expect(await touching.run(given(), { interceptors: [immutability()] })).toMatchObject({
    status: 'failed',
    error: { code: 'SF_VALUE_MUTATED', details: { stage: 'touch', property: 'order.tags[0]' } },
  });
  const told: StageflowError[] = [];
  const onViolation = (error: StageflowError) => void told.push(error);
  expect((await touching.run(given(), { interceptors: [immutability({ onViolation })] })).status).toBe('completed');
  expect(told.length).toBe(1);
  const looking = pipeline('p', { outputs: { look } });
  expect((await looking.run(given(), { interceptors: [immutability()] })).status).toBe('completed');
});

test('[D29] a change is noticed at any depth, also of inputs, which nothing freezes', async () => {
  const deep = stage('deep', { needs: { order }, run: ({ order }) => Object.assign(order, { id: '8' }) && 1 });
  const run = await pipeline('p', { outputs: { deep } }).run({ order: { id: '7', tags: [] } }, { interceptors: [immutability()] });
  expect(run).toMatchObject({ error: { code: 'SF_VALUE_MUTATED', details: { property: 'order.id' } } });
});

test('[153] more than the limit, given or yielded, is told', async () => {
  const { text } = inputs<{ text: string }>();
  const grow = stage('grow', { needs: { text }, run: ({ text }) => text.repeat(3) });
  const p = pipeline('p', { outputs: { grow } });
  const toldOf = async (length: number) => {
    const sink = recordingSink();
    await p.run({ text: 'x'.repeat(length) }, { sinks: [sink], interceptors: [contextSize({ maxBytes: 100, maxYieldedBytes: 200 })] });
    return sink.events.filter(contextExceeded.is).map(({ payload }) => payload.direction);
  };
  expect(await toldOf(10)).toEqual([]);
  expect(await toldOf(80)).toEqual(['yielded']);
  expect(await toldOf(150)).toEqual(['given', 'yielded']);
});
