import { firstOf, inputs, optional, pipeline, settled, skip, stage } from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

describe('reading', () => {
  test('[52] the first named stage that has a value is read, in the order written and never the first in time', async () => {
    const clock = virtualClock();
    const none = stage('none', { run: () => skip('nothing') });
    const slow = stage('slow', { run: () => clock.sleep(50).then(() => 'slow') });
    const fast = stage('fast', { run: () => 'fast' });
    const first = stage('first', { needs: { value: firstOf(none, slow, fast) }, run: ({ value }) => value });
    const nothing = stage('nothing', { needs: { value: optional(firstOf(none, none)) }, run: ({ value }) => value ?? 'default' });
    const run = await clock.settle(pipeline('p', { outputs: { first, nothing } }).runOrThrow({}, { clock }));

    expect(run.outputs).toEqual({ first: 'slow', nothing: 'default' });
  });

  test('[53] a need that was skipped by choice is undefined, for which the reader has a default', async () => {
    const profile = stage('profile', { run: () => (Math.random() > 1 ? { name: 'Ann' } : skip('anonymous')) });
    const known = stage('known', { run: () => ({ name: 'Ann' }) });
    const greet = stage('greet', {
      needs: { profile: optional(profile), known: optional(known) },
      run: ({ profile: own, known: other }) => [own?.name ?? 'you', other?.name ?? 'you'],
    });
    expect((await pipeline('p', { outputs: { greet } }).runOrThrow({})).outputs.greet).toEqual(['you', 'Ann']);
  });

  test('[54] a reader receives the very value that was yielded', async () => {
    const value = new Map([['a', 1]]);
    const give = stage('give', { run: () => value });
    const take = stage('take', { needs: { give }, run: ({ give: taken }) => taken === value });

    expect((await pipeline('p', { outputs: { take } }).runOrThrow({})).outputs.take).toBe(true);
  });

  test('[55] whether another stage has a value is read as its outcome', async () => {
    const there = stage('there', { run: () => 1 });
    const gone = stage('gone', { run: () => skip('away') });
    const look = stage('look', {
      needs: { there: settled(there), gone: settled(gone) },
      run: (seen) => [seen.there, seen.gone],
    });
    expect((await pipeline('p', { outputs: { look } }).runOrThrow({})).outputs.look).toEqual([
      { status: 'completed', output: 1 },
      { status: 'skipped', reason: 'away' },
    ]);
  });

  test('[57] a stage receives what it declares and nothing else', async () => {
    const { text } = inputs<{ text: string }>();
    const one = stage('one', { needs: { text }, run: () => 1 });
    const two = stage('two', { needs: { one }, after: [stage('side', { run: () => 2 })], run: (values) => Object.keys(values) });

    expect((await pipeline('p', { outputs: { two } }).runOrThrow({ text: '' })).outputs.two).toEqual(['one']);
  });

  test('[59] the value of a declared need is read, under the name the reader gave it', async () => {
    const one = stage('one', { run: () => 1 });
    const two = stage('two', { needs: { renamed: one }, run: ({ renamed }) => renamed + 1 });

    expect((await pipeline('p', { outputs: { two } }).runOrThrow({})).outputs.two).toBe(2);
  });

  test('[60] what a stage receives cannot be reassigned, so that a second attempt reads what the first did', async () => {
    const clock = virtualClock();
    const { text } = inputs<{ text: string }>();
    const read: string[] = [];
    const twice = stage('twice', {
      needs: { text },
      retry: { attempts: 2, baseMs: 0 },
      run: (values, { attempt }) => {
        read.push(values.text);
        try {
          Object.assign(values, { text: 'overwritten' });
        } catch {}
        if (attempt === 1) throw new Error('again');
      },
    });
    await clock.settle(pipeline('p', { outputs: { twice } }).run({ text: 'given' }, { clock }));

    expect(read).toEqual(['given', 'given']);
  });
});

describe('refusing', () => {
  test('[56] reading a stage that does not exist names reader, stage and the nearest that does', () => {
    const define = (needs: Record<string, string>) =>
      definePipeline({
        name: 'p',
        stages: [
          { name: 'answer', run: () => 1 },
          { name: 'audit', needs, run: () => 2 },
        ],
        outputs: { audit: 'audit', answer: 'answer' },
      });

    expect(() => define({ it: 'answr' })).toThrow(/"it" of stage "audit" names the stage "answr".*Did you mean "answer"\?/);
    expect(() => define({ it: 'answer' })).not.toThrow();
  });

  test.each([
    ['an empty key', { needs: { '': 'a' } }, 'SF_NAME_INVALID', 'it is empty'],
    ['an empty name', { needs: { it: '' } }, 'SF_UNKNOWN_STAGE', 'names the stage ""'],
    ['nothing', { needs: { it: undefined } }, 'SF_UNKNOWN_SOURCE', 'received undefined'],
    ['null', { needs: { it: null } }, 'SF_UNKNOWN_SOURCE', 'received null'],
    ['a number', { needs: { it: 123 } }, 'SF_UNKNOWN_SOURCE', 'received the number 123'],
    ['an order after nothing', { after: [undefined] }, 'SF_UNKNOWN_STAGE', '"after" of stage "b"'],
    ['an order after null', { after: [null] }, 'SF_UNKNOWN_STAGE', '"after" of stage "b"'],
  ])('[58] %s is refused before anything runs', (_, broken, code, words) => {
    const define = (second: object) =>
      definePipeline({
        name: 'p',
        stages: [
          { name: 'a', run: () => 1 },
          { name: 'b', run: () => 2, ...second },
        ],
        outputs: { a: 'a', b: 'b' },
      });

    expect(() => define({ needs: { it: 'a' } })).not.toThrow();
    expect(() => define(broken)).toThrow(
      expect.objectContaining({
        code: 'SF_PLAN_INVALID',
        details: expect.objectContaining({
          problems: expect.arrayContaining([expect.objectContaining({ code, message: expect.stringContaining(words) })]),
        }),
      }),
    );
  });
});
