import { fallback, type Input, inputs, type Region, skip, stage } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, count } = inputs<{ text: string; count: number }>();
type Text = Input<'text', string, string>;
type Count = Input<'count', number, number>;
const live = stage('live', { needs: { count }, run: ({ count }) => count });
const cached = stage('cached', { needs: { text }, run: ({ text }) => text });
const choosy = stage('choosy', { needs: { count }, run: ({ count }) => (count > 0 ? count : skip('none')) });

describe('fallback()', () => {
  test('yields what one of its alternatives yields, and demands what all of them demand', () => {
    expectTypeOf(fallback('price', live, cached)).toEqualTypeOf<Region<number | string, Text | Count, never>>();
  });

  test('may skip only where its last alternative may', () => {
    expectTypeOf(fallback('price', choosy, cached)).toEqualTypeOf<Region<number | string, Text | Count, never>>();
    expectTypeOf(fallback('price', cached, choosy)).toEqualTypeOf<Region<number | string, Text | Count, 'may skip'>>();
  });

  test('takes at least two stages', () => {
    // @ts-expect-error nothing to fall back to
    fallback('price', live);
    // @ts-expect-error an input cannot fail
    fallback('price', live, text);
  });
});
