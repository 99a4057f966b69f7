// Whether a source may be skipped, as its type says it: the rules of the join table, one test each.
import {
  block,
  type EndedOutcome,
  firstOf,
  guard,
  inputs,
  optional,
  pass,
  pipeline,
  route,
  type SkipsOf,
  settled,
  skip,
  stage,
  work,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { count, text } = inputs<{ count: number; text: string }>();
const sure = stage('sure', { needs: { count }, run: ({ count }) => count });
const choosy = stage('choosy', { needs: { count }, run: ({ count }) => (count > 0 ? count : skip('none')) });
const reader = stage('reader', { needs: { choosy }, run: ({ choosy }) => choosy });
const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });

describe('a stage may skip', () => {
  test('where it returns skip(), at once or later', () => {
    expectTypeOf<SkipsOf<typeof choosy>>().toEqualTypeOf<'may skip'>();
    const later = stage('later', { run: async () => (Math.random() > 0.5 ? 1 : skip('none')) });
    expectTypeOf<SkipsOf<typeof later>>().toEqualTypeOf<'may skip'>();
    const only = stage('only', { run: () => skip('never anything') });
    expectTypeOf<SkipsOf<typeof only>>().toEqualTypeOf<'may skip'>();
  });

  test('where a plain need may, at any distance', () => {
    expectTypeOf<SkipsOf<typeof reader>>().toEqualTypeOf<'may skip'>();
    const far = stage('far', { needs: { sure, reader }, run: ({ sure, reader }) => sure + reader });
    expectTypeOf<SkipsOf<typeof far>>().toEqualTypeOf<'may skip'>();
  });

  test('where `when` decides, by condition or by predicate', () => {
    const order = stage('order', { when: intent.is('order'), run: () => 1 });
    const large = stage('large', { needs: { count }, when: ({ count }) => count > 10, run: ({ count }) => count });
    expectTypeOf<SkipsOf<typeof order>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof large>>().toEqualTypeOf<'may skip'>();
  });

  test('where a failure counts as a skip', () => {
    const lenient = stage('lenient', { onFailure: 'skip', run: () => 1 });
    const strict = stage('strict', { onFailure: 'fail', run: () => 1 });
    const lenientWork = work('lenient', { onFailure: 'skip', run: () => 1 });
    expectTypeOf<SkipsOf<typeof lenient>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof lenientWork>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof strict>>().toEqualTypeOf<never>();
  });

  test('where it is a guard of, a route over or work on what may skip', () => {
    const safe = guard('safe', { subject: choosy, check: () => pass() });
    const safeBeside = guard('safe', { subject: sure, needs: { choosy }, check: () => pass() });
    const way = route('way', { needs: { choosy }, run: () => 'a' });
    const save = work('save', { needs: { choosy }, run: () => {} });
    expectTypeOf<SkipsOf<typeof safe>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof safeBeside>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof way>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof save>>().toEqualTypeOf<'may skip'>();
  });
});

describe('a stage does not skip', () => {
  test('where nothing it reads does', () => {
    expectTypeOf<SkipsOf<typeof sure>>().toEqualTypeOf<never>();
    expectTypeOf<SkipsOf<typeof count>>().toEqualTypeOf<never>();
    expectTypeOf<SkipsOf<typeof intent>>().toEqualTypeOf<never>();
  });

  test('by order alone: what it comes after may skip', () => {
    const next = stage('next', { after: [choosy], run: () => 1 });
    expectTypeOf<SkipsOf<typeof next>>().toEqualTypeOf<never>();
  });

  test('by what is typed any or unknown: that is taken to be a value', () => {
    const loose = stage('loose', { run: () => JSON.parse('1') });
    const unsure = stage('unsure', { run: () => null as unknown });
    expectTypeOf<SkipsOf<typeof loose>>().toEqualTypeOf<never>();
    expectTypeOf<SkipsOf<typeof unsure>>().toEqualTypeOf<never>();
  });

  test('by a block: that is no choice of the stage', () => {
    const safe = guard('safe', { subject: sure, check: ({ subject }) => (subject > 0 ? pass() : block('not positive')) });
    expectTypeOf<SkipsOf<typeof safe>>().toEqualTypeOf<never>();
  });
});

describe('an edge', () => {
  test('optional: adds undefined and may not skip', () => {
    const edge = optional(choosy);
    expectTypeOf<SkipsOf<typeof edge>>().toEqualTypeOf<never>();
    const tolerant = stage('tolerant', {
      needs: { choosy: optional(choosy) },
      run: ({ choosy }) => {
        expectTypeOf(choosy).toEqualTypeOf<number | undefined>();
        return choosy ?? 0;
      },
    });
    expectTypeOf<SkipsOf<typeof tolerant>>().toEqualTypeOf<never>();
  });

  test('settled: reads the outcome and may not skip', () => {
    const edge = settled(choosy);
    expectTypeOf<SkipsOf<typeof edge>>().toEqualTypeOf<never>();
    stage('judge', {
      needs: { choosy: settled(choosy) },
      run: ({ choosy }) => {
        expectTypeOf(choosy).toEqualTypeOf<EndedOutcome<number>>();
      },
    });
  });

  test('firstOf: may skip only where all of its sources may', () => {
    const other = stage('other', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text) });
    const all = firstOf(choosy, other);
    const one = firstOf(choosy, other, sure);
    expectTypeOf<SkipsOf<typeof all>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof one>>().toEqualTypeOf<never>();
  });

  test('optional over firstOf: undefined where all were skipped', () => {
    const other = stage('other', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text) });
    stage('reader', {
      needs: { any: optional(firstOf(choosy, other)) },
      run: ({ any }) => {
        expectTypeOf(any).toEqualTypeOf<number | string | undefined>();
      },
    });
  });
});

test('an output that may be skipped may be undefined, another may not', () => {
  const { run } = pipeline('p', { outputs: { sure, choosy, reader, tolerated: optional(choosy) } });
  expectTypeOf(run).returns.resolves.toHaveProperty('outputs');
  type Completed = Extract<Awaited<ReturnType<typeof run>>, { status: 'completed' }>;
  expectTypeOf<Completed['outputs']>().toEqualTypeOf<{
    readonly sure: number;
    readonly choosy: number | undefined;
    readonly reader: number | undefined;
    readonly tolerated: number | undefined;
  }>();
});
