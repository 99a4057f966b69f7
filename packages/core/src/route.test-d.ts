import { type Condition, cancel, fail, type Input, inputs, type Route, route, type Stage, skip, stage } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text } = inputs<{ text: string }>();
type Text = Input<'text', string, string>;
const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });

describe('route()', () => {
  test('knows the ways its function returns', () => {
    expectTypeOf(intent).toEqualTypeOf<Route<'order' | 'question', Text, never, { readonly text: string }>>();
  });

  test('knows them where they come later, and from statements', () => {
    const later = route('later', { needs: { text }, run: async ({ text }) => (text === 'buy' ? 'order' : 'question') });
    const stepwise = route('stepwise', {
      needs: { text },
      run: ({ text }) => {
        if (text === 'buy') return 'order';
        return Promise.resolve('question' as const);
      },
    });
    expectTypeOf(later).toEqualTypeOf<Route<'order' | 'question', Text, never, { readonly text: string }>>();
    expectTypeOf(stepwise).toEqualTypeOf<Route<'order' | 'question', Text, never, { readonly text: string }>>();
  });

  test('takes the ways of a type that is declared', () => {
    const declared = route('declared', { run: (): 'a' | 'b' | 'c' => 'a' });
    expectTypeOf(declared).toExtend<Route<'a' | 'b' | 'c'>>();
  });

  test('has no control values among its ways', () => {
    const choosy = route('choosy', {
      needs: { text },
      run: ({ text }) => (text === '' ? skip('empty') : text === 'x' ? cancel('stop') : text === 'y' ? fail(new Error('no')) : 'a'),
    });
    expectTypeOf(choosy).toEqualTypeOf<Route<'a', Text, 'may skip', { readonly text: string }>>();
  });

  test('is a stage: readers receive the way it chose', () => {
    expectTypeOf(intent).toExtend<Stage<'order' | 'question', Text, never>>();
    stage('reader', {
      needs: { intent },
      run: ({ intent }) => {
        expectTypeOf(intent).toEqualTypeOf<'order' | 'question'>();
      },
    });
  });

  test('refuses a function that returns anything but a string', () => {
    route('bad', {
      needs: { text },
      // @ts-expect-error a number is no way
      run: ({ text }) => text.length,
    });
  });
});

describe('route.is()', () => {
  test('makes a condition that demands what the route demands', () => {
    expectTypeOf(intent.is('order')).toEqualTypeOf<Condition<Text>>();
    const order = stage('order', { when: intent.is('order'), run: () => 1 });
    expectTypeOf(order).toExtend<Stage<number, Text, 'may skip'>>();
    expectTypeOf(order).not.toExtend<Stage<number, never, 'may skip'>>();
  });

  test('takes one or more ways', () => {
    intent.is('order', 'question');
    // @ts-expect-error a condition without a way would never hold
    intent.is();
  });

  test('refuses a way the route does not have', () => {
    intent.is(
      'order',
      // @ts-expect-error it is called 'question'
      'qestion',
    );
  });

  test('is not the route: that is no condition', () => {
    stage('bad', {
      // @ts-expect-error ask the route: intent.is('order')
      when: intent,
      run: () => 1,
    });
  });
});
