import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { suspend } from '../control.ts';
import { optional, settled } from '../edge.ts';
import { fallback } from '../fallback.ts';
import { inputs } from '../inputs.ts';
import { map } from '../map.ts';
import { pipeline } from '../pipeline.ts';
import { createRuntime } from '../runtime.ts';
import { type Stage, stage } from '../stage.ts';
import { subpipeline } from '../subpipeline.ts';
import { work } from '../work.ts';
import { memoryRunStore } from './memory-run-store.ts';

const { text } = inputs<{ text: string }>();

/** A pipeline of a, b behind a, c behind b, and d beside them, whose stages say what was called. */
function host(broken: () => boolean = () => false) {
  const clock = virtualClock();
  const store = memoryRunStore();
  const calls: string[] = [];
  const say = (name: string) => {
    calls.push(name);
    return name;
  };
  const make = (version: string | undefined = undefined) => {
    const a = stage('a', { needs: { text }, version, run: ({ text }) => say('a') + text });
    const b = stage('b', {
      needs: { a },
      run: ({ a }) => {
        if (broken()) throw new Error('no');
        return say('b') + a;
      },
    });
    const c = stage('c', { needs: { b }, run: ({ b }) => say('c') + b });
    const d = stage('d', { needs: { text }, run: () => say('d') });
    return pipeline('p', { outputs: { c, d }, failureMode: 'continue' });
  };
  const made = make();
  const sink = recordingSink();
  const runtimeOf = (p: ReturnType<typeof make>) => createRuntime({ pipelines: [p], store, clock, sinks: [sink] });
  return { clock, store, calls, made, make, sink, runtime: runtimeOf(made), runtimeOf };
}

describe('runtime.fork()', () => {
  test('begins a new run with the results of another, and does again what stands behind a stage', async () => {
    const { clock, calls, made, runtime } = host();
    await clock.settle(runtime.run(made, { text: '!' }, { runId: 'r', tenantId: 't', metadata: { plan: 'free' } }));
    calls.length = 0;
    const forked = await clock.settle(runtime.fork('r', { from: 'b', tenantId: 't', newRunId: 's' }));
    expect(calls).toEqual(['b', 'c']);
    expect(forked).toMatchObject({ status: 'completed', runId: 's', outputs: { c: 'cba!', d: 'd' } });
    expect(forked.identity).toMatchObject({ tenantId: 't', metadata: { plan: 'free', forkedFrom: 'r' } });
  });

  test('does again what did not complete, and what stands behind that, where no stage is named', async () => {
    let isBroken = true;
    const { clock, calls, made, runtime } = host(() => isBroken);
    expect(await clock.settle(runtime.run(made, { text: '!' }, { runId: 'r' }))).toMatchObject({ status: 'failed' });
    isBroken = false;
    calls.length = 0;
    expect(await clock.settle(runtime.fork('r'))).toMatchObject({ status: 'completed', outputs: { c: 'cba!', d: 'd' } });
    expect(calls).toEqual(['b', 'c']);
  });

  test('does again the stages that have changed since', async () => {
    const { clock, calls, made, make, runtime, runtimeOf } = host();
    await clock.settle(runtime.run(made, { text: '!' }, { runId: 'r' }));
    calls.length = 0;
    await clock.settle(runtimeOf(make('2')).fork('r'));
    expect(calls).toEqual(['a', 'b', 'c']);
  });

  test('leaves the run that it forks as it is, and makes one that can be forked and resumed like any other', async () => {
    const { clock, store, made, runtime } = host();
    await clock.settle(runtime.run(made, { text: '!' }, { runId: 'r' }));
    const before = await store.load('r', undefined);
    await clock.settle(runtime.fork('r', { from: 'c', newRunId: 's' }));
    await clock.settle(runtime.fork('s', { from: 'd', newRunId: 'u' }));
    expect(await store.load('r', undefined)).toEqual(before);
    const last = await store.load('u', undefined);
    expect([last?.status, last?.identity.metadata, last?.records.length]).toEqual(['completed', { forkedFrom: 's' }, 4]);
  });

  test('tells only of what was done again', async () => {
    const { clock, made, runtime, sink } = host();
    await clock.settle(runtime.run(made, { text: '!' }, { runId: 'r' }));
    await clock.settle(runtime.fork('r', { from: 'c', newRunId: 's' }));
    expect(
      sink
        .of('stage.started')
        .filter(({ runId }) => runId === 's')
        .map(({ stage }) => stage),
    ).toEqual(['c']);
  });

  test.each([
    ['needs', (a: Stage<number>) => stage('z', { needs: { a }, run: () => say('z') })],
    ['optional needs', (a: Stage<number>) => stage('z', { needs: { a: optional(a) }, run: () => say('z') })],
    ['settled needs', (a: Stage<number>) => stage('z', { needs: { a: settled(a) }, run: () => say('z') })],
    ['after', (a: Stage<number>) => stage('z', { after: [a], run: () => say('z') })],
    [
      'an alternative of a region',
      (a: Stage<number>) => {
        const either = fallback('either', a, stage('other', { run: () => 2 }));
        return stage('z', { needs: { either }, run: () => say('z') });
      },
    ],
    [
      'what a map captures',
      (a: Stage<number>) =>
        map('z', stage('list', { run: () => [1] }), (item) => stage('inner', { needs: { item, a }, run: () => say('z') })),
    ],
    [
      'what a subpipeline is given',
      (a: Stage<number>) => {
        const { given } = inputs<{ given: number }>();
        return subpipeline('z', pipeline('n', { outputs: { inner: stage('inner', { needs: { given }, run: () => say('z') }) } }), {
          given: a,
        });
      },
    ],
  ])('knows that a stage stands behind another by %s', async (_, make) => {
    said.length = 0;
    const clock = virtualClock();
    const a = stage('a', { run: () => 1 });
    const made = pipeline('p', { outputs: { z: make(a) as Stage } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, services: {} });
    await clock.settle(runtime.run(made, {} as never, { runId: 'r' }));
    expect(said).toEqual(['z']);
    await clock.settle(runtime.fork('r', { from: 'a' }));
    expect(said).toEqual(['z', 'z']);
  });

  test('keeps items of a map that completed, and does again those that failed', async () => {
    const clock = virtualClock();
    const called: number[] = [];
    let isBroken = true;
    const { list } = inputs<{ list: readonly number[] }>();
    const all = map('all', list, (item) =>
      stage('each', {
        needs: { item },
        run: ({ item }) => {
          called.push(item);
          if (isBroken && item === 2) throw new Error('no');
          return item * 10;
        },
      }),
    );
    const made = pipeline('p', { outputs: { all }, failureMode: 'continue' });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock });
    await clock.settle(runtime.run(made, { list: [1, 2, 3] }, { runId: 'r' }));
    isBroken = false;
    called.length = 0;
    expect(await clock.settle(runtime.fork('r'))).toMatchObject({ status: 'completed', outputs: { all: [10, 20, 30] } });
    expect(called).toEqual([2]);
  });

  test('asks again what a stage asked that is done again', async () => {
    const clock = virtualClock();
    const asked = stage('asked', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const made = pipeline('p', { outputs: { asked } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock });
    await clock.settle(runtime.run(made, {}, { runId: 'r' }));
    await runtime.decide('r/asked#answer', 'yes');
    await clock.settle(runtime.resume('r'));
    expect(await clock.settle(runtime.fork('r', { newRunId: 'kept' }))).toMatchObject({ outputs: { asked: 'yes' } });
    expect(await clock.settle(runtime.fork('r', { from: 'asked' }))).toMatchObject({ status: 'suspended' });
  });

  test('makes no effect again that it keeps, also where it fails to be kept and is taken up later', async () => {
    const clock = virtualClock();
    let paid = 0;
    const pay = work('pay', { run: () => ++paid });
    const receipt = stage('receipt', { needs: { pay }, run: ({ pay }) => pay });
    const made = pipeline('p', { outputs: { receipt } });
    const store = memoryRunStore();
    const runtime = createRuntime({ pipelines: [made], store, clock });
    await clock.settle(runtime.run(made, {}, { runId: 'r' }));
    const { commit } = store;
    store.commit = () => Promise.reject(new Error('torn'));
    await expect(clock.settle(runtime.fork('r', { from: 'receipt', newRunId: 's' }))).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
    store.commit = commit;
    await clock.advance(60_000);
    expect(await clock.settle(runtime.recover())).toMatchObject({ resumed: [{ runId: 's', status: 'completed' }] });
    expect(paid).toBe(1);
    expect(await runtime.replay('s')).toMatchObject({ status: 'completed', differences: [] });
  });

  test('is refused where it makes no sense', async () => {
    const { clock, store, made, runtime } = host();
    await clock.settle(runtime.run(made, { text: '!' }, { runId: 'r', tenantId: 't' }));
    await expect(runtime.fork('r')).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    await expect(runtime.fork('r', { tenantId: 't', from: 'bb' })).rejects.toMatchObject({ code: 'SF_UNKNOWN_STAGE' });
    await expect(runtime.fork('r', { tenantId: 't', newRunId: 'r' })).rejects.toMatchObject({ code: 'SF_RUN_EXISTS' });
    const other = createRuntime({ pipelines: [], store });
    await expect(other.fork('r', { tenantId: 't' })).rejects.toMatchObject({ code: 'SF_PIPELINE_UNKNOWN' });
    await expect(createRuntime({ pipelines: [made] }).fork('r')).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
    await runtime.close();
    await expect(runtime.fork('r')).rejects.toMatchObject({ code: 'SF_RUNTIME_CLOSED' });
  });
});

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
const said: string[] = [];
function say(name: string): string {
  said.push(name);
  return name;
}
