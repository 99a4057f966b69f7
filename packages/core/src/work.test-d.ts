import { type EffectResult, type Input, inputs, type Stage, skip, stage, work } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

const { text } = inputs<{ text: string }>();
const reply = stage('reply', { needs: { text }, run: ({ text }) => ({ id: 1, text }) });
type Text = Input<'text', string, string>;

describe('work()', () => {
  test('yields what its function returns', () => {
    const save = work('save', { needs: { reply }, run: async ({ reply }) => ({ saved: reply.id }) });
    expectTypeOf(save).toEqualTypeOf<Stage<{ saved: number }, Text, never, { readonly reply: { id: number; text: string } }>>();
  });

  test('yields what its contract makes of that', () => {
    const save = work('save', { needs: { reply }, output: z.string().transform(Number), run: ({ reply }) => String(reply.id) });
    expectTypeOf(save).toExtend<Stage<number, Text, never>>();
  });

  test('makes its key of the values', () => {
    work('save', { needs: { reply }, idempotencyKey: ({ reply }) => `reply:${reply.id}`, run: (_, { idempotencyKey }) => idempotencyKey });
    work('save', {
      needs: { reply },
      // @ts-expect-error a key is a string
      idempotencyKey: ({ reply }) => reply.id,
      run: () => {},
    });
    work('save', {
      needs: { reply },
      // @ts-expect-error `text` is not among the needs
      idempotencyKey: ({ text }) => text,
      run: () => {},
    });
  });

  test('makes the parameters that are compared of the values', () => {
    const save = work('save', {
      needs: { reply },
      idempotencyKey: ({ reply }) => String(reply.id),
      deduplicate: { scope: 'replies', params: ({ reply }) => reply.text.length, ttlMs: 1_000 },
      run: ({ reply }) => reply.id,
    });
    expectTypeOf(save).toEqualTypeOf<Stage<number, Text, never, { readonly reply: { id: number; text: string } }>>();
    work('save', { needs: { reply }, idempotencyKey: () => 'k', deduplicate: true, run: () => {} });
    work('save', {
      needs: { reply },
      idempotencyKey: () => 'k',
      // @ts-expect-error `text` is not among the needs
      deduplicate: { params: ({ text }) => text },
      run: () => {},
    });
    work('save', {
      idempotencyKey: () => 'k',
      // @ts-expect-error a promise that is not asked for is left out
      deduplicate: false,
      run: () => {},
    });
  });

  test('is undone with its values, and with what it gave', () => {
    work('save', {
      needs: { reply },
      run: ({ reply }) => (reply.id === 0 ? skip('nothing new') : { saved: reply.id }),
      undo: ({ reply }, { result }) => {
        expectTypeOf(reply).toEqualTypeOf<{ id: number; text: string }>();
        expectTypeOf(result).toEqualTypeOf<EffectResult<{ saved: number }>>();
      },
    });
    work('save', {
      run: () => 1,
      undo: { run: (_, { result }) => expectTypeOf(result).toEqualTypeOf<EffectResult<number>>(), retry: { attempts: 2 }, timeoutMs: 10 },
    });
    work('save', {
      needs: { reply },
      run: () => 1,
      // @ts-expect-error `text` is not among the needs
      undo: ({ text }) => text,
    });
    stage('bad', {
      run: () => 1,
      // @ts-expect-error what changes nothing outside has nothing to undo
      undo: () => {},
    });
  });

  test('may skip, as a stage may', () => {
    const save = work('save', { needs: { reply }, run: ({ reply }) => (reply.id === 0 ? skip('nothing new') : reply.id) });
    expectTypeOf(save).toExtend<Stage<number, Text, 'may skip'>>();
    expectTypeOf(save).not.toExtend<Stage<number, Text, never>>();
  });

  test('alone has a key: a plain stage takes none', () => {
    stage('bad', {
      needs: { reply },
      // @ts-expect-error only work has an idempotency key
      idempotencyKey: () => 'a',
      run: () => 1,
    });
  });
});
