import { createRuntime, type Interceptor, map, memoryRunStore, pipeline, type Schema, skip, stage, suspend } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

describe('a call that was kept', () => {
  const asked = stage('asked', { run: (_, { answer }) => answer(anything) ?? suspend('go on?') });
  const tool = stage('tool', { needs: { n: stage('n', { run: () => 0 }) }, run: ({ n }) => n * 10 });

  async function resumedWith(first: number, second: number) {
    const given = [first, second];
    const agent = stage('agent', {
      run: async (_, { call }) => {
        const tens = await call(tool, { n: given.shift() as number }, { key: 'a' });
        await call(asked, {}, { key: 'ask' });
        return tens;
      },
    });
    const p = pipeline('p', { outputs: { agent } });
    const runtime = createRuntime({ pipelines: [p], store: memoryRunStore() });
    const rests = await runtime.run(p, {});
    if (rests.status !== 'suspended') throw new Error(`the run is ${rests.status}`);
    await runtime.decide(rests.waits[0]?.waitId as string, 'yes');
    return runtime.resume(rests.runId);
  }

  test('is not made again when it is the same', async () => {
    expect(await resumedWith(4, 4)).toMatchObject({ status: 'completed', outputs: { agent: 40 } });
  });

  test('is noticed when another stands in its place', async () => {
    const run = await resumedWith(4, 5);
    expect(run).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_NONDETERMINISTIC' } } });
    expect(run.errors[0]?.cause).toMatchObject({ details: { expected: 'made with {"n":4}', received: 'made with {"n":5}' } });
  });
});

describe('close()', () => {
  function hangingOnce() {
    const clock = virtualClock();
    const done: number[] = [];
    let hangs = true;
    const items = stage('items', { run: () => [1, 2, 3] });
    const list = map('list', items, (item) =>
      stage('each', {
        needs: { item },
        run: async ({ item }, { signal }) => {
          if (item === 3 && hangs) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          done.push(item);
          return item;
        },
      }),
    );
    const p = pipeline('p', { outputs: { list } });
    return { clock, done, p, goesOn: () => (hangs = false) };
  }

  test('suspends what a store keeps, and another runtime goes on with it', async () => {
    const { clock, done, p, goesOn } = hangingOnce();
    const store = memoryRunStore();
    const first = createRuntime({ pipelines: [p], store, clock });
    const handle = first.start(p, {}, { runId: 'r' });
    await clock.advance(10);
    const closed = first.close({ graceMs: 100 });
    await clock.advance(100);
    await closed;
    expect(await handle.result).toMatchObject({ status: 'suspended', waits: [] });
    expect(done).toEqual([1, 2]);
    goesOn();
    const run = await createRuntime({ pipelines: [p], store, clock }).resume('r');
    expect(run).toMatchObject({ status: 'completed', outputs: { list: [1, 2, 3] } });
    expect(done).toEqual([1, 2, 3]);
  });

  test('cancels what is kept nowhere', async () => {
    const { clock, p } = hangingOnce();
    const runtime = createRuntime({ pipelines: [p], clock });
    const handle = runtime.start(p, {});
    await clock.advance(10);
    const closed = runtime.close({ graceMs: 100 });
    await clock.advance(100);
    await closed;
    expect(await handle.result).toMatchObject({ status: 'cancelled', reason: 'the runtime is closing' });
  });
});

test.each([0, -1, Number.NaN])('leaseMs cannot be %s', (leaseMs) => {
  const p = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });
  const make = (given: number) => () => createRuntime({ pipelines: [p], store: memoryRunStore(), leaseMs: given });
  expect(make(leaseMs)).toThrow(
    expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option: 'leaseMs' }) }),
  );
  expect(make(1_000)).not.toThrow();
});

test('what was restored is told of no second time, and a run that rests counts what has not ended', async () => {
  const sink = recordingSink();
  const nothing = stage('nothing', { run: () => skip('nothing to say') });
  const asked = stage('asked', { run: (_, { answer }) => answer(anything) ?? suspend('go on?') });
  const after = stage('after', { needs: { asked }, run: ({ asked }) => asked });
  const p = pipeline('p', { outputs: { after, nothing } });
  const runtime = createRuntime({ pipelines: [p], store: memoryRunStore(), sinks: [sink] });
  const rests = await runtime.run(p, {}, { runId: 'r' });
  expect(rests.counts).toEqual({ completed: 0, skipped: 1, failed: 0, blocked: 0, cancelled: 0, suspended: 2 });
  await runtime.decide('r/asked#answer', 'yes');
  const run = await runtime.resume('r');
  expect(run.counts).toEqual({ completed: 2, skipped: 1, failed: 0, blocked: 0, cancelled: 0 });
  const told = sink.events.filter((event) => 'path' in event && event.path === 'nothing').map(({ type, epoch }) => [type, epoch]);
  expect(told).toEqual([
    ['stage.started', 1],
    ['stage.skipped', 1],
  ]);
});

test('a run that has not begun when its runtime closes is kept for another', async () => {
  const p = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });
  const store = memoryRunStore();
  const waits: Interceptor = { name: 'waits', run: () => new Promise(() => {}) };
  const clock = virtualClock();
  const runtime = createRuntime({ pipelines: [p], store, clock, interceptors: [waits] });
  const handle = runtime.start(p, {}, { runId: 'r' });
  await clock.advance(10);
  const closed = runtime.close({ graceMs: 0 });
  await clock.advance(10_000);
  await closed;
  expect(await handle.result).toMatchObject({ status: 'suspended' });
  expect(await createRuntime({ pipelines: [p], store, clock }).resume('r')).toMatchObject({ status: 'completed', outputs: { it: 1 } });
});
