import { cancel, defineEvent, fail, guard, inputs, pass, pipeline, retryLater, route, skip, stage, work } from '@stageflow/core';
import { planJson } from '@stageflow/core/plan';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { aNumber } from './plain-schemas.ts';

const { text } = inputs<{ text: string }>();

test('[1] each of the six kinds is written as its own word, in the plan, the reports and the events', async () => {
  const transform = stage('transform', { run: () => 1 });
  const enrich = stage('enrich', { kind: 'enrich', run: () => 1 });
  const agent = stage('agent', { kind: 'agent', run: () => 1 });
  const choice = route('route', { run: () => 'left' });
  const check = guard('guard', { subject: text, check: () => pass() });
  const effect = work('work', { run: () => 1 });
  const kinds = pipeline('kinds', { outputs: { transform, enrich, agent, choice, check, effect } });
  const sink = recordingSink();

  const run = await kinds.run({ text: 'a' }, { sinks: [sink] });

  const words = ['transform', 'enrich', 'agent', 'route', 'guard', 'work'];
  expect(planJson(kinds.plan).stages.map(({ name, kind }) => [name, kind])).toEqual(words.map((word) => [word, word]));
  expect([...run.stages.values()].map(({ kind }) => kind)).toEqual(words);
  expect(sink.of('stage.completed').map(({ kind }) => kind)).toEqual(words);
});

test('[2] every way to end has a word of its own, and there are five', async () => {
  const done = stage('done', { run: () => 1 });
  const left = stage('left', { run: () => skip('nothing to do') });
  const broken = stage('broken', { run: () => fail(new Error('no')) });
  const stops = stage('stops', { after: [done, left, broken], run: () => cancel('enough') });
  const refused = guard('refused', { subject: text, check: () => undefined as never });
  const all = pipeline('all', { outputs: { done, left, broken, refused, stops }, failureMode: 'continue' });

  const run = await all.run({ text: 'a' });

  expect([...run.stages.values()].map(({ status }) => status)).toEqual(['completed', 'skipped', 'failed', 'blocked', 'skipped']);
  expect(run.counts).toEqual({ completed: 1, skipped: 2, failed: 1, blocked: 1, cancelled: 0 });

  const stopped = await pipeline('stopped', { outputs: { only: stage('only', { run: () => cancel('enough') }) } }).run({});
  expect(stopped.stages.get('only')?.status).toBe('cancelled');
});

test('[3] a stage that returns nothing has completed with undefined, once, without error or version', async () => {
  const quiet = stage('quiet', { run: () => {} });
  const run = await pipeline('p', { outputs: { quiet } }).run({});

  expect(run.stages.get('quiet')).toMatchObject({ outcome: { status: 'completed', output: undefined }, attempts: 1, version: undefined });
  expect(run.errors).toEqual([]);
});

test('[4] a stage yields the very record it was made of', async () => {
  const record = { a: 1, b: { c: [2] } };
  const give = stage('give', { run: () => record });
  const run = await pipeline('p', { outputs: { give } }).runOrThrow({});

  expect(run.outputs.give).toBe(record);
  expect(run.outputs.give).toEqual({ a: 1, b: { c: [2] } });
});

test('[5] a skipped stage carries its reason', async () => {
  const anonymous = stage('anonymous', { run: () => skip('no user') });
  const run = await pipeline('p', { outputs: { anonymous } }).run({});

  expect(run.stages.get('anonymous')?.outcome).toEqual({ status: 'skipped', reason: 'no user' });
});

test('[6] a cancelled run carries the reason and keeps what was finished', async () => {
  const first = stage('first', { run: () => 'kept' });
  const stop = stage('stop', { needs: { first }, run: () => cancel('closing time') });
  const run = await pipeline('p', { outputs: { first, stop } }).run({});

  expect(run).toMatchObject({ status: 'cancelled', reason: 'closing time', outputs: { first: 'kept' } });
  expect(run.stages.get('stop')?.outcome).toEqual({ status: 'cancelled', reason: 'closing time' });
});

test('[7] a failure keeps its error, with everything on it', async () => {
  const cause = Object.assign(new Error('out of stock'), { sku: 'A-1' });
  const order = stage('order', { run: () => fail(cause) });
  const run = await pipeline('p', { outputs: { order } }).run({});

  expect(run.status === 'failed' && run.error.cause).toBe(cause);
  expect(run.errors[0]?.message).toContain('out of stock');
});

test('[8] anything can be a failure, and its message says what it was', async () => {
  const messages = await Promise.all(
    ['a sentence', { code: 7 }, undefined, null].map(async (thrown) => {
      const run = await pipeline('p', { outputs: { broken: stage('broken', { run: () => fail(thrown) }) } }).run({});
      expect(run.errors[0]).toMatchObject({ code: 'SF_STAGE_FAILED', cause: thrown });
      return run.errors[0]?.message;
    }),
  );
  expect(messages).toEqual([
    'Stage "broken" failed: a sentence.',
    'Stage "broken" failed: {"code":7}.',
    'Stage "broken" failed: undefined.',
    'Stage "broken" failed: null.',
  ]);
});

test('[9] a wish to be called again carries its error and the wait', async () => {
  const clock = virtualClock();
  const sink = recordingSink();
  const busy = stage('busy', {
    retry: { attempts: 2, baseMs: 0, jitter: 'none' },
    run: (_, { attempt }) => (attempt === 1 ? retryLater(new Error('busy'), { afterMs: 750 }) : 'done'),
  });
  const run = await clock.settle(pipeline('p', { outputs: { busy } }).run({}, { clock, sinks: [sink] }));

  expect(run).toMatchObject({ status: 'completed', outputs: { busy: 'done' }, elapsedMs: 750 });
  expect(sink.of('attempt.failed')).toMatchObject([{ retryInMs: 750, error: { message: 'Stage "busy" failed: busy.' } }]);
});

test('[10] every constructor takes a version, shown unchanged in the report', async () => {
  const made = stage('made', { version: 'v1', run: () => 1 });
  const chosen = route('chosen', { version: '2025-01-01', run: () => 'a' });
  const judged = guard('judged', { version: 'judge/3', subject: text, check: () => pass() });
  const done = work('done', { version: '4.0.0-rc.1', run: () => 1 });
  const run = await pipeline('p', { outputs: { made, chosen, judged, done } }).run({ text: '' });

  expect([...run.stages.values()].map(({ version }) => version)).toEqual(['v1', '2025-01-01', 'judge/3', '4.0.0-rc.1']);
});

test('[11] a version leaves the value alone', async () => {
  const value = { n: 1 };
  const plain = stage('plain', { run: () => value });
  const versioned = stage('versioned', { version: 'v1', run: () => value });
  const run = await pipeline('p', { outputs: { plain, versioned } }).runOrThrow({});

  expect(run.outputs.versioned).toBe(value);
  expect([...run.stages.values()].map(({ version }) => version)).toEqual([undefined, 'v1']);
});

test('[12] a duration is in the report and leaves the value alone', async () => {
  const clock = virtualClock();
  const value = { n: 1 };
  const slow = stage('slow', {
    run: async () => {
      await clock.sleep(40);
      return value;
    },
  });
  const run = await clock.settle(pipeline('p', { outputs: { slow } }).runOrThrow({}, { clock }));

  expect(run.stages.get('slow')).toMatchObject({ durationMs: 40, status: 'completed' });
  expect(run.outputs.slow).toBe(value);
  expect(Object.keys(value)).toEqual(['n']);
});

test('[13] neither the context nor an output, a stage or a pipeline can be reassigned', async () => {
  const made = stage('made', {
    run: (_, context) => {
      expect(() => Object.assign(context, { runId: 'other' })).toThrow(TypeError);
      expect(() => Object.assign(context, { stage: 'other' })).toThrow(TypeError);
      return { n: 1 };
    },
  });
  const p = pipeline('p', { outputs: { made } });
  const run = await p.runOrThrow({});

  expect(() => Object.assign(run.outputs.made, { n: 2 })).toThrow(TypeError);
  expect(() => Object.assign(made, { name: 'other' })).toThrow(TypeError);
  expect(() => Object.assign(p, { name: 'other' })).toThrow(TypeError);
  expect(run.outputs.made).toEqual({ n: 1 });
});

test('[14] an event is stamped by the clock of the run, and times of the host stay in its payload', async () => {
  const clock = virtualClock({ now: 1_000_000 });
  const sink = recordingSink();
  const takenAt = defineEvent('photo.taken', aNumber);
  const snap = stage('snap', {
    run: async (_, context) => {
      await clock.sleep(5);
      context.emit(takenAt, 42);
    },
  });
  await clock.settle(pipeline('p', { outputs: { snap } }).run({}, { clock, sinks: [sink] }));

  expect(sink.of('custom')).toMatchObject([{ at: 1_000_005, payload: 42 }]);
});
