import { describe, expect, test } from 'vitest';
import { suspend } from '../control.ts';
import { guard, review, transform } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import type { Run } from '../run.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';

const { text } = inputs<{ text: string }>();

function judged(verdict: unknown): Promise<Run> {
  const safe = guard('safe', { subject: text, check: () => verdict as never });
  return pipeline('p', { outputs: { safe } }).run({ text: 'hi' });
}

describe('a value that a stage made', () => {
  const wrapping: Schema<unknown, { readonly read: unknown }> = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: { read: value } }) },
  };

  test('is frozen in development as its contract read it', async () => {
    const run = await pipeline('p', { outputs: { it: stage('it', { output: wrapping, run: () => 1 }) } }).run({});
    expect(run.outputs).toEqual({ it: { read: 1 } });
    expect(Object.isFrozen(run.outputs.it)).toBe(true);
  });

  test('is frozen in development where a guard put it in place of its subject', async () => {
    const value = { safe: true };
    expect((await judged(transform(value))).outputs).toEqual({ safe: value });
    expect(Object.isFrozen(value)).toBe(true);
  });
});

test.each<[string, () => Promise<Run>]>([
  ['a guard that asks for a person', () => judged(review('may it pass?'))],
  ['a stage with policies', () => pipeline('p', { outputs: { it: stage('it', { timeoutMs: 50, run: () => suspend('?') }) } }).run({})],
  ['a stage without', () => pipeline('p', { outputs: { it: stage('it', { run: () => suspend('?') }) } }).run({})],
])('%s is told what this run lacks', async (_, run) => {
  const { errors } = await run();
  expect(errors).toMatchObject([{ code: 'SF_RUNTIME_REQUIRED', details: { feature: expect.stringMatching(/a store.* keeps waits/) } }]);
});

test.each<[unknown, string]>([
  [undefined, 'it returned undefined'],
  [true, 'it returned the boolean true'],
  [{ verdict: 'pass' }, 'it returned an object with verdict'],
])('a guard that returns %o blocks, and says what it returned', async (returned, why) => {
  expect(await judged(returned)).toMatchObject({ status: 'blocked', reason: why, errors: [{ code: 'SF_GUARD_FAILED', details: { why } }] });
});

describe('a value that does not keep to the rules of its stage', () => {
  test.each<[unknown, string]>([
    [7, 'the number 7'],
    [undefined, 'undefined'],
    [['a'], 'an array of 1'],
  ])('fails a route that chooses %o', async (choice, received) => {
    const way = route('way', { run: () => choice as 'a' });
    const run = await pipeline('p', { outputs: { way } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_ROUTE_INVALID', details: { stage: 'way', received }, path: 'way' } });
    expect((await pipeline('p', { outputs: { way: route('way', { run: () => 'a' as const }) } }).run({})).outputs).toEqual({ way: 'a' });
  });

  test.each<[string, (result: object) => unknown]>([
    ['at once', (result) => result],
    ['later', async (result) => result],
  ])('fails a stage whose contract refuses it %s, with what it says', async (_, answer) => {
    const issues = [{ message: 'too short', path: ['name'] }];
    const output = { '~standard': { version: 1, vendor: 'test', validate: () => answer({ issues }) } } as Schema<string>;
    const run = await pipeline('p', { outputs: { it: stage('it', { output, run: () => 'x' }) } }).run({});
    expect(run).toMatchObject({
      status: 'failed',
      error: { code: 'SF_OUTPUT_INVALID', details: { stage: 'it', issues: ['name: too short'], received: 'the string "x"' }, path: 'it' },
    });
  });
});
