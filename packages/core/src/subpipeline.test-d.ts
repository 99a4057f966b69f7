import { type Input, inputs, optional, pipeline, type Region, services, skip, stage, subpipeline } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, limit } = inputs<{ text: string; limit?: number }>();
type Text = Input<'text', string, string>;
const { model } = services<{ model: { ask(text: string): string } }>();
const short = stage('short', { needs: { text, limit }, run: ({ text, limit }) => text.slice(0, limit) });
const size = stage('size', { needs: { short }, run: ({ short }) => (short === '' ? skip('empty') : short.length) });
const summarize = pipeline('summarize', { outputs: { short, size } });

describe('subpipeline()', () => {
  test('yields the outputs of the nested pipeline, and demands what its inputs are taken from', () => {
    const summary = subpipeline('summary', summarize, { text });
    expectTypeOf(summary).toEqualTypeOf<Region<{ readonly short: string; readonly size: number | undefined }, Text, never>>();
  });

  test('takes a source of any kind for an input', () => {
    const document = stage('document', { needs: { text }, run: ({ text }) => text });
    const { limit } = inputs<{ limit: number }>();
    expectTypeOf(subpipeline('summary', summarize, { text: document, limit })).toExtend<
      Region<unknown, Text | Input<'limit', number, number>, never>
    >();
  });

  test('refuses to be without an input, and one of the wrong type', () => {
    // @ts-expect-error text is missing
    subpipeline('summary', summarize, {});
    subpipeline('summary', summarize, {
      // @ts-expect-error a number is no text
      text: stage('number', { run: () => 1 }),
    });
    const maybe = stage('maybe', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text) });
    subpipeline('summary', summarize, {
      // @ts-expect-error undefined is no text
      text: optional(maybe),
    });
  });

  test('refuses what is no input of the nested pipeline, such as a misspelt one', () => {
    subpipeline('summary', summarize, {
      text,
      // @ts-expect-error it is called "limit"
      limt: stage('three', { run: () => 3 }),
    });
  });

  test('may skip where what it is given may', () => {
    const maybe = stage('maybe', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text) });
    expectTypeOf(subpipeline('summary', summarize, { text: maybe })).toExtend<Region<unknown, Text, 'may skip'>>();
    expectTypeOf(subpipeline('summary', summarize, { text: maybe })).not.toExtend<Region<unknown, Text, never>>();
  });

  test('demands the services of the nested pipeline', () => {
    const asked = stage('asked', { needs: { text, model }, run: ({ text, model }) => model.ask(text) });
    const outer = subpipeline('outer', pipeline('nested', { outputs: { asked } }), { text });
    const made = pipeline('p', { outputs: { outer } });
    // @ts-expect-error the service is missing
    void made.run({ text: '' });
    void made.run({ text: '' }, { services: { model: { ask: (text) => text } } });
  });

  test('of a pipeline without inputs takes none', () => {
    const nested = pipeline('nested', { outputs: { one: stage('one', { run: () => 1 }) } });
    expectTypeOf(subpipeline('outer', nested, {})).toExtend<Region<{ readonly one: number }, never, never>>();
  });
});
