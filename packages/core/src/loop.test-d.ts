import { type Input, inputs, type Local, loop, type Region, skip, stage } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { count, text } = inputs<{ count: number; text: string }>();
type Count = Input<'count', number, number>;
const start = stage('start', { needs: { count }, run: ({ count }) => count });

describe('loop()', () => {
  test('gives its body the state and the turn, and yields the state', () => {
    const it = loop(
      'it',
      start,
      (state, turn) => {
        expectTypeOf(state).toEqualTypeOf<Local<'it', number>>();
        expectTypeOf(turn).toEqualTypeOf<Local<'it', number>>();
        return stage('more', { needs: { state, text }, run: ({ state, text }) => state + text.length });
      },
      {
        maxTurns: 3,
        until: (state, turn) => {
          expectTypeOf(state).toEqualTypeOf<number>();
          return state > turn;
        },
      },
    );
    expectTypeOf(it).toEqualTypeOf<Region<number, Count | Input<'text', string, string>, never>>();
  });

  test('refuses a body that yields anything but a state', () => {
    // @ts-expect-error the next state would be a string
    loop('it', start, (state) => stage('more', { needs: { state }, run: ({ state }) => `${state}` }), { maxTurns: 1, until: () => true });
  });

  test('refuses to be without a bound, and a condition that is asked later', () => {
    const more = (state: Local<'it', number>) => stage('more', { needs: { state }, run: ({ state }) => state + 1 });
    // @ts-expect-error how many turns at most?
    loop('it', start, more, { until: () => true });
    // @ts-expect-error a promise is no answer
    loop('it', start, more, { maxTurns: 1, until: async () => true });
  });

  test('may skip where its first state or a turn may', () => {
    const none = stage('none', { needs: { count }, run: ({ count }) => (count > 0 ? count : skip('none')) });
    const more = (state: Local<'it', number>) => stage('more', { needs: { state }, run: ({ state }) => state + 1 });
    const choosy = (state: Local<'it', number>) =>
      stage('more', { needs: { state }, run: ({ state }) => (state > 0 ? state : skip('none')) });
    expectTypeOf(loop('it', start, more, { maxTurns: 1, until: () => true })).toEqualTypeOf<Region<number, Count, never>>();
    expectTypeOf(loop('it', none, more, { maxTurns: 1, until: () => true })).toEqualTypeOf<Region<number, Count, 'may skip'>>();
    expectTypeOf(loop('it', start, choosy, { maxTurns: 1, until: () => true })).toEqualTypeOf<Region<number, Count, 'may skip'>>();
  });
});
