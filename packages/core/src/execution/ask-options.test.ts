import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { type AskOptions, suspend } from '../control.ts';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { guard, review } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { map } from '../map.ts';
import { pipeline } from '../pipeline.ts';
import type { RunStore } from '../ports/run-store.ts';
import { createRuntime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

/** A stage that asks, and a guard that has its subject reviewed; beside them one that keeps the run going for a while. */
function asking(options: AskOptions, { besideMs = 0, store = memoryRunStore() }: { besideMs?: number; store?: RunStore } = {}) {
  const clock = virtualClock();
  const asked = stage('asked', {
    onFailure: 'skip',
    run: (_, { answer }) => {
      const given = answer(anything);
      return given === undefined ? suspend('May I?', options) : { given };
    },
  });
  const beside = stage('beside', { run: () => clock.sleep(besideMs) });
  const made = pipeline('p', { outputs: { asked }, also: { beside } });
  const runtime = createRuntime({ pipelines: [made], store, clock, makeId: () => 'r' });
  return { clock, made, runtime, begin: () => runtime.run(made, {}) };
}

describe('a question with a default', () => {
  test('is answered with it when its time has come, while the process lives', async () => {
    const { clock, begin, runtime } = asking({ timeoutMs: 50, default: 'no' }, { besideMs: 200 });
    const running = begin();
    await clock.advance(60);
    await expect(runtime.decide('r/asked#answer', 'yes')).rejects.toMatchObject({ code: 'SF_WAIT_CLOSED' });
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { asked: { given: 'no' } } });
  });

  test('is answered with it when the run goes on later', async () => {
    const { clock, begin, runtime } = asking({ timeoutMs: 50, default: 'no' });
    expect(await clock.settle(begin())).toMatchObject({ status: 'suspended', waits: [{ expiresAt: clock.now() + 50 }] });
    await clock.advance(50);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { asked: { given: 'no' } } });
  });

  test('has the answer of whoever was first, also where that came through another process at the last moment', async () => {
    const store = memoryRunStore();
    const { clock, begin } = asking({ timeoutMs: 50, default: 'no' }, { besideMs: 200, store });
    const running = begin();
    await clock.advance(49);
    expect(await store.answer('r/asked#answer', '"yes"', undefined)).toBe('answered');
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { asked: { given: 'yes' } } });
  });

  test.each([
    ['the store fails to tell it', true, 'SF_STORE_FAILED'],
    ['the run is gone', false, 'SF_RUN_TAKEN_OVER'],
  ])('fails where somebody was first, and %s', async (_, tears, code) => {
    const store = memoryRunStore();
    const { clock, begin } = asking({ timeoutMs: 50, default: 'no' }, { besideMs: 200, store });
    const running = begin();
    running.catch(() => undefined);
    await clock.advance(40);
    store.answer = async () => 'already answered';
    if (tears) store.load = () => Promise.reject(new Error('gone'));
    await clock.advance(20);
    await expect(clock.settle(running)).rejects.toMatchObject({ code });
  });

  test('has the decision that came in time', async () => {
    const { clock, begin, runtime } = asking({ timeoutMs: 50, default: 'no' });
    await clock.settle(begin());
    await runtime.decide('r/asked#answer', 'yes');
    await clock.advance(100);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ outputs: { asked: { given: 'yes' } } });
  });

  test('keeps its default with the run, so that other code may go on with it', async () => {
    const store = memoryRunStore();
    const first = asking({ timeoutMs: 50, default: 'of the first' }, { store });
    await first.clock.settle(first.begin());
    const second = asking({ timeoutMs: 5_000, default: 'of the second' }, { store });
    await second.clock.advance(50);
    expect(await second.clock.settle(second.runtime.resume('r'))).toMatchObject({ outputs: { asked: { given: 'of the first' } } });
  });

  test('cannot have one that cannot be kept', async () => {
    const { clock, begin } = asking({ timeoutMs: 50, default: () => 'no' });
    const run = await clock.settle(begin());
    expect(run.errors).toMatchObject([{ code: 'SF_NOT_SERIALIZABLE', details: { received: 'a function' } }]);
  });
});

describe('a question without a default', () => {
  test('is expired: the stage is called again, and answer() throws', async () => {
    const { clock, begin } = asking({ timeoutMs: 50 }, { besideMs: 100 });
    const run = await clock.settle(begin());
    expect(run.stages.get('asked')?.status).toBe('skipped');
    expect(run.errors).toMatchObject([{ code: 'SF_STAGE_FAILED', cause: { code: 'SF_WAIT_EXPIRED', details: { wait: 'answer' } } }]);
  });

  test('fails at once where its time is no time', async () => {
    const { clock, begin } = asking({ timeoutMs: -1 });
    const run = await clock.settle(begin());
    expect(run.errors).toMatchObject([{ code: 'SF_OPTION_INVALID', details: { option: 'timeoutMs', received: 'the number -1' } }]);
  });

  test('fails the run where the store cannot say who was first', async () => {
    const inner = memoryRunStore();
    const answer = (): Promise<never> => Promise.reject(new Error('gone'));
    const { clock, begin } = asking(
      { timeoutMs: 50 },
      { besideMs: 100, store: Object.assign(Object.create(inner), { answer, ...bound(inner) }) },
    );
    const running = begin();
    running.catch(() => undefined);
    await clock.advance(200);
    await expect(running).rejects.toMatchObject({ code: 'SF_STORE_FAILED', details: { why: 'gone' } });
  });
});

/** The methods of a store but `answer`, apart from it. */
function bound(store: RunStore): Omit<RunStore, 'answer' | 'name'> {
  return {
    create: store.create.bind(store),
    load: store.load.bind(store),
    acquire: store.acquire.bind(store),
    renew: store.renew.bind(store),
    commit: store.commit.bind(store),
    waits: store.waits.bind(store),
    deliver: store.deliver.bind(store),
  };
}

describe('a review with a limit', () => {
  const { text } = inputs<{ text: string }>();
  const reviewing = (options: AskOptions) => {
    const clock = virtualClock();
    const tone = guard('tone', { subject: text, check: () => review('May this go out?', options) });
    const made = pipeline('p', { outputs: { tone } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
    return { clock, runtime, begin: () => runtime.run(made, { text: 'hi' }) };
  };

  test('lets its subject pass where that is the default', async () => {
    const { clock, begin, runtime } = reviewing({ timeoutMs: 50, default: { approved: true } });
    await clock.settle(begin());
    await clock.advance(50);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { tone: 'hi' } });
  });

  test('blocks without one', async () => {
    const { clock, begin, runtime } = reviewing({ timeoutMs: 50 });
    await clock.settle(begin());
    await clock.advance(50);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'blocked', reason: 'nobody decided in time' });
  });
});

test('questions of items expire each by itself', async () => {
  const clock = virtualClock();
  const { list } = inputs<{ list: readonly number[] }>();
  const all = map('all', list, (item) =>
    stage('ask', {
      needs: { item },
      run: ({ item }, { answer }) => answer(anything) ?? suspend('?', { timeoutMs: item, default: `default ${item}` }),
    }),
  );
  const made = pipeline('p', { outputs: { all } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => 'r' });
  await clock.settle(runtime.run(made, { list: [10, 1_000] }));
  await clock.advance(10);
  expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'suspended', waits: [{ path: 'all[1]/ask' }] });
  await clock.advance(1_000);
  expect(await clock.settle(runtime.resume('r'))).toMatchObject({ outputs: { all: ['default 10', 'default 1000'] } });
});
