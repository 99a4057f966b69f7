import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { block, guard } from '../guard.ts';
import { inputs, services } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';

function schema<T>(validate: (value: unknown) => unknown): Schema<T> {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as Schema<T>['~standard']['validate'] } };
}

const trimmed = schema<string>((value) => ({ value: String(value).trim() }));
const later = schema<string>(async (value) => ({ value: `${value}!` }));
const refusing = (message: string) => schema<string>(() => ({ issues: [{ message }] }));
const refusingLater = schema<string>(async () => ({ issues: [{ message: 'not now' }] }));

describe('inputs', () => {
  const reading = (given: Record<string, Schema<string>>) => {
    const declared = inputs(given) as Record<string, never>;
    const needs = Object.fromEntries(Object.keys(given).map((name) => [name, declared[name]])) as Record<string, never>;
    const run = vi.fn((values: object) => ({ ...values }));
    return { run, made: pipeline('p', { outputs: { it: stage('it', { needs, run }) } }) };
  };

  test('reach stages as their schemas read them, synchronous and not', async () => {
    const { made } = reading({ a: trimmed, b: later });
    expect((await made.runOrThrow({ a: ' x ', b: 'y' } as never)).outputs).toEqual({ it: { a: 'x', b: 'y!' } });
  });

  test('are all checked before anything runs, and every one that is wrong is named', async () => {
    const { made, run } = reading({ a: refusing('too short'), b: refusingLater, c: trimmed });
    await expect(made.run({ a: '', b: '', c: '' } as never)).rejects.toMatchObject({
      code: 'SF_INPUT_INVALID',
      pipeline: 'p',
      details: {
        inputs: [
          { input: 'a', issues: ['too short', 'received the string ""'] },
          { input: 'b', issues: ['not now', 'received the string ""'] },
        ],
      },
    });
    expect(run).not.toHaveBeenCalled();
  });

  test('whose schema throws are refused like any other', async () => {
    const throwing = schema<string>(() => {
      throw new Error('boom');
    });
    await expect(reading({ a: throwing }).made.run({ a: '' } as never)).rejects.toMatchObject({ code: 'SF_INPUT_INVALID' });
  });

  test.each([[undefined], [null], [7], ['text']])('are undefined where %o is given in place of them', async (input) => {
    const { text } = inputs<{ text?: string }>();
    const made = pipeline('p', { outputs: { it: stage('it', { needs: { text }, run: ({ text }) => [text] }) } });
    expect((await made.runOrThrow(input as never)).outputs.it).toEqual([undefined]);
  });
});

describe('services', () => {
  const { model, constructor: inherited } = services<{ model: string | undefined; constructor: string }>();
  const it = stage('it', { needs: { model, inherited }, run: ({ model, inherited }) => [model, inherited] });
  const made = pipeline('p', { outputs: { it } });
  const run = (given: unknown) => made.run({}, { services: given as never });

  test('reach stages by their names, in whatever order they are given', async () => {
    expect((await run({ constructor: 'c', other: 'o', model: 'm' })).outputs).toEqual({ it: ['m', 'c'] });
  });

  test.each<[unknown, string[]]>([
    [undefined, ['model', 'constructor']],
    [{}, ['model', 'constructor']],
    [{ model: 'm' }, ['constructor']],
    [{ model: undefined, constructor: 'c' }, ['model']],
    [Object.create({ model: 'm', constructor: 'c' }), ['model', 'constructor']],
  ])('that are missing are all named, what objects inherit included: %j', async (given, missing) => {
    await expect(run(given)).rejects.toMatchObject({ code: 'SF_SERVICE_MISSING', details: { services: missing }, pipeline: 'p' });
  });
});

describe('an option', () => {
  const made = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });

  test.each([
    ['failureMode', 'slow', 'continue'],
    ['maxConcurrency', 0, 1],
    ['deadlineMs', 0, 1_000],
    ['graceMs', -1, 0],
    ['cleanupMs', '5', 5],
    ['maxCallDepth', 0, 3],
  ])('that is wrong is refused before anything runs, alone as well: %s', async (option, wrong, right) => {
    await expect(made.run({}, { [option]: wrong })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID', details: { option } });
    await expect(made.run({}, { [option]: right })).resolves.toMatchObject({ status: 'completed' });
  });
});

describe('a signal', () => {
  const it = stage('it', { run: () => 1 });
  const made = pipeline('p', { outputs: { it } });

  test('that has aborted lets nothing start', async () => {
    const sink = recordingSink();
    const run = await made.run({}, { signal: AbortSignal.abort(new Error('too late')), sinks: [sink] });
    expect(run).toMatchObject({ status: 'cancelled', reason: 'too late', counts: { cancelled: 1 } });
    expect(sink.events.map(({ type }) => type)).toEqual(['run.created', 'run.started', 'run.stopping', 'stage.cancelled', 'run.cancelled']);
  });

  test('has no listener left when the run has ended', async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    await made.run({}, { signal });
    await Promise.resolve();
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove.mock.calls[0]?.slice(0, 2)).toEqual(add.mock.calls[0]?.slice(0, 2));
  });

  test('without a reason, as some imitations have it, cancels all the same', async () => {
    const imitation = Object.assign(new EventTarget(), { aborted: true, reason: undefined }) as unknown as AbortSignal;
    expect(await made.run({}, { signal: imitation })).toMatchObject({ status: 'cancelled', reason: 'the signal aborted' });
  });
});

test.each([undefined, 'enough'])(
  'a stage that fails by itself after a stop has failed, whatever the reason of the signal: %s',
  async (reason) => {
    const clock = virtualClock();
    const imitation = Object.assign(new EventTarget(), { aborted: false, reason });
    clock.schedule(() => imitation.dispatchEvent(new Event('abort')), 5);
    const it = stage('it', { run: () => clock.sleep(10).then(() => Promise.reject(new Error('no'))) });
    const run = await clock.settle(
      pipeline('p', { outputs: { it } }).run({}, { clock, signal: imitation as unknown as AbortSignal }) as Promise<Run>,
    );
    expect(run).toMatchObject({ status: 'cancelled', errors: [{ code: 'SF_STAGE_FAILED' }], counts: { failed: 1 } });
  },
);

describe('a deadline', () => {
  test('fails the run that is too slow, and keeps what was finished', async () => {
    const clock = virtualClock();
    const quick = stage('quick', { run: () => 1 });
    const slow = stage('slow', { run: (_, { signal }) => clock.sleep(100, signal) });
    const run = await clock.settle(pipeline('p', { outputs: { quick, slow } }).run({}, { clock, deadlineMs: 50 }) as Promise<Run>);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' }, outputs: { quick: 1 }, elapsedMs: 50 });
  });

  test('that passed while a stage held the thread lets no other stage start', async () => {
    const clock = virtualClock();
    const blocking = stage('blocking', { run: () => clock.block(80) });
    const next = stage('next', { after: [blocking], run: () => 1 });
    const run = await clock.settle(pipeline('p', { outputs: { next } }).run({}, { clock, deadlineMs: 50 }) as Promise<Run>);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' }, outputs: {} });
    expect(run.stages.get('next')?.status).toBe('cancelled');
  });

  test('that passed while the last stage held the thread is not completed either', async () => {
    const clock = virtualClock();
    const made = (ms: number) => pipeline('p', { outputs: { it: stage('it', { run: () => clock.block(ms) }) } });
    const run = (ms: number) => clock.settle(made(ms).run({}, { clock, deadlineMs: 50 }) as Promise<Run>);
    expect(await run(80)).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' } });
    expect(await run(50)).toMatchObject({ status: 'completed' });
    expect(clock.pending).toBe(0);
  });
});

describe('timings', () => {
  const it = stage('it', {
    retry: { attempts: 2, baseMs: 0 },
    run: (_, { attempt }) => (attempt === 1 ? Promise.reject(new Error('no')) : 1),
  });
  const skipped = stage('skipped', { when: () => false, run: () => 1 });
  const made = pipeline('p', { outputs: { it, skipped } });

  test('are in the reports, and left out of them where they are off', async () => {
    const timed = (await made.run({})).stages.get('it');
    expect(timed?.startedAt).toBeTypeOf('number');
    expect(timed?.durationMs).toBeTypeOf('number');
    const untimed = await made.run({}, { timings: false });
    expect(untimed.stages.get('it')).toMatchObject({ attempts: 2, startedAt: undefined, durationMs: undefined });
    expect(untimed.stages.get('skipped')).toMatchObject({ attempts: 0, startedAt: undefined, durationMs: undefined });
  });

  test('of the run itself are known where there is a sink', async () => {
    const clock = virtualClock();
    const slow = pipeline('p', { outputs: { it: stage('it', { run: () => clock.sleep(30) }) } });
    const sink = recordingSink();
    expect((await clock.settle(slow.run({}, { clock, timings: false, sinks: [sink] }) as Promise<Run>)).elapsedMs).toBe(30);
    expect(sink.last('run.completed')?.durationMs).toBe(30);
  });
});

describe('the result of a run', () => {
  test('is plain data in JSON, however it ended', async () => {
    const { text } = inputs<{ text: string }>();
    const safe = guard('safe', { subject: text, check: () => block('no') });
    const made = pipeline('p', { outputs: { safe } });
    const json = JSON.parse(JSON.stringify(await made.run({ text: 'hi' }, { runId: 'r' })));
    expect(json).toMatchObject({
      status: 'blocked',
      reason: 'no',
      blockedBy: 'safe',
      outputs: {},
      identity: { runId: 'r' },
      pipeline: 'p',
      stages: [{ stage: 'safe', status: 'blocked' }],
      errors: [],
      counts: { blocked: 1 },
      unsettled: [],
      cleanupErrors: [],
    });
  });

  test('reads its reports once, and in the order of the plan', async () => {
    const a = stage('a', { run: () => 1 });
    const b = stage('b', { needs: { a }, run: () => 1 });
    const run = await pipeline('p', { outputs: { b } }).run({});
    expect([...run.stages.keys()]).toEqual(['a', 'b']);
    expect(run.stages).toBe(run.stages);
  });
});
