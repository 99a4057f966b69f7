import { fail, isStageflowError, pipeline, StageflowError, stage } from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { aNumber, aString, withDefaults } from './plain-schemas.ts';

test('[189] a contract checks the output, readers receive its defaults, and the report has the version', async () => {
  const settings = stage('settings', { version: 'v2', output: withDefaults({ theme: 'light', size: 1 }), run: async () => ({ size: 3 }) });
  const reader = stage('reader', { needs: { settings }, run: ({ settings: { theme, size } }) => `${theme} ${size}` });
  const run = await pipeline('p', { outputs: { settings, reader } }).runOrThrow({});

  expect(run.outputs).toEqual({ settings: { theme: 'light', size: 3 }, reader: 'light 3' });
  expect(run.stages.get('settings')?.version).toBe('v2');

  const wrong = stage('wrong', { output: withDefaults({}), run: () => 'text' as never });
  expect(await pipeline('q', { outputs: { wrong } }).run({})).toMatchObject({
    status: 'failed',
    error: { code: 'SF_OUTPUT_INVALID', path: 'wrong', details: { issues: ['must be a map'], received: 'the string "text"' } },
  });
});

test('[194] a version stays as the author wrote it, of pipelines as of stages', async () => {
  const it = stage('it', { version: '2025-01-01T00:00:00Z', run: () => 1 });
  const p = pipeline('p', { outputs: { it }, version: 'spring' });

  expect([p.version, p.plan.version]).toEqual(['spring', 'spring']);
  expect((await p.run({})).stages.get('it')?.version).toBe('2025-01-01T00:00:00Z');
  expect(pipeline('p', { outputs: { it } }).version).toBeUndefined();
});

test('[195] an error is plain data when it is written, and where it happened stands beside what it is', async () => {
  const it = stage('it', { run: () => fail(new RangeError('too far')) });
  const run = await pipeline('p', { outputs: { it } }).run({}, { runId: 'r-1' });
  const [error] = run.errors;

  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: 'StageflowError',
    code: 'SF_STAGE_FAILED',
    message: 'Stage "it" failed: RangeError: too far.',
    hint: 'Mend what the stage does: "cause" is the original error. What may pass is for retry; what may fail, for settled() or fallback().',
    docs: 'docs/errors/SF_STAGE_FAILED.md',
    retryable: true,
    details: { stage: 'it', thrown: 'RangeError: too far.' },
    pipeline: 'p',
    runId: 'r-1',
    path: 'it',
    attempt: 1,
    cause: { name: 'RangeError', message: 'too far' },
  });
});

test('[195] more about where an error happened belongs to a new error, and leaves the first alone', () => {
  const first = new StageflowError('SF_RUN_CANCELLED', { reason: 'enough' });
  const second = new StageflowError('SF_RUN_CANCELLED', first.details, { runId: 'r-1', cause: first });

  expect([first.runId, second.runId]).toEqual([undefined, 'r-1']);
  expect(isStageflowError(second.cause, 'SF_RUN_CANCELLED')).toBe(true);
});

test('[196] a circle, a missing dependency and an empty pipeline each come with a hint', () => {
  const run = () => 1;
  const hints = (stages: Parameters<typeof definePipeline>[0]['stages']) => {
    try {
      definePipeline({ name: 'p', stages, outputs: Object.fromEntries(stages.map(({ name }) => [name, name])) });
    } catch (error) {
      if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code, hint }) => `${code}: ${hint}`);
    }
    return [];
  };

  expect(hints([{ name: 'a', after: ['a'], run }])).toEqual([
    'SF_CYCLE: Remove one of these edges; each points from a stage to one it needs.',
  ]);
  expect(hints([{ name: 'alpha', after: ['alph'], run }])).toEqual(['SF_UNKNOWN_STAGE: Did you mean "alpha"?']);
  expect(hints([])).toEqual(['SF_PLAN_EMPTY: Name at least one stage in "outputs" or "also".']);
  expect(hints([{ name: 'a', run }])).toEqual([]);
});

test('[197] the value itself is what readers get, and one of another type breaks the contract', async () => {
  const said = (value: unknown) => {
    const say = stage('say', { output: aString, run: () => value as string });
    const hear = stage('hear', { needs: { say }, run: ({ say: words }) => words.length });
    return pipeline('p', { outputs: { hear } }).run({});
  };

  expect(await said('hello')).toMatchObject({ status: 'completed', outputs: { hear: 5 } });
  expect(await said({ payload: 'hello' })).toMatchObject({ status: 'failed', error: { code: 'SF_OUTPUT_INVALID' } });
});

test('[203] an output reads like what was yielded, is frozen under the development condition, and copies can be changed', async () => {
  const given = { list: [1, 2], map: { a: 1 } };
  const give = stage('give', { run: () => given });
  const take = stage('take', {
    needs: { give },
    run: ({ give: { list, map } }) => {
      const copy = { list: [...list, 3], map: { ...map, a: 2 } };
      return [Object.keys(map), list.length, copy];
    },
  });
  const run = await pipeline('p', { outputs: { give, take } }).runOrThrow({});

  expect(run.outputs.take).toEqual([['a'], 2, { list: [1, 2, 3], map: { a: 2 } }]);
  expect(given).toEqual({ list: [1, 2], map: { a: 1 } });
  expect([run.outputs.give, run.outputs.give.list, run.outputs.give.map].map(Object.isFrozen)).toEqual([true, true, true]);
});

test('[204] a stage has one output, written once: what comes after its limit is dropped', async () => {
  const clock = virtualClock();
  const twice = stage('twice', {
    output: aNumber,
    timeoutMs: 10,
    graceMs: 0,
    retry: { attempts: 2, baseMs: 0 },
    run: (_, { attempt }) => (attempt === 1 ? clock.sleep(30).then(() => 1) : clock.sleep(5).then(() => 2)),
  });
  const wait = stage('wait', { run: () => clock.sleep(50) });
  const run = await clock.settle(pipeline('p', { outputs: { twice, wait } }).runOrThrow({}, { clock }));

  expect(run.outputs.twice).toBe(2);
  expect(run.stages.get('twice')?.attempts).toBe(2);
});
