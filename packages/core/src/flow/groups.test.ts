import { firstOf, inputs, pipeline, route, skip, stage } from '@stageflow/core';
import { flow } from '@stageflow/core/flow';
import { planJson } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';

const { text } = inputs<{ text: string }>();
const base = flow('p', { text }).stage('words', { needs: ['text'], run: ({ text }) => text.split(' ') });
const words = stage('words', { needs: { text }, run: () => [] });

describe('flow.chain()', () => {
  test('is the plan of stages that each read the one before', () => {
    const chained = base.chain({
      timeoutMs: 5,
      kind: 'agent',
      stages: [
        ['reverse', (all) => all.toReversed()],
        ['short', async (all) => all.slice(0, 2)],
      ],
    });
    const reverse = stage('reverse', { needs: { words }, kind: 'agent', timeoutMs: 5, run: () => 1 });
    const short = stage('short', { needs: { reverse }, kind: 'agent', timeoutMs: 5, run: () => 1 });

    expect(planJson(chained.build({ outputs: ['short'] }).plan)).toEqual(planJson(pipeline('p', { outputs: { short } }).plan));
  });

  test('hands each link the value of the one before, by itself, and the context', async () => {
    const chained = flow('p', { text }).chain({
      from: 'text',
      stages: [
        ['trim', (given) => given.trim()],
        ['stamp', (given, { attempt }) => `${given} ${attempt}`],
      ],
    });

    expect((await chained.build({ outputs: ['stamp'] }).runOrThrow({ text: ' a ' })).outputs.stamp).toBe('a 1');
  });

  test('adds nothing for an empty list, and helpers go on from where they were', () => {
    const chained = base.chain({ stages: [] }).parallel({ stages: { count: ({ words }) => words.length } });

    expect(chained.build({ outputs: ['count'] }).plan.stages.map(({ name }) => name)).toEqual(['words', 'count']);
  });

  test('hands nothing to a first link that there is nothing for', async () => {
    const stages = [['first', (value: unknown) => String(value)]];
    const chained = flow('p').chain({ stages } as never) as unknown as typeof base;

    expect((await chained.build({ outputs: ['first' as 'words'] }).runOrThrow({ text: '' })).outputs).toEqual({ first: 'undefined' });
  });

  test('refuses a link that is no function', () => {
    const chain = (link: unknown) => () => base.chain({ stages: [['x', link as () => string[]]] }).build({ outputs: ['x'] });

    expect(chain(() => [])).not.toThrow();
    expect(chain('x')).toThrow('Option "run" of stage "x" must be a function');
  });
});

describe('flow.parallel()', () => {
  test('is the plan of stages that read the same', () => {
    const group = base.parallel({ retry: { attempts: 2 }, stages: { count: ({ words }) => words.length, first: ({ words }) => words[0] } });
    const count = stage('count', { needs: { words }, retry: { attempts: 2 }, run: () => 1 });
    const first = stage('first', { needs: { words }, retry: { attempts: 2 }, run: () => 1 });

    expect(planJson(group.build({ outputs: ['count', 'first'] }).plan)).toEqual(
      planJson(pipeline('p', { outputs: { count, first } }).plan),
    );
  });

  test('reads what it names in place of the last stage', async () => {
    const group = base.parallel({
      needs: ['text', { settled: 'words' }],
      stages: { both: ({ text, words }) => `${text}: ${words.status}` },
    });

    expect((await group.build({ outputs: ['both'] }).runOrThrow({ text: 'a' })).outputs.both).toBe('a: completed');
  });
});

describe('flow.fanOutFanIn()', () => {
  const fanned = base.fanOutFanIn({
    kind: 'enrich',
    split: ['split', ({ words }) => ({ odd: words.filter((_, at) => at % 2 === 1), even: words.filter((_, at) => at % 2 === 0) })],
    workers: { odd: (parts) => parts.odd.length, even: async (parts) => parts.even.length },
    merge: ['sum', ({ odd, even }) => odd + even],
  });

  test('is the plan of a splitter, workers that read it, and a stage that reads the workers', () => {
    const split = stage('split', { needs: { words }, run: () => 1 });
    const odd = stage('odd', { needs: { split }, kind: 'enrich', run: () => 1 });
    const even = stage('even', { needs: { split }, kind: 'enrich', run: () => 1 });
    const sum = stage('sum', { needs: { odd, even }, run: () => 1 });

    expect(planJson(fanned.build({ outputs: ['sum'] }).plan)).toEqual(planJson(pipeline('p', { outputs: { sum } }).plan));
  });

  test('hands workers the parts by themselves, and the merger all of theirs by name', async () => {
    expect((await fanned.build({ outputs: ['sum'] }).runOrThrow({ text: 'a b c' })).outputs.sum).toBe(3);
  });

  test('takes workers that are made in a loop', async () => {
    const workers = Object.fromEntries(['0', '1', '2'].map((at) => [`part-${at}`, (all: string[]) => all[Number(at)]]));
    const dynamic = base.fanOutFanIn({
      split: ['split', ({ words }) => words],
      workers,
      merge: ['join', (parts) => Object.values(parts).join('')],
    });

    expect((await dynamic.build({ outputs: ['join'] }).runOrThrow({ text: 'a b c' })).outputs['join']).toBe('abc');
  });
});

describe('flow.conditional()', () => {
  const open = base.conditional({
    timeoutMs: 5,
    route: ['size', ({ words }) => (words.length > 1 ? 'many' : 'single')],
    arms: { many: ({ words }) => words.length, single: ({ words }) => (words[0] === '' ? skip('empty') : words[0]) },
  });
  const closed = base.conditional({
    route: ['size', ({ words }) => (words.length > 1 ? 'many' : 'single')],
    arms: { many: ({ words }) => words.length, single: ({ words }) => words[0] },
    merge: ['told', (taken) => `it is ${taken}`],
  });

  test('is the plan of a route, gated arms, and a stage that reads the first that ran', () => {
    const size = route('size', { needs: { words }, run: () => 'many' as 'many' | 'single' });
    const many = stage('many', { needs: { words }, when: size.is('many'), run: () => 1 });
    const single = stage('single', { needs: { words }, when: size.is('single'), run: () => 1 });
    const told = stage('told', { needs: { taken: firstOf(many, single) }, run: () => 1 });

    expect(planJson(closed.build({ outputs: ['told'] }).plan)).toEqual(planJson(pipeline('p', { outputs: { told } }).plan));
  });

  test('runs the arm that the route names, and merges its value', async () => {
    const built = closed.build({ outputs: ['told', 'many', 'single'] });

    expect((await built.runOrThrow({ text: 'a b' })).outputs).toEqual({ told: 'it is 2', many: 2 });
    expect((await built.runOrThrow({ text: 'a' })).outputs).toEqual({ told: 'it is a', single: 'a' });
  });

  test('leaves the arms open without a merge, for others to read', async () => {
    const built = open
      .stage('told', { needs: [{ firstOf: ['many', 'single'], as: 'it' }], run: ({ it }) => it })
      .build({ outputs: ['told'] });

    expect((await built.runOrThrow({ text: 'a b' })).outputs).toEqual({ told: 2 });
    expect(planJson(built.plan).stages.map(({ name, limits }) => [name, limits])).toEqual([
      ['words', undefined],
      ['size', undefined],
      ['many', { timeoutMs: 5 }],
      ['single', { timeoutMs: 5 }],
      ['told', undefined],
    ]);
  });

  test('refuses to merge arms that there are none of', () => {
    const none = base.conditional({ route: ['size', () => 'many'], arms: {} as { many: () => 1 }, merge: ['told', () => 1] });

    expect(() => none.build({ outputs: ['told'], also: ['size'] })).toThrow('"needs[0]" of stage "told" is not something a stage can read');
  });
});

test('helpers go on from nothing where there is no last stage and nothing is named', () => {
  const group = flow('p').parallel({ stages: { one: () => 1 } } as never) as unknown as typeof base;

  expect(planJson(group.build({ outputs: ['one' as 'words'] }).plan).stages).toEqual([
    { name: 'one', kind: 'transform', needs: [], handled: false },
  ]);
});
