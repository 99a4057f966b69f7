// The graphs on which other engines stumble, each as reported against them.
import {
  branch,
  createRuntime,
  firstOf,
  inputs,
  map,
  memoryRunStore,
  optional,
  pipeline,
  type Run,
  route,
  type Schema,
  skip,
  stage,
  subpipeline,
  suspend,
} from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { describe, expect, test } from 'vitest';
import { timedStages } from './timed-stages.ts';

describe('branches of unequal length', () => {
  // A barrier after each superstep makes this take 815 ms: langgraphjs#765, langgraph#4673.
  test('take 500 ms, not the sum of the slowest of each level', async () => {
    const { takes, see } = timedStages();
    const start = takes('start', 0);
    const quick = takes('quick', 100, { start });
    const long = takes('long', 400, { quick });
    const slow = takes('slow', 415, { start });
    const end = takes('end', 0, { long, slow });
    const { run, starts } = await see(pipeline('p', { outputs: { end } }));
    expect(run.elapsedMs).toBe(500);
    expect(starts).toEqual({ start: 0, quick: 0, slow: 0, long: 100, end: 500 });
  });

  test('do not wait for each other inside the items of a map either', async () => {
    const { see, clock } = timedStages();
    const list = stage('list', { run: () => [100, 400] });
    const it = map('it', list, (ms) => {
      const first = stage('first', { needs: { ms }, run: ({ ms }, { signal }) => clock.sleep(ms, signal) });
      return stage('second', { needs: { first, ms }, run: ({ ms }, { signal }) => clock.sleep(500 - ms, signal) });
    });
    const { run, starts } = await see(pipeline('p', { outputs: { it } }));
    expect(run.elapsedMs).toBe(500);
    expect(starts).toMatchObject({ 'it[0]/second': 100, 'it[1]/second': 400 });
  });
});

describe('a join behind a skipped branch', () => {
  // The join never runs and nobody is told: langgraphjs#2666, langgraph#6005.
  const { text } = inputs<{ text: string }>();
  const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });

  test('runs, where it says that it can do without', async () => {
    const order = stage('order', { when: intent.is('order'), run: () => 'order' });
    const question = stage('question', { when: intent.is('question'), run: () => 'question' });
    const join = stage('join', {
      needs: { order: optional(order), question: optional(question) },
      run: ({ order, question }) => `${order} ${question}`,
    });
    const run = await pipeline('p', { outputs: { join } }).run({ text: 'buy' });
    expect(run).toMatchObject({ status: 'completed', outputs: { join: 'order undefined' } });
  });

  test('takes the one that ran, in one word', async () => {
    const order = stage('order', { when: intent.is('order'), run: () => 'order' });
    const question = stage('question', { when: intent.is('question'), run: () => 'question' });
    const join = stage('join', { needs: { it: firstOf(order, question) }, run: ({ it }) => it });
    for (const [given, expected] of [
      ['buy', 'order'],
      ['why', 'question'],
    ] as const) {
      expect((await pipeline('p', { outputs: { join } }).run({ text: given })).outputs).toEqual({ join: expected });
    }
  });

  test('is nothing that can be forgotten in a branch(): every way has an arm, and the reader has its value', async () => {
    const reply = branch('reply', intent, {
      order: stage('order', { run: () => 'order' }),
      question: stage('question', { run: () => 'question' }),
    });
    const join = stage('join', { needs: { reply }, run: ({ reply }) => reply });
    const run = await pipeline('p', { outputs: { join } }).run({ text: 'why' });
    expect(run).toMatchObject({ status: 'completed', outputs: { join: 'question' } });
    expect([...run.stages].map(([name, { status }]) => [name, status])).toEqual([
      ['intent', 'completed'],
      ['order', 'skipped'],
      ['question', 'completed'],
      ['reply', 'completed'],
      ['join', 'completed'],
    ]);
  });

  test('that reads it plainly is skipped with a report, never lost', async () => {
    const order = stage('order', { when: intent.is('order'), run: () => 'order' });
    const join = stage('join', { needs: { order }, run: () => 1 });
    const run = await pipeline('p', { outputs: { join } }).run({ text: 'why' });
    expect(run.stages.get('join')?.outcome).toMatchObject({ status: 'skipped', reason: '"order" was skipped' });
    expect(run).toMatchObject({ status: 'completed', outputs: { join: undefined } });
  });
});

describe('one failed item of a hundred', () => {
  // The rest is stopped, and done again when the run is: mastra#21749, mastra#10597.
  const calls: number[] = [];
  const list = stage('list', { run: () => Array.from({ length: 100 }, (_, at) => at) });
  const mapping = (onItemError: 'fail' | 'skip' | 'collect') =>
    map(
      'it',
      list,
      (item) =>
        stage('each', {
          needs: { item },
          retry: { attempts: 2, baseMs: 10, jitter: 'none' },
          run: ({ item }) => {
            calls.push(item);
            if (item === 57) throw new Error('no such item');
            return item === 58 ? skip('not this one') : item;
          },
        }),
      { onItemError },
    );
  const running = async (onItemError: 'fail' | 'skip' | 'collect') => {
    calls.length = 0;
    const { see } = timedStages();
    return (await see(pipeline('p', { outputs: { it: mapping(onItemError) } }))).run;
  };

  test('costs nothing but itself where it may be left out', async () => {
    const run = await running('skip');
    expect(run).toMatchObject({ status: 'completed' });
    expect(run.outputs['it']).toHaveLength(98);
    expect(calls).toHaveLength(101);
    expect(run.errors.map(({ path }) => path)).toEqual(['it[57]/each']);
    expect(run.stages.get('it[57]/each')?.attempts).toBe(2);
  });

  test('is one value among a hundred where they are collected', async () => {
    const outcomes = (await running('collect')).outputs['it'] as readonly { status: string }[];
    const count = (status: string) => outcomes.filter((outcome) => outcome.status === status).length;
    expect(['completed', 'skipped', 'failed'].map(count)).toEqual([98, 1, 1]);
  });

  test('fails the run where nothing else is said, and says which', async () => {
    const run = await running('fail');
    expect(run).toMatchObject({ status: 'failed', error: { path: 'it[57]/each' } });
    expect(run.counts).toMatchObject({ failed: 2 });
  });
});

// Compiles there, and fails at run time at the recursion limit.
test('two stages that need each other are refused when they are defined, with the way round', () => {
  const stages = [
    { name: 'a', needs: { b: 'b' }, run: () => 1 },
    { name: 'b', needs: { a: 'a' }, run: () => 1 },
  ];
  const circle = () => definePipeline({ name: 'p', stages, outputs: { a: 'a' } });
  expect(circle).toThrow(expect.objectContaining({ message: expect.stringContaining('a -> b -> a') }));
  const straight = stages.map(({ name, run }) => ({ name, run }));
  expect(() => definePipeline({ name: 'p', stages: straight, outputs: { a: 'a', b: 'b' } })).not.toThrow();
});

describe('approvals', () => {
  const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const { order } = inputs<{ order: string }>();
  const called: string[] = [];
  const price = stage('price', { needs: { order }, run: ({ order }) => called.push(`price ${order}`) && order.length });
  const ask = stage('ask', {
    needs: { order, price },
    run: ({ order, price }, { answer }) => answer(anything) ?? suspend({ order, price }),
  });
  const approve = pipeline('approve', { outputs: { answer: ask } });
  const outer = pipeline('outer', { outputs: { inner: subpipeline('inner', approve, { order }) } });
  const { orders } = inputs<{ orders: readonly string[] }>();
  const all = map('all', orders, (order) => subpipeline('outer', outer, { order }), { key: (order) => order });
  const shop = pipeline('shop', { outputs: { all } });

  function waitsOf(run: Run<unknown>) {
    if (run.status !== 'suspended') throw new Error(`the run is ${run.status}`);
    return run.waits.map(({ path, request }) => [path, request]);
  }

  // Elsewhere one of them is resumed for another, or the whole from its top.
  test('asked for inside pipelines inside pipelines inside a map are open at once, each by its path', async () => {
    called.length = 0;
    const runtime = createRuntime({ pipelines: [shop], store: memoryRunStore() });
    const first = await runtime.run(shop, { orders: ['ab', 'c'] }, { runId: 'r' });
    expect(waitsOf(first)).toEqual([
      ['all[ab]/outer/inner/ask', { order: 'ab', price: 2 }],
      ['all[c]/outer/inner/ask', { order: 'c', price: 1 }],
    ]);
    await runtime.decide('r/all[c]/outer/inner/ask#answer', 'yes to c');
    const second = await runtime.resume('r');
    expect(waitsOf(second)).toEqual([['all[ab]/outer/inner/ask', { order: 'ab', price: 2 }]]);
    await runtime.decide('r/all[ab]/outer/inner/ask#answer', 'yes to ab');
    const third = await runtime.resume('r');
    expect(third.outputs).toEqual({ all: [{ inner: { answer: 'yes to ab' } }, { inner: { answer: 'yes to c' } }] });
    expect(called).toEqual(['price ab', 'price c']);
  });
});

// Tries the whole list again, finished items included.
test('an item that is tried again is alone in that', async () => {
  const { takes, see } = timedStages();
  const tries: number[] = [];
  const list = stage('list', { needs: { go: takes('go', 0) }, run: () => [0, 1, 2] });
  const it = map('it', list, (item) =>
    stage('each', {
      needs: { item },
      retry: { attempts: 2, baseMs: 10, jitter: 'none' },
      run: ({ item }) => {
        tries.push(item);
        if (item === 1 && tries.filter((tried) => tried === 1).length === 1) throw new Error('not yet');
        return item;
      },
    }),
  );
  const { run } = await see(pipeline('p', { outputs: { it } }));
  expect(run.outputs).toEqual({ it: [0, 1, 2] });
  expect(tries).toEqual([0, 1, 2, 1]);
});
