import { type Input, inputs, type Region, race, skip, stage } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, count } = inputs<{ text: string; count: number }>();
type Text = Input<'text', string, string>;
type Count = Input<'count', number, number>;
const small = stage('small', { needs: { count }, run: ({ count }) => count });
const large = stage('large', { needs: { text }, run: ({ text }) => text });
const choosy = stage('choosy', { needs: { count }, run: ({ count }) => (count > 0 ? count : skip('none')) });

describe('race()', () => {
  test('yields what one of its alternatives yields, and demands what all of them demand', () => {
    expectTypeOf(race('answer', small, large)).toEqualTypeOf<Region<number | string, Text | Count, never>>();
  });

  test('may skip only where all of its alternatives may', () => {
    expectTypeOf(race('answer', choosy, large)).toEqualTypeOf<Region<number | string, Text | Count, never>>();
    expectTypeOf(race('answer', choosy, choosy)).toEqualTypeOf<Region<number, Count, 'may skip'>>();
  });

  test('takes at least two stages', () => {
    // @ts-expect-error nobody to race against
    race('answer', small);
    // @ts-expect-error an input is there from the start
    race('answer', small, text);
  });
});
