import {
  block,
  cancel,
  guard,
  inputs,
  map,
  optional,
  pipeline,
  type Schema,
  services,
  settled,
  skip,
  stage,
  subpipeline,
} from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

const { text } = inputs<{ text: string }>();
const upper = stage('upper', { needs: { text }, run: ({ text }) => text.toUpperCase() });
const length = stage('length', { needs: { upper }, run: ({ upper }) => upper.length });
const child = pipeline('child', { outputs: { upper, length } });

/** Accepts strings, trimmed, at once or later; counts how often it was asked. */
function trimmed(later: boolean) {
  const schema: Schema<string, string> & { asked: number } = {
    asked: 0,
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        schema.asked++;
        const result = typeof value === 'string' ? { value: value.trim() } : { issues: [{ message: 'expected a string' }] };
        return later ? Promise.resolve(result) : result;
      },
    },
  };
  return schema;
}

describe('subpipeline()', () => {
  test('yields the outputs of the nested pipeline, whose stages are named below it', async () => {
    const document = stage('document', { run: () => 'hello' });
    const outer = subpipeline('outer', child, { text: document });
    const run = await pipeline('p', { outputs: { outer } }).run({});
    expect(run).toMatchObject({ status: 'completed', outputs: { outer: { upper: 'HELLO', length: 5 } } });
    expect([...run.stages.keys()]).toEqual(['document', 'outer', 'outer/upper', 'outer/length']);
    expect(run.counts.completed).toBe(4);
  });

  test('shares no names with what is around it: the same pipeline may stand there twice', async () => {
    const { text: given } = inputs<{ text: string }>();
    const first = subpipeline('first', child, { text: given });
    const second = subpipeline('second', child, { text: upperOf(first) });
    function upperOf(region: typeof first) {
      return stage('upper', { needs: { region }, run: ({ region }) => `${region.upper}!` });
    }
    const run = await pipeline('p', { outputs: { second } }).run({ text: 'hi' });
    expect(run.outputs).toEqual({ second: { upper: 'HI!', length: 3 } });
    expect([...run.stages.keys()]).toEqual(['first', 'first/upper', 'first/length', 'upper', 'second', 'second/upper', 'second/length']);
  });

  test('starts when its own inputs are there, and runs beside what does not need it', async () => {
    const { takes, see } = timedStages();
    const nested = pipeline('nested', { outputs: { deep: takes('deep', 20, { text }) } });
    const outer = subpipeline('outer', nested, { text: takes('slow', 30) });
    const { starts, run } = await see(pipeline('p', { outputs: { outer, other: takes('other', 40) } }));
    expect(starts).toEqual({ slow: 0, outer: 30, 'outer/deep': 30, other: 0 });
    expect(run.elapsedMs).toBe(50);
  });

  test('may leave out an input that may be undefined', async () => {
    const { name } = inputs<{ name?: string }>();
    const greet = stage('greet', { needs: { name }, run: ({ name }) => `Hello ${name ?? 'you'}` });
    const outer = subpipeline('outer', pipeline('nested', { outputs: { greet } }), {});
    expect((await pipeline('p', { outputs: { outer } }).run({})).outputs).toEqual({ outer: { greet: 'Hello you' } });
  });

  test('is given the services of the run that it asks for', async () => {
    const { model } = services<{ model: { ask(): string } }>();
    const nested = pipeline('nested', { outputs: { said: stage('said', { needs: { model }, run: ({ model }) => model.ask() }) } });
    const outer = subpipeline('outer', nested, {});
    const inner = subpipeline('inner', nested, {});
    const items = map('items', stage('list', { run: () => [1] }), (item) =>
      stage('pair', { needs: { item, inner }, run: ({ inner }) => inner.said }),
    );
    const run = await pipeline('p', { outputs: { outer, items } }).run({}, { services: { model: { ask: () => 'hi' } } });
    expect(run.outputs).toEqual({ outer: { said: 'hi' }, items: ['hi'] });
    await expect(pipeline('p', { outputs: { outer } }).run({}, {} as never)).rejects.toMatchObject({ code: 'SF_SERVICE_MISSING' });
  });

  test.each([false, true])('parses its inputs by the schemas of the nested pipeline, later: %s', async (later) => {
    const schema = trimmed(later);
    const { text } = inputs({ text: schema });
    const nested = pipeline('nested', { outputs: { it: stage('it', { needs: { text }, run: ({ text }) => text }) } });
    const good = stage('good', { run: () => '  hi ' });
    const run = await pipeline('p', { outputs: { outer: subpipeline('outer', nested, { text: good }) } }).run({});
    expect(run).toMatchObject({ status: 'completed', outputs: { outer: { it: 'hi' } } });
    expect(schema.asked).toBe(1);

    const bad = stage('bad', { run: () => 7 as unknown as string });
    const refused = await pipeline('p', { outputs: { outer: subpipeline('outer', nested, { text: bad }) } }).run({});
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'SF_INPUT_INVALID', pipeline: 'p', path: 'outer' } });
    expect(refused.stages.get('outer')?.status).toBe('failed');
    expect(refused.stages.has('outer/it')).toBe(false);
  });

  test('whose inputs are being parsed when the run stops is cancelled', async () => {
    const { see, clock } = timedStages();
    const slow: Schema<string, string> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => clock.sleep(100).then(() => ({ value: value as string })) },
    };
    const { text } = inputs({ text: slow });
    const nested = pipeline('nested', { outputs: { it: stage('it', { needs: { text }, run: ({ text }) => text }) } });
    const outer = subpipeline('outer', nested, { text: stage('given', { run: () => 'hi' }) });
    const { run, ends } = await see(pipeline('p', { outputs: { outer } }), {}, { deadlineMs: 50 });
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 50 });
    expect(ends).toEqual({ given: 'completed', outer: 'cancelled' });
    await clock.runAll();
  });

  test('runs what the nested pipeline has under also', async () => {
    const saved: string[] = [];
    const save = stage('save', { needs: { upper }, run: ({ upper }) => void saved.push(upper) });
    const nested = pipeline('nested', { outputs: { length }, also: { save } });
    const { text: given } = inputs<{ text: string }>();
    const run = await pipeline('p', { outputs: { outer: subpipeline('outer', nested, { text: given }) } }).run({ text: 'hi' });
    expect(run.outputs).toEqual({ outer: { length: 2 } });
    expect(saved).toEqual(['HI']);
  });

  test('nests in another', async () => {
    const { text: given } = inputs<{ text: string }>();
    const middle = pipeline('middle', { outputs: { inner: subpipeline('inner', child, { text: given }) } });
    const outer = subpipeline('outer', middle, { text: given });
    const run = await pipeline('p', { outputs: { outer } }).run({ text: 'hi' });
    expect(run.outputs).toEqual({ outer: { inner: { upper: 'HI', length: 2 } } });
    expect([...run.stages.keys()].at(-1)).toBe('outer/inner/length');
  });
});

describe('a nested pipeline that does not complete', () => {
  const broken = stage('broken', {
    run: (): number => {
      throw new Error('no');
    },
  });
  const subject = stage('subject', { run: () => 'x' });
  const rude = guard('rude', { subject, check: () => block('rude') });

  test.each(['fail-fast', 'continue', 'best-effort'] as const)('fails the region and the run, once, in %s', async (failureMode) => {
    const outer = subpipeline('outer', pipeline('nested', { outputs: { broken } }), {});
    const run = await pipeline('p', { outputs: { outer }, failureMode }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'outer/broken' } });
    expect(run.errors).toHaveLength(1);
    expect(run.stages.get('outer')?.outcome).toMatchObject({ status: 'failed', error: { path: 'outer/broken' } });
  });

  test.each(['fail-fast', 'continue'] as const)(
    'blocks the region and the run, which name the guard by its path, in %s',
    async (failureMode) => {
      const outer = subpipeline('outer', pipeline('nested', { outputs: { rude } }), {});
      const run = await pipeline('p', { outputs: { outer }, failureMode }).run({});
      expect(run).toMatchObject({ status: 'blocked', blockedBy: 'outer/rude', reason: 'rude' });
    },
  );

  test('keeps the failure mode it was made with', async () => {
    const nested = pipeline('nested', { outputs: { subject }, also: { broken }, failureMode: 'best-effort' });
    const run = await pipeline('p', { outputs: { outer: subpipeline('outer', nested, {}) } }).run({});
    expect(run).toMatchObject({ status: 'completed', outputs: { outer: { subject: 'x' } } });
    expect(run.errors.map(({ path }) => path)).toEqual(['outer/broken']);
  });

  test('has handled what its own settled readers took into account', async () => {
    const { see } = timedStages();
    const judge = stage('judge', { needs: { broken: settled(broken) }, run: ({ broken }) => broken.status });
    const nested = pipeline('nested', { outputs: { judge } });
    const { run, events } = await see(pipeline('p', { outputs: { outer: subpipeline('outer', nested, {}) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { outer: { judge: 'failed' } } });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', path: 'outer/broken', handled: true }));
  });

  test('is handled around it by a settled reader, and told so inside', async () => {
    const { see } = timedStages();
    const outer = subpipeline('outer', pipeline('nested', { outputs: { broken } }), {});
    const report = stage('report', { needs: { outer: settled(outer) }, run: ({ outer }) => outer.status });
    const { run, events } = await see(pipeline('p', { outputs: { report } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { report: 'failed' } });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', path: 'outer/broken', handled: true }));
  });

  test('cancels the run where one of its stages asks for that', async () => {
    const nested = pipeline('nested', { outputs: { stop: stage('stop', { run: () => cancel('enough') }) } });
    const run = await pipeline('p', { outputs: { outer: subpipeline('outer', nested, {}) } }).run({});
    expect(run).toMatchObject({ status: 'cancelled', cancelledBy: 'outer/stop', reason: 'enough' });
    expect(run.stages.get('outer')?.status).toBe('cancelled');
  });

  test('is aborted with the run around it, and reported as cancelled', async () => {
    const { takes, see, aborted } = timedStages();
    const nested = pipeline('nested', { outputs: { deep: takes('deep', 1_000) } });
    const caller = new AbortController();
    const outer = subpipeline('outer', nested, {});
    const stop = stage('stop', { needs: { soon: takes('soon', 50) }, run: () => caller.abort('the caller left') });
    const { run, ends } = await see(pipeline('p', { outputs: { outer }, also: { stop } }), {}, { signal: caller.signal });
    expect(run).toMatchObject({ status: 'cancelled', reason: 'the caller left', elapsedMs: 50 });
    expect(aborted).toEqual(['deep']);
    expect(ends).toMatchObject({ outer: 'cancelled', 'outer/deep': 'cancelled' });
  });
});

test('an output of the nested pipeline that is skipped by choice is undefined', async () => {
  const none = stage('none', { run: () => (Math.random() > 2 ? 1 : skip('none')) });
  const outer = subpipeline('outer', pipeline('nested', { outputs: { none } }), {});
  const reader = stage('reader', { needs: { outer: optional(outer) }, run: ({ outer }) => outer?.none ?? 'nothing' });
  expect((await pipeline('p', { outputs: { reader } }).run({})).outputs).toEqual({ reader: 'nothing' });
});
