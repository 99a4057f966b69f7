import { cancel, type Input, inputs, type Route, type Stage, skip } from '@stageflow/core';
import { flow } from '@stageflow/core/flow';
import { describe, expectTypeOf, test } from 'vitest';

const { text } = inputs<{ text: string }>();
const start = flow('p', { text });
const base = start.stage('words', { needs: ['text'], run: ({ text }) => text.split(' ') });
type Text = Input<'text', string, string>;
type FromWords = { readonly words: string[] };

describe('flow.chain()', () => {
  test('hands on one type, and knows the names of its links', () => {
    const chained = base.chain({
      stages: [
        ['reverse', (all) => all.toReversed()],
        ['stop', async (all, { attempt }) => (attempt > 1 ? cancel('enough') : all)],
      ],
    });
    expectTypeOf(chained.stages.stop).toEqualTypeOf<Stage<string[], Text, never, { readonly [name: string]: string[] }>>();
    chained.parallel({ stages: { count: ({ stop }) => expectTypeOf(stop).toEqualTypeOf<string[]>() } });
  });

  test('refuses a link that yields another type, or skips', () => {
    base.chain({
      stages: [
        // @ts-expect-error the next link expects strings
        ['count', (all) => all.length],
      ],
    });
    base.chain({
      stages: [
        // @ts-expect-error whatever reads the chain would have to expect it
        ['none', (all) => (all.length === 0 ? skip('empty') : all)],
      ],
    });
  });

  test('must be told what to go on from where there is no last stage', () => {
    start.chain({ from: 'text', stages: [['trim', (text) => text.trim()]] });
    // @ts-expect-error `from` is missing
    start.chain({ stages: [['trim', () => '']] });
    // @ts-expect-error there is no such source
    base.chain({ from: 'txt', stages: [['none', () => []]] });
    base.chain({ stages: [] }).parallel({ stages: { one: ({ words }) => words } });
  });

  test('knows no names of links made in a loop', () => {
    const links = Array.from({ length: 3 }, (_, index) => [`pass-${index}`, (given: string) => given] as const);
    const chained = start.chain({ from: 'text', stages: links });
    expectTypeOf(chained.stages['pass-2']?.['~types'].out).toEqualTypeOf<string | undefined>();
    chained.stage('next', { needs: ['pass-2'], run: ({ 'pass-2': last }) => expectTypeOf(last).toEqualTypeOf<string>() });
  });
});

describe('flow.parallel()', () => {
  test('types each by what all of them read, and by what it returns', () => {
    const group = base.parallel({
      stages: {
        count: ({ words }) => words.length,
        first: async ({ words }) => (words[0] === undefined ? skip('none') : { word: words[0] }),
      },
    });
    expectTypeOf(group.stages.count).toEqualTypeOf<Stage<number, Text, never, FromWords>>();
    expectTypeOf(group.stages.first).toEqualTypeOf<Stage<{ word: string }, Text, 'may skip', FromWords>>();
  });

  test('leaves no last stage', () => {
    const group = base.parallel({ stages: { count: ({ words }) => words.length } });
    group.parallel({ needs: ['count', 'text'], stages: { shown: ({ count, text }) => `${count} ${text}` } });
    group.parallel({ needs: [], stages: { alone: () => 1 } });
    // @ts-expect-error `needs` is missing
    group.parallel({ stages: { shown: () => 1 } });
    // @ts-expect-error `needs` is missing
    start.parallel({ stages: { shown: () => 1 } });
  });

  test('refuses options that stages do not have', () => {
    base.parallel({
      // @ts-expect-error it is called timeoutMs
      timeout: 5,
      stages: { count: () => 1 },
    });
    base.parallel({ timeoutMs: 5, kind: 'agent', stages: { count: () => 1 } });
  });
});

describe('flow.fanOutFanIn()', () => {
  test('types workers by the splitter, and the merger by the workers', () => {
    const fanned = base.fanOutFanIn({
      split: ['split', ({ words }) => ({ all: words })],
      workers: { count: (parts) => parts.all.length, first: async ({ all }) => all[0] ?? '' },
      merge: ['merge', ({ count, first }) => [count, first] as const],
    });
    expectTypeOf(fanned.stages.split).toEqualTypeOf<Stage<{ all: string[] }, Text, never, FromWords>>();
    expectTypeOf(fanned.stages.count).toEqualTypeOf<Stage<number, Text, never, { readonly split: { all: string[] } }>>();
    expectTypeOf(fanned.stages.merge).toEqualTypeOf<
      Stage<readonly [number, string], Text, never, { readonly count: number; readonly first: string }>
    >();
    fanned.parallel({ stages: { next: ({ merge }) => expectTypeOf(merge).toEqualTypeOf<readonly [number, string]>() } });
  });

  test('may skip where one of its stages may', () => {
    const fanned = base.fanOutFanIn({
      split: ['split', ({ words }) => words],
      workers: { one: (all) => (all.length === 0 ? skip('empty') : 1), two: () => 2 },
      merge: ['merge', ({ one, two }) => one + two],
    });
    expectTypeOf(fanned.stages.one['~types'].skips).toEqualTypeOf<'may skip'>();
    expectTypeOf(fanned.stages.two['~types'].skips).toEqualTypeOf<never>();
    expectTypeOf(fanned.stages.merge['~types'].skips).toEqualTypeOf<'may skip'>();
  });

  test('takes functions that are declared elsewhere, and refuses those that expect something else', () => {
    const count = (all: readonly string[]) => all.length;
    const add = (all: readonly number[]) => all.length;
    base.fanOutFanIn({ split: ['split', ({ words }) => words], workers: { count }, merge: ['merge', ({ count }) => count] });
    base.fanOutFanIn({
      split: ['split', ({ words }) => words],
      workers: {
        // @ts-expect-error it expects numbers
        add,
      },
      merge: ['merge', ({ add }) => add],
    });
  });
});

describe('flow.conditional()', () => {
  test('types the arms by what they read, and the merge by what they yield', () => {
    const told = (it: string | number) => String(it);
    const closed = base.conditional({
      route: ['size', ({ words }) => (words.length > 1 ? 'many' : 'single')],
      arms: { many: ({ words }) => words.length, single: async ({ words }) => words[0] ?? '' },
      merge: ['told', told],
    });
    expectTypeOf(closed.stages.size).toEqualTypeOf<Route<'many' | 'single', Text, never, FromWords>>();
    expectTypeOf(closed.stages.many).toEqualTypeOf<Stage<number, Text, 'may skip', FromWords>>();
    expectTypeOf(closed.stages.told).toEqualTypeOf<Stage<string, Text, never, { readonly taken: string | number }>>();
    closed.parallel({ stages: { next: ({ told }) => expectTypeOf(told).toEqualTypeOf<string>() } });
  });

  test('may skip where the arm that is taken may', () => {
    const closed = base.conditional({
      route: ['size', ({ words }) => (words.length > 1 ? 'many' : 'single')],
      arms: { many: () => 1, single: ({ words }) => (words[0] === '' ? skip('empty') : 2) },
      merge: ['told', (taken) => taken],
    });
    expectTypeOf(closed.stages.told['~types'].skips).toEqualTypeOf<'may skip'>();
  });

  test('refuses an arm too few and an arm too many', () => {
    base.conditional({
      route: ['size', ({ words }) => (words.length > 1 ? 'many' : 'single')],
      // @ts-expect-error `single` is missing
      arms: { many: () => 1 },
    });
    base.conditional({
      route: ['size', ({ words }) => (words.length > 1 ? 'many' : 'single')],
      arms: {
        many: () => 1,
        single: () => 2,
        // @ts-expect-error the route never says so
        none: () => 3,
      },
    });
  });

  test('leaves no last stage without a merge', () => {
    const open = base.conditional({ route: ['size', () => 'many' as const], arms: { many: () => 1 } });
    // @ts-expect-error `needs` is missing
    open.parallel({ stages: { next: () => 1 } });
  });
});
