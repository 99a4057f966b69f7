import { branch, type Demand, type Input, inputs, pipeline, type Region, route, type SkipsOf, skip, stage } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, count } = inputs<{ text: string; count: number }>();
type Text = Input<'text', string, string>;
type Count = Input<'count', number, number>;
const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });
const order = stage('order', { needs: { count }, run: ({ count }) => count });
const question = stage('question', { needs: { text }, run: ({ text }) => text });

describe('branch()', () => {
  test('yields what one of its arms yields, and demands what route and arms demand', () => {
    const reply = branch('reply', intent, { order, question });
    expectTypeOf(reply).toEqualTypeOf<Region<number | string, Text | Count, never>>();
    expectTypeOf<Parameters<ReturnType<typeof run>['run']>[0]>().toEqualTypeOf<{ readonly text: string; readonly count: number }>();
    function run() {
      return pipeline('p', { outputs: { reply } });
    }
  });

  test('refuses to be without an arm', () => {
    branch(
      'reply',
      intent,
      // @ts-expect-error there is no arm for "question"
      { order },
    );
  });

  test('refuses an arm for what the route never chooses', () => {
    branch('reply', intent, {
      order,
      question,
      // @ts-expect-error the route is typed to return "order" or "question"
      complaint: order,
    });
  });

  test('refuses an arm that is no stage, and a route that is none', () => {
    branch('reply', intent, {
      order,
      // @ts-expect-error an input has nothing to start
      question: text,
    });
    branch(
      'reply',
      // @ts-expect-error it chooses nothing
      question,
      { order, question },
    );
  });

  test('may skip where its route or one of its arms may', () => {
    const choosy = stage('choosy', { needs: { count }, run: ({ count }) => (count > 0 ? count : skip('none')) });
    const unsure = route('unsure', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : 'a') });
    const sure = branch('reply', intent, { order, question });
    const byArm = branch('reply', intent, { order: choosy, question });
    const byRoute = branch('reply', unsure, { a: order });
    expectTypeOf<SkipsOf<typeof sure>>().toEqualTypeOf<never>();
    expectTypeOf<SkipsOf<typeof byArm>>().toEqualTypeOf<'may skip'>();
    expectTypeOf<SkipsOf<typeof byRoute>>().toEqualTypeOf<'may skip'>();
  });

  test('is a stage to its readers, and an arm of another branch', () => {
    const reply = branch('reply', intent, { order, question });
    stage('reader', {
      needs: { reply },
      run: ({ reply }) => {
        expectTypeOf(reply).toEqualTypeOf<number | string>();
      },
    });
    const outer = branch('outer', intent, { order: reply, question });
    expectTypeOf(outer).toExtend<Region<number | string, Demand, never>>();
  });
});
