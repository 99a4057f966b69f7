import { describe, expect, test } from 'vitest';
import { cancel, skip } from '../control.ts';
import { firstOf, optional, settled } from '../edge.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import { type Stage, stage } from '../stage.ts';

const completed = stage('completed', { run: () => 1 });
const skipped = stage('skipped', { run: () => skip('nothing') });
const failed = stage('failed', { run: () => Promise.reject(new Error('no')) });
const blocked = guard('blocked', { subject: inputs<{ text: string }>().text, check: () => block('no') }) as Stage;
const doomed = stage('doomed', { needs: { failed }, run: () => 1 });
const behindBlock = stage('behind block', { needs: { blocked }, run: () => 1 });
const behindSkip = stage('behind skip', { needs: { skipped }, run: () => 1 });
const fallible = stage('fallible', { onFailure: 'skip', run: () => Promise.reject(new Error('no')) });
const ends: Stage[] = [completed, skipped, failed, blocked, doomed, behindBlock, behindSkip, fallible];

/** What became of a reader of `source`, and what it read. */
async function reader(spec: object): Promise<unknown> {
  const it = stage('reader', { ...spec, run: (values: object) => ({ ...values }) } as never) as Stage;
  const run = await pipeline('p', { outputs: { it }, failureMode: 'continue' }).run({ text: 'hi' } as never);
  const outcome = run.stages.get('reader')?.outcome;
  if (outcome?.status === 'completed') return outcome.output;
  return outcome?.status === 'skipped' ? [outcome.reason, outcome.rootCause] : outcome;
}

const because = (stage: string, status: 'failed' | 'blocked') => [
  `"${stage}" ${status === 'failed' ? 'failed' : 'blocked'}`,
  { stage, status },
];

describe('a reader of a stage that ended', () => {
  test.each([
    ['completed', { it: 1 }],
    ['skipped', ['"skipped" was skipped', undefined]],
    ['failed', because('failed', 'failed')],
    ['blocked', because('blocked', 'blocked')],
    ['doomed', because('failed', 'failed')],
    ['behind block', because('blocked', 'blocked')],
    ['behind skip', ['"behind skip" was skipped', undefined]],
    ['fallible', ['"fallible" was skipped', undefined]],
  ])('%s, plainly: %j', async (name, expected) => {
    expect(await reader({ needs: { it: ends.find((end) => end.name === name) } })).toEqual(expected);
  });

  test.each([
    ['completed', { it: 1 }],
    ['skipped', { it: undefined }],
    ['failed', because('failed', 'failed')],
    ['doomed', because('failed', 'failed')],
    ['behind block', because('blocked', 'blocked')],
    ['behind skip', { it: undefined }],
    ['fallible', { it: undefined }],
  ])('%s, as optional: %j', async (name, expected) => {
    expect(await reader({ needs: { it: optional(ends.find((end) => end.name === name) as never) } })).toEqual(expected);
  });

  test.each(ends.map(({ name }) => name))('%s, as settled: runs with the outcome', async (name) => {
    const status = { completed: 'completed', failed: 'failed', blocked: 'blocked' }[name] ?? 'skipped';
    expect(await reader({ needs: { it: settled(ends.find((end) => end.name === name) as never) } })).toMatchObject({ it: { status } });
  });

  test.each([
    ['completed', {}],
    ['skipped', {}],
    ['failed', because('failed', 'failed')],
    ['blocked', because('blocked', 'blocked')],
    ['doomed', because('failed', 'failed')],
  ])('%s, in `after`: %j', async (name, expected) => {
    expect(await reader({ after: [ends.find((end) => end.name === name)] })).toEqual(expected);
  });
});

describe('among several needs', () => {
  test('a failure outweighs a skip, and the first as written decides', async () => {
    const alsoFailed = stage('also failed', { run: () => Promise.reject(new Error('no')) });
    expect(await reader({ needs: { a: skipped, b: failed } })).toEqual(because('failed', 'failed'));
    expect(await reader({ needs: { a: alsoFailed, b: failed } })).toEqual(because('also failed', 'failed'));
    expect(await reader({ needs: { b: failed, a: alsoFailed } })).toEqual(because('failed', 'failed'));
    expect(await reader({ needs: { b: blocked, a: failed } })).toEqual(because('blocked', 'blocked'));
  });

  test('of skips, the first as written is named', async () => {
    expect(await reader({ needs: { a: behindSkip, b: skipped } })).toEqual(['"behind skip" was skipped', undefined]);
  });

  test('one that is cancelled cancels the reader, unless something failed', async () => {
    const stopping = stage('stopping', { run: () => cancel('enough') });
    const it = stage('reader', { needs: { stopping }, run: () => 1 });
    const run = await pipeline('p', { outputs: { it } }).run({});
    expect(run.stages.get('reader')?.outcome).toMatchObject({ status: 'cancelled' });
  });
});

describe('firstOf()', () => {
  test.each([
    ['the first that has a value', [completed, failed], { it: 1 }],
    ['the first that was not skipped', [skipped, behindSkip, completed], { it: 1 }],
    ['a failure that comes before a value', [skipped, failed, completed], because('failed', 'failed')],
    ['what is behind a failure as a failure', [doomed, completed], because('failed', 'failed')],
  ])('takes %s', async (_, sources, expected) => {
    expect(await reader({ needs: { it: firstOf(...(sources as unknown as [Stage, Stage])) } })).toEqual(expected);
  });

  test('skips its reader where all were skipped, and with optional reads undefined', async () => {
    expect(await reader({ needs: { it: firstOf(skipped, behindSkip) } })).toEqual(['"behind skip" was skipped', undefined]);
    expect(await reader({ needs: { it: optional(firstOf(skipped, behindSkip)) } })).toEqual({ it: undefined });
    expect(await reader({ needs: { it: optional(firstOf(skipped, failed)) } })).toEqual(because('failed', 'failed'));
  });

  test('as an output is the value, undefined for a skip, and absent for a failure', async () => {
    const output = async (source: unknown) =>
      (await pipeline('p', { outputs: { it: source as Stage }, failureMode: 'continue' }).run({} as never)).outputs;
    expect(await output(firstOf(skipped, completed))).toEqual({ it: 1 });
    expect(await output(firstOf(skipped, skipped))).toEqual({ it: undefined });
    expect(await output(firstOf(failed, completed))).toEqual({});
  });
});

describe('a condition', () => {
  const way = route('way', { run: () => 'a' as 'a' | 'b' });

  test('of a route lets its arms run, and says which way was taken otherwise', async () => {
    expect(await reader({ when: way.is('a', 'b') })).toEqual({});
    expect(await reader({ when: way.is('b') })).toEqual(['"way" chose "a"', undefined]);
  });

  test('of a route that was skipped or failed skips its arms, with the root cause', async () => {
    const unsure = route('unsure', { run: () => skip('unsure') as never });
    const broken = route('broken', {
      run: (): 'a' => {
        throw new Error('no');
      },
    });
    expect(await reader({ when: unsure.is('a' as never) })).toEqual(['"unsure" was skipped', undefined]);
    expect(await reader({ when: broken.is('a') })).toEqual(because('broken', 'failed'));
  });

  test('that is a predicate sees the values', async () => {
    expect(await reader({ needs: { completed }, when: ({ completed }: { completed: number }) => completed === 1 })).toEqual({
      completed: 1,
    });
    expect(await reader({ needs: { completed }, when: () => false })).toEqual(['its condition was not met', undefined]);
  });

  test.each([[undefined], [null], [1], ['true'], [Promise.resolve(true)], [{}]])('that answers %o fails the stage', async (answer) => {
    expect(await reader({ when: () => answer })).toMatchObject({ status: 'failed', error: { code: 'SF_WHEN_INVALID', path: 'reader' } });
  });

  test('that throws fails the stage with what it threw', async () => {
    const when = (): never => {
      throw new Error('no profile');
    };
    expect(await reader({ when })).toMatchObject({
      status: 'failed',
      error: { code: 'SF_STAGE_FAILED', cause: { message: 'no profile' } },
    });
  });
});
