import {
  type FirstOf,
  firstOf,
  type Input,
  inputs,
  type Optional,
  optional,
  pipeline,
  type Settled,
  type StageflowError,
  settled,
  skip,
  stage,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, count } = inputs<{ text: string; count: number }>();
const words = stage('words', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text.split(' ')) });
const size = stage('size', { needs: { count }, run: ({ count }) => count });
const maybe = stage('maybe', { needs: { count }, run: ({ count }) => (count > 0 ? count : undefined) });
type Text = Input<'text', string, string>;
type Count = Input<'count', number, number>;

describe('optional()', () => {
  test('adds undefined and keeps what is demanded', () => {
    expectTypeOf(optional(words)).toEqualTypeOf<Optional<string[], Text>>();
    stage('reader', {
      needs: { words: optional(words) },
      run: ({ words }) => {
        expectTypeOf(words).toEqualTypeOf<string[] | undefined>();
        // @ts-expect-error it may have been skipped
        return words.length;
      },
    });
  });

  test('adds nothing to what may be undefined as it is', () => {
    stage('reader', {
      needs: { maybe: optional(maybe) },
      run: ({ maybe }) => {
        expectTypeOf(maybe).toEqualTypeOf<number | undefined>();
      },
    });
  });

  test('takes stages and what coalesces them, nothing that cannot be skipped', () => {
    expectTypeOf(optional(firstOf(words, size))).toEqualTypeOf<Optional<string[] | number, Text | Count>>();
    // @ts-expect-error an input is always there
    optional(text);
    // @ts-expect-error an outcome is always there
    optional(settled(words));
  });
});

describe('settled()', () => {
  test('reads the outcome, to be asked for its status first', () => {
    expectTypeOf(settled(words)).toEqualTypeOf<Settled<string[], Text>>();
    stage('reader', {
      needs: { words: settled(words) },
      run: ({ words }) => {
        if (words.status === 'completed') expectTypeOf(words.output).toEqualTypeOf<string[]>();
        if (words.status === 'skipped') expectTypeOf(words.reason).toEqualTypeOf<string>();
        if (words.status === 'failed') expectTypeOf(words.error).toEqualTypeOf<StageflowError>();
        if (words.status === 'blocked') expectTypeOf(words.reason).toEqualTypeOf<string>();
        // @ts-expect-error not every outcome has an output
        return words.output;
      },
    });
  });

  test('takes stages alone', () => {
    // @ts-expect-error an input has no outcome
    settled(text);
  });
});

describe('firstOf()', () => {
  test('yields what one of its sources yields', () => {
    expectTypeOf(firstOf(words, size)).toEqualTypeOf<FirstOf<string[] | number, Text | Count, never>>();
  });

  test('takes two stages or more', () => {
    firstOf(words, size, maybe);
    // @ts-expect-error there is nothing to choose from
    firstOf(words);
    firstOf(
      words,
      // @ts-expect-error an input cannot be skipped
      text,
    );
  });
});

test('an edge can be an output', () => {
  const { run } = pipeline('p', { outputs: { words: optional(words), first: firstOf(words, size), how: settled(size) } });
  type Completed = Extract<Awaited<ReturnType<typeof run>>, { status: 'completed' }>;
  expectTypeOf<Completed['outputs']['words']>().toEqualTypeOf<string[] | undefined>();
  expectTypeOf<Completed['outputs']['first']>().toEqualTypeOf<string[] | number>();
  expectTypeOf<Completed['outputs']['how']['status']>().toEqualTypeOf<'completed' | 'skipped' | 'failed' | 'blocked' | 'cancelled'>();
});
