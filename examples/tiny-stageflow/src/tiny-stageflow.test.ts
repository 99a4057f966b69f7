import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { input, type Outcome, optional, pipeline, type Source, skip, stage } from './tiny-stageflow.ts';

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const text = input<{ text: string }>()('text');
const limit = input<{ limit: number }>()('limit');

describe('tiny-stageflow', () => {
  test('hands each stage what it needs', async () => {
    const words = stage('words', { needs: { text }, run: ({ text }) => text.split(' ') });
    const first = stage('first', { needs: { words, limit }, run: async ({ words, limit }) => words.slice(0, limit) });
    expect(await pipeline({ first }).run({ text: 'a b c', limit: 2 })).toEqual({ first: { status: 'completed', value: ['a', 'b'] } });
  });

  test('runs a stage once, however many read it', async () => {
    let calls = 0;
    const base = stage('base', { needs: { text }, run: () => ++calls });
    const left = stage('left', { needs: { base }, run: ({ base }) => base });
    const right = stage('right', { needs: { base, left }, run: ({ base, left }) => [base, left] });
    expect(await pipeline({ right, base }).run({ text: '' })).toMatchObject({ right: { value: [1, 1] }, base: { value: 1 } });
    expect(calls).toBe(1);
  });

  test('runs a stage again in the next run', async () => {
    let calls = 0;
    const count = stage('count', { needs: { text }, run: () => ++calls });
    const counting = pipeline({ count });
    await counting.run({ text: '' });
    expect(await counting.run({ text: '' })).toEqual({ count: { status: 'completed', value: 2 } });
  });

  test('starts stages that do not need each other at the same time', async () => {
    let arrive: (word: string) => void = () => {};
    const meeting = new Promise<string>((resolve) => {
      arrive = resolve;
    });
    const early = stage('early', { needs: {}, run: () => meeting });
    const late = stage('late', { needs: {}, run: () => arrive('met') });
    const both = stage('both', { needs: { early, late }, run: ({ early }) => early });
    expect(await pipeline({ both }).run({})).toMatchObject({ both: { value: 'met' } });
  });

  test('skips the readers of a skipped stage, but not its optional readers', async () => {
    const ran: string[] = [];
    const profile = stage('profile', { needs: { text }, run: ({ text }) => (text === '' ? skip('nobody') : text) });
    const plain = stage('plain', { needs: { profile }, run: () => ran.push('plain') });
    const tolerant = stage('tolerant', { needs: { profile: optional(profile) }, run: ({ profile }) => profile ?? 'somebody' });
    const result = await pipeline({ plain, tolerant }).run({ text: '' });
    expect(result).toEqual({ plain: { status: 'skipped', reason: 'nobody' }, tolerant: { status: 'completed', value: 'somebody' } });
    expect(ran).toEqual([]);
  });

  test('carries a failure to every reader, past optional', async () => {
    const broken = new Error('out of paper');
    const print = stage('print', {
      needs: {},
      run: (): string => {
        throw broken;
      },
    });
    const file = stage('file', { needs: { print: optional(print) }, run: () => 'filed' });
    const other = stage('other', { needs: {}, run: () => 'done' });
    expect(await pipeline({ file, other }).run({})).toEqual({
      file: { status: 'failed', error: broken },
      other: { status: 'completed', value: 'done' },
    });
  });

  test('types what is yielded and what is asked', () => {
    const length = stage('length', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text.length) });
    const fits = stage('fits', { needs: { length: optional(length), limit }, run: ({ length, limit }) => (length ?? 0) <= limit });
    expectTypeOf(length).toExtend<Source<number, { text: string }>>();
    expectTypeOf(fits).toExtend<Source<boolean, { text: string; limit: number }>>();
    const { run } = pipeline({ fits });
    expectTypeOf(run).parameter(0).toExtend<{ text: string; limit: number }>();
    expectTypeOf(run).returns.resolves.toEqualTypeOf<{ readonly fits: Outcome<boolean> }>();
    // @ts-expect-error the limit is missing
    void run({ text: '' });
  });

  test('prints its outcomes when started by itself', () => {
    const printed = execFileSync(process.execPath, [fileOf('main.ts')], { encoding: 'utf8' });
    expect(printed).toContain("shout: { status: 'completed', value: 'HELLO, COUNTESS ADA!' }");
    expect(printed).toContain("title: { status: 'skipped', reason: 'no title' }");
  });

  test('stays readable: about a hundred lines, and nothing imported', () => {
    const source = readFileSync(fileOf('tiny-stageflow.ts'), 'utf8');
    expect(source.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(105);
    expect(source).not.toMatch(/^import/m);
  });
});
