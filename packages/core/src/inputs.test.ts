import { describe, expect, test } from 'vitest';
import { inputs, services } from './inputs.ts';
import { pipeline } from './pipeline.ts';
import type { Schema } from './schema.ts';
import { stage } from './stage.ts';

const text: Schema<string> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value) }) } };

describe('inputs()', () => {
  test('gives one object for one name', () => {
    const declared = inputs<{ text: string; id: number }>();
    expect(declared.text).toBe(declared.text);
    expect(declared.text).not.toBe(declared.id);
    expect(declared.text).toMatchObject({ kind: 'input', name: 'text' });
    expect(Object.isFrozen(declared.text)).toBe(true);
  });

  test('gives an input its schema, and only its own', () => {
    const declared = inputs({ text }) as Record<string, { readonly schema?: unknown }>;
    expect(declared['text']?.schema).toBe(text);
    expect(declared['other']?.schema).toBeUndefined();
    expect(declared['constructor']?.schema).toBeUndefined();
    expect((Reflect.get(declared, '__proto__') as { readonly schema?: unknown }).schema).toBeUndefined();
  });

  test('has no members under symbols, so that it can be printed and awaited upon', () => {
    const declared = inputs<{ text: string }>();
    expect(Reflect.get(declared, Symbol.toPrimitive)).toBeUndefined();
    expect(Reflect.get(declared, Symbol.iterator)).toBeUndefined();
    expect(Object.keys(declared)).toEqual([]);
  });

  test('has an input of every other name, `then` and those of Object.prototype included', async () => {
    const declared = inputs<{ then: string; hasOwnProperty: string }>();
    const needs = { now: declared.then, later: declared.hasOwnProperty };
    const both = stage('both', { needs, run: ({ now, later }) => `${now} ${later}` });
    const run = await pipeline('odd', { outputs: { both } }).runOrThrow(JSON.parse('{"then":"now","hasOwnProperty":"later"}'));
    expect(run.outputs.both).toBe('now later');
  });
});

describe('services()', () => {
  test('gives one object for one name, without a schema', () => {
    const declared = services<{ model: { ask(): string } }>();
    expect(declared.model).toBe(declared.model);
    expect(declared.model).toEqual({ kind: 'service', name: 'model' });
  });
});

test('a value given under a name that objects inherit is not taken from their prototype', async () => {
  const { constructor: inherited } = inputs<{ constructor?: unknown }>();
  const seen = stage('seen', { needs: { inherited }, run: (values) => values.inherited === undefined });
  expect((await pipeline('odd', { outputs: { seen } }).runOrThrow({})).outputs.seen).toBe(true);
});
