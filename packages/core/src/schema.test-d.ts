import { defineEvent, type EventDefinition, inputs, type Schema, type Stage, skip, stage } from '@stageflow/core';
import * as v from 'valibot';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

const { text } = inputs<{ text: string }>();

describe('the contract of a stage', () => {
  test('decides what readers receive, whichever library it is of', () => {
    const byZod = stage('s', {
      needs: { text },
      output: z.object({ at: z.string().transform((at) => new Date(at)) }),
      run: ({ text }) => ({ at: text }),
    });
    const byValibot = stage('s', {
      needs: { text },
      output: v.object({ at: v.pipe(v.string(), v.toDate()) }),
      run: ({ text }) => ({ at: text }),
    });
    expectTypeOf(byZod).toExtend<Stage<{ at: Date }, typeof text, never>>();
    expectTypeOf(byValibot).toExtend<Stage<{ at: Date }, typeof text, never>>();
  });

  test('takes whatever the function returns: it is checked when it runs', () => {
    const read = stage('read', { needs: { text }, output: z.object({ n: z.number() }), run: ({ text }) => JSON.parse(text) as unknown });
    stage('reader', {
      needs: { read },
      run: ({ read }) => {
        expectTypeOf(read).toEqualTypeOf<{ n: number }>();
      },
    });
  });

  test('leaves the skip of the function to be seen', () => {
    const read = stage('read', { needs: { text }, output: z.number(), run: ({ text }) => (text === '' ? skip('empty') : Number(text)) });
    expectTypeOf(read).toExtend<Stage<number, typeof text, 'may skip'>>();
    expectTypeOf(read).not.toExtend<Stage<number, typeof text, never>>();
  });

  test('may be any schema, optional too', () => {
    const loose = null as never as Schema<string, number> | undefined;
    const read = stage('read', { output: loose, run: () => 'text' });
    expectTypeOf(read).toExtend<Stage<number | string>>();
  });

  test('is a Standard Schema and nothing else', () => {
    stage('bad', {
      // @ts-expect-error an object with `parse` is no Standard Schema
      output: { parse: () => 1 },
      run: () => 1,
    });
  });
});

describe('Schema', () => {
  test('is what the libraries have', () => {
    expectTypeOf(z.string().transform(Number)).toExtend<Schema<string, number>>();
    expectTypeOf(v.pipe(v.string(), v.transform(Number))).toExtend<Schema<string, number>>();
    expectTypeOf(z.string()).toExtend<Schema>();
    expectTypeOf(z.string()).not.toExtend<Schema<unknown, number>>();
  });
});

describe('where else a schema is taken', () => {
  test('a context reads extensions and configuration through one', () => {
    stage('s', {
      run: (_, context) => {
        expectTypeOf(context.extension('tenant', z.object({ plan: z.string() }))).toEqualTypeOf<{ plan: string }>();
        expectTypeOf(context.config('limit', v.pipe(v.string(), v.transform(Number)))).toEqualTypeOf<number>();
      },
    });
  });

  test('an event has the payload its schema says', () => {
    const priced = defineEvent('priced', z.object({ cents: z.number() }));
    expectTypeOf(priced).toEqualTypeOf<EventDefinition<{ cents: number }>>();
    stage('s', {
      run: (_, context) => {
        context.emit(priced, { cents: 1 });
        context.emit(priced, {
          // @ts-expect-error it is a number
          cents: '1',
        });
      },
    });
  });
});
