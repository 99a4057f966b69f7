import { inputs, map, pipeline, type Schema, services, settled, stage, streamed, subpipeline, work } from '@stageflow/core';
import { driveRun, type StepOutcome, type StepRequest } from '@stageflow/core/driver';
import { recordingSink } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { onDriver, statuses } from '../../test/driven-run.ts';

const { text } = inputs<{ text: string }>();
const { model } = services<{ model: { ask(text: string): string } }>();

const shout = stage('shout', { needs: { text }, run: ({ text }) => text.toUpperCase() });
const twice = stage('twice', { needs: { shout }, run: ({ shout }) => shout + shout });
const chat = pipeline('chat', { outputs: { twice } });
const forever = stage('forever', {
  run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
});

const never = { step: neverAsked, sleepUntil: neverAsked, awaitSignal: neverAsked, now: () => 0, random: () => 0 };

function neverAsked(): never {
  throw new Error('The walk asked for something.');
}

const late: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) } };
const lateRefusal: Schema<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'test', validate: async () => ({ issues: [{ message: 'no' }] }) },
};

const numbers: Schema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] }),
  },
};

describe('driveRun()', () => {
  test('runs the stages of a pipeline as steps, and yields its run', async () => {
    const { driver, run } = onDriver(chat, { input: { text: 'hi' } });
    expect(await run()).toMatchObject({ status: 'completed', outputs: { twice: 'HIHI' }, runId: 'run-1' });
    expect(driver.asked.map(({ asked, key }) => `${asked} ${key}`)).toEqual(['step shout#1', 'step twice#1']);
    expect(driver.ends).toEqual(['shout#1', 'twice#1']);
  });

  test('asks for everything that can start before it takes an end, however much that is', () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`s${at}`, stage(`s${at}`, { run: () => at })]));
    const asked: string[] = [];
    const step = ({ key }: StepRequest) => {
      asked.push(key);
      return { cancel: () => {} };
    };
    const driven = driveRun(pipeline('wide', { outputs: many }).plan, {}, { ...never, step }, { runId: 'run-1' });
    expect([asked.length, driven.run]).toEqual([600, undefined]);
  });

  test('says where a stage is, and what it reads, in plain data', async () => {
    const { driver, run } = onDriver(chat, { input: { text: 'hi' }, options: { tenantId: 't', extensions: { locale: 'de' } } });
    await run();
    expect(driver.steps[1]).toEqual({
      key: 'twice#1',
      pipeline: 'chat',
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      address: ['twice'],
      path: 'twice',
      attempt: 1,
      spentMs: 0,
      values: { shout: '"HI"' },
      identity: { runId: 'run-1', tenantId: 't', metadata: {} },
      extensions: { locale: '"de"' },
      answers: {},
      expired: [],
      calls: {},
    });
  });

  test('goes on within the callback of the driver: the run is there when it returns', () => {
    const ends: (() => void)[] = [];
    const outcome = { status: 'completed', output: '"HI"', endedAt: 0, activeMs: 0, unsettled: false } as const;
    const step: Parameters<typeof driveRun>[2]['step'] = (_, ended) => {
      ends.push(() => ended(outcome));
      return { cancel: () => {} };
    };
    const driven = driveRun(chat.plan, { text: 'hi' }, { ...never, step }, { runId: 'run-1' });
    expect([driven.run, ends.length]).toEqual([undefined, 1]);
    ends[0]?.();
    expect([driven.run, ends.length]).toEqual([undefined, 2]);
    ends[1]?.();
    expect(driven.run?.outputs).toEqual({ twice: 'HI' });
  });

  test('has ended at once where nothing is to be done', () => {
    const none = stage('none', { needs: { text }, when: () => false, run: () => 1 });
    const driven = driveRun(pipeline('p', { outputs: { none } }).plan, { text: '' }, never, { runId: 'run-1' });
    expect(driven.run).toMatchObject({ status: 'completed', outputs: { none: undefined } });
  });

  test('refuses a bad input before it asks for anything', () => {
    const { n } = inputs({ n: numbers });
    const { plan } = pipeline('p', { outputs: { reads: stage('reads', { needs: { n }, run: () => 1 }) } });
    expect(() => driveRun(plan, { n: 'one' }, never, { runId: 'run-1' })).toThrowError(
      expect.objectContaining({ code: 'SF_INPUT_INVALID' }),
    );
    expect(() => driveRun(chat.plan, { text: '' }, never, { runId: 'run-1', graceMs: -1 })).toThrowError(
      expect.objectContaining({ code: 'SF_OPTION_INVALID' }),
    );
  });

  test('refuses an input whose schema answers with a promise, and starts nothing when it has answered', async () => {
    const { slow } = inputs({ slow: late });
    const reads = stage('reads', { needs: { slow }, run: () => 1 });
    const { plan } = pipeline('p', { outputs: { reads } });
    const sink = recordingSink();
    expect(() => driveRun(plan, { slow: 1 }, never, { runId: 'run-1', sinks: [sink] })).toThrowError(
      expect.objectContaining({ code: 'SF_SCHEMA_ASYNC', message: expect.stringContaining('the input of a driven run') }),
    );
    await new Promise((resolve) => setTimeout(resolve));
    expect(sink.events).toEqual([]);
  });

  test('fails a nested pipeline whose input is checked by a promise: what follows would come between two ends', async () => {
    for (const schema of [late, lateRefusal]) {
      const { slow } = inputs({ slow: schema });
      const child = pipeline('child', { outputs: { reads: stage('reads', { needs: { slow }, run: () => 1 }) } });
      const parent = pipeline('parent', { outputs: { nested: subpipeline('nested', child, { slow: shout } as never) } });
      expect(await onDriver(parent, { input: { text: 'hi' } }).run()).toMatchObject({
        status: 'failed',
        error: { code: 'SF_SCHEMA_ASYNC', message: expect.stringContaining('the input of "nested" in a driven run') },
      });
    }
  });

  test('refuses a pipeline in which a stage reads chunks, also within a region', () => {
    const words = stage('words', { streams: true, run: () => 'all' });
    const reader = stage('reader', { needs: { words: streamed(words) }, run: () => 1 });
    const streaming = pipeline('streaming', { outputs: { reader } });
    const outer = pipeline('outer', { outputs: { inner: subpipeline('inner', streaming, {}) } });
    for (const { plan } of [streaming, outer])
      expect(() => driveRun(plan, {}, never, { runId: 'run-1' })).toThrowError(
        expect.objectContaining({
          code: 'SF_STREAM_INVALID',
          message: 'The stage "reader" cannot read the chunks of "words": the run is driven, and steps hand over whole values.',
        }),
      );
  });

  test('takes a stage that streams where nobody reads its chunks', async () => {
    const words = stage('words', {
      streams: true,
      run: async (_, { emitChunk }) => {
        await emitChunk('a');
        return 'whole';
      },
    });
    expect(await onDriver(pipeline('p', { outputs: { words } })).run()).toMatchObject({ outputs: { words: 'whole' } });
  });

  test('hands values over that JSON has no word for', async () => {
    const odd = stage('odd', { run: () => ({ when: new Date(0), by: new Map([[1, undefined]]), many: 10n, none: Number.NaN }) });
    const reads = stage('reads', { needs: { odd }, run: ({ odd }) => [odd.when.getTime(), odd.by.has(1), odd.many, odd.none] });
    expect((await onDriver(pipeline('p', { outputs: { reads } })).run()).outputs).toEqual({ reads: [0, true, 10n, Number.NaN] });
  });

  test('hands a failure to whoever reads it settled, as the error it is', async () => {
    const bad = stage('bad', { run: () => Promise.reject(new RangeError('no')) });
    const reads = stage('reads', { needs: { bad: settled(bad) }, run: ({ bad }) => (bad.status === 'failed' ? bad.error.code : 'none') });
    expect((await onDriver(pipeline('p', { outputs: { reads } })).run()).outputs).toEqual({ reads: 'SF_STAGE_FAILED' });
  });

  test('fails a stage whose value cannot be handed on where it was made', async () => {
    const client = stage('client', { retry: { attempts: 3 }, run: () => ({ close: () => {} }) });
    const { driver, run } = onDriver(pipeline('p', { outputs: { client } }));
    expect(await run()).toMatchObject({ status: 'failed', error: { code: 'SF_NOT_SERIALIZABLE', details: { at: 'value.close' } } });
    expect(driver.steps.length).toBe(1);
  });

  test('fails a stage whose input cannot be handed on, without asking for its step', async () => {
    const { client } = inputs<{ client: object }>();
    const uses = stage('uses', { needs: { client }, run: () => 1 });
    const beside = stage('beside', { run: () => 2 });
    const { driver, run } = onDriver(pipeline('p', { outputs: { uses, beside } }), {
      input: { client: new URLSearchParams() },
      options: { failureMode: 'continue' },
    });
    const ended = await run();
    expect(statuses(ended)).toEqual({ uses: 'failed', beside: 'completed' });
    expect(ended.errors[0]).toMatchObject({ code: 'SF_NOT_SERIALIZABLE', details: { stage: 'uses', at: 'client: value' } });
    expect(driver.ends).toEqual(['beside#1']);
  });

  test('refuses an extension that cannot be handed on', () => {
    const options = { runId: 'run-1', extensions: { log: () => {} } };
    expect(() => driveRun(chat.plan, { text: '' }, never, options)).toThrowError(
      expect.objectContaining({ code: 'SF_NOT_SERIALIZABLE', details: expect.objectContaining({ stage: 'extension log' }) }),
    );
  });

  test('has services where stages run', async () => {
    const ask = stage('ask', { needs: { text, model }, run: ({ text, model }) => model.ask(text) });
    const asks = pipeline('asks', { outputs: { ask } });
    const host = { services: { model: { ask: (asked: string) => `${asked}?` } } };
    const { driver, run } = onDriver(asks, { input: { text: 'hi' }, host });
    expect((await run()).outputs).toEqual({ ask: 'hi?' });
    expect(driver.steps[0]?.values).toEqual({ text: '"hi"' });
    expect(await onDriver(asks, { input: { text: 'hi' } }).run()).toMatchObject({
      status: 'failed',
      error: { code: 'SF_SERVICE_MISSING' },
    });
  });

  test('has no services where the plan is walked: a condition that reads one fails its stage', async () => {
    const ask = stage('ask', { needs: { model }, when: ({ model }) => model.ask('may I?') === 'yes', run: () => 1 });
    const run = await onDriver(pipeline('p', { outputs: { ask } }), { host: { services: { model: { ask: () => 'yes' } } } }).run();
    expect(run).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('a service is there only where stages run') },
    });
  });

  test('does not hand a service on as the input of a nested pipeline', async () => {
    const { tool } = inputs<{ tool: unknown }>();
    const child = pipeline('child', { outputs: { uses: stage('uses', { needs: { tool }, run: () => 1 }) } });
    const parent = pipeline('parent', { outputs: { nested: subpipeline('nested', child, { tool: model }) } });
    expect(await onDriver(parent, { host: { services: { model: {} } } }).run()).toMatchObject({
      status: 'failed',
      error: { code: 'SF_NOT_SERIALIZABLE', details: { stage: 'nested/uses', received: 'an instance of RemoteService' } },
    });
  });

  test('reaches stages within regions, by their address', async () => {
    const { list } = inputs<{ list: readonly string[] }>();
    const all = map(
      'all',
      list,
      (item) => {
        const upper = stage('upper', { needs: { item }, run: ({ item }) => item.toUpperCase() });
        return stage('marked', { needs: { upper, shout }, run: ({ upper, shout }) => `${shout}:${upper}` });
      },
      { key: (item) => `${item}]/[%` },
    );
    const child = pipeline('child', { outputs: { all } });
    const parent = pipeline('parent', { outputs: { nested: subpipeline('nested', child, { list, text }) } });
    const { driver, run } = onDriver(parent, { input: { list: ['a', 'b'], text: 'hi' } });
    expect((await run()).outputs).toEqual({ nested: { all: ['HI:A', 'HI:B'] } });
    expect(driver.steps.map(({ path }) => path)).toContain('nested/all[a%5D/%5B%25]/upper');
    expect(new Set(driver.steps.map(({ address }) => address.join(' ')))).toEqual(
      new Set(['nested shout', 'nested all upper', 'nested all marked']),
    );
  });

  test('runs no more steps at once than the limit says', async () => {
    const slow = (name: string) => stage(name, { run: (_, { now }) => clock.sleep(10).then(() => now()) });
    const { clock, driver, run } = onDriver(pipeline('p', { outputs: { a: slow('a'), b: slow('b'), c: slow('c') } }), {
      options: { maxConcurrency: 2 },
    });
    const { outputs } = (await run()) as { outputs: Record<string, number> };
    expect(outputs['a']).toBe(outputs['b']);
    expect(outputs['c']).toBe((outputs['a'] as number) + 10);
    expect(driver.ends).toEqual(['a#1', 'b#1', 'c#1']);
  });

  test('ends at its deadline, by a timer of the driver', async () => {
    const { clock, driver, run } = onDriver(pipeline('p', { outputs: { forever } }), { options: { deadlineMs: 50 } });
    expect(await run()).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' } });
    expect(clock.monotonic()).toBe(50);
    expect(driver.ends).toEqual(['timer 1', 'forever#1']);
    expect(driver.asked.map(({ asked, key }) => `${asked} ${key}`)).toEqual([
      'sleep timer 1',
      'step forever#1',
      'sleep timer 2',
      'cancel forever#1',
      'cancel timer 2',
    ]);
  });

  test('gives up on a step that ignores its cancel once the grace has passed', async () => {
    const deaf = stage('deaf', { run: () => new Promise(() => {}) });
    const { clock, run } = onDriver(pipeline('p', { outputs: { deaf } }), { options: { deadlineMs: 50, graceMs: 30 } });
    expect(await run()).toMatchObject({ status: 'failed', unsettled: ['deaf'] });
    expect(clock.monotonic()).toBe(80);
  });

  test('takes nothing from a step that ends after the run', () => {
    const ends: ((outcome: StepOutcome) => void)[] = [];
    const timers: (() => void)[] = [];
    const operation = { cancel: () => {} };
    const driven = driveRun(
      chat.plan,
      { text: 'hi' },
      {
        ...never,
        step: (_, ended) => {
          ends.push(ended);
          return operation;
        },
        sleepUntil: (_, _at, woken) => {
          timers.push(woken);
          return operation;
        },
      },
      { runId: 'run-1' },
    );
    driven.cancel('enough');
    expect(driven.run).toBeUndefined();
    timers[0]?.();
    expect(driven.run).toMatchObject({ status: 'cancelled', unsettled: ['shout'] });
    ends[0]?.({ status: 'completed', output: '"HI"', endedAt: 0, activeMs: 0, unsettled: false });
    expect([ends.length, driven.run?.outputs]).toEqual([1, {}]);
  });

  test('is cancelled from outside, by an end like any other', async () => {
    const after = stage('after', { needs: { forever }, run: () => 1 });
    const { clock, driver, start } = onDriver(pipeline('p', { outputs: { after } }));
    const walking = driver.walk(start);
    clock.schedule(() => driver.cancel('enough'), 20);
    const run = await clock.settle(walking);
    expect(run).toMatchObject({ status: 'cancelled', reason: 'enough' });
    expect(statuses(run as never)).toEqual({ forever: 'cancelled', after: 'cancelled' });
    expect(await clock.settle(driver.walk(start))).toMatchObject({ status: 'cancelled', reason: 'enough' });
  });

  test('emits the same events with the same numbers when the walk is repeated', async () => {
    const sink = recordingSink();
    const { run } = onDriver(chat, { input: { text: 'hi' }, options: { sinks: [sink] } });
    await run();
    const first = [...sink.events];
    expect(first.map(({ type }) => type)).toContain('stage.completed');
    await run();
    expect(sink.events.slice(first.length)).toEqual(first);
  });

  test('runs effects as steps, with the key that whoever they reach may know them by', async () => {
    const save = work('save', { run: (_, { idempotencyKey }) => idempotencyKey });
    expect((await onDriver(pipeline('p', { outputs: { save } })).run()).outputs).toEqual({ save: 'run-1/save' });
  });
});
