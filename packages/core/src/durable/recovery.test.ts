import { virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { suspend } from '../control.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { RunStore } from '../ports/run-store.ts';
import { createRuntime } from '../runtime.ts';
import type { RuntimeOptions } from '../runtime-options.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import { memoryRunStore } from './memory-run-store.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const day = 86_400_000;

const { what } = inputs<{ what: 'sleep' | 'ask' }>();
const done = stage('done', {
  needs: { what },
  run: async ({ what }, { sleepUntil, now, answer }) => {
    if (what === 'sleep') await sleepUntil(now() + day);
    if (what === 'ask') return answer(anything) ?? suspend('?');
    return what;
  },
});
const made = pipeline('p', { outputs: { done } });
const other = pipeline('other', { outputs: { done } });

type Options = Partial<RuntimeOptions<[typeof made]>>;

/** Processes that share a store and a clock. */
function fleet(store: RunStore = memoryRunStore()) {
  const clock = virtualClock();
  return { clock, store, process: (options: Options = {}) => createRuntime({ pipelines: [made], store, clock, ...options }) };
}

describe('runtime.recover()', () => {
  test('goes on with runs that have been answered and runs whose time has come, and with no other', async () => {
    const { clock, process } = fleet();
    const first = process();
    for (const [runId, what] of [
      ['asks', 'ask'],
      ['rests', 'ask'],
      ['sleeps', 'sleep'],
    ] as const)
      await clock.settle(first.run(made, { what }, { runId, tenantId: runId === 'asks' ? 't' : undefined }));
    const second = process();
    expect(await second.recover()).toEqual({ resumed: [], refused: [] });
    await second.decide('asks/done#answer', 'yes', { tenantId: 't' });
    await clock.advance(day);
    expect(await clock.settle(second.recover())).toEqual({
      resumed: [
        { runId: 'asks', status: 'completed' },
        { runId: 'sleeps', status: 'completed' },
      ],
      refused: [],
    });
    expect(await second.recover()).toEqual({ resumed: [], refused: [] });
  });

  test('takes over runs whose process has died, when their lease has run out', async () => {
    const { clock, store, process } = fleet();
    // Nobody renews the lease of a run that was only created.
    const identity = { runId: 'dead', tenantId: undefined, metadata: {} } as never;
    const run = { runId: 'dead', pipeline: 'p', version: undefined, identity, input: { what: '"x"' }, createdAt: 0 };
    await store.create(run, { owner: 'gone', until: clock.now() + 100, now: clock.now() });
    expect(await process().recover()).toEqual({ resumed: [], refused: [] });
    await clock.advance(100);
    expect(await clock.settle(process().recover())).toEqual({ resumed: [{ runId: 'dead', status: 'completed' }], refused: [] });
  });

  test('leaves a run to the process that takes it first', async () => {
    const { clock, process } = fleet();
    await clock.settle(process().run(made, { what: 'sleep' }, { runId: 'r' }));
    await clock.advance(day);
    const both = await clock.settle(Promise.all([process().recover(), process().recover()]));
    expect(both.flatMap(({ resumed }) => resumed)).toEqual([{ runId: 'r', status: 'completed' }]);
    expect(both.flatMap(({ refused }) => refused)).toEqual([]);
  });

  test('leaves alone the runs of pipelines that it does not have', async () => {
    const { clock, store, process } = fleet();
    const theirs = createRuntime({ pipelines: [other], store, clock });
    await clock.settle(theirs.run(other, { what: 'sleep' }, { runId: 'r' }));
    await clock.advance(day);
    expect(await process().recover()).toEqual({ resumed: [], refused: [] });
    expect(await clock.settle(theirs.recover())).toMatchObject({ resumed: [{ runId: 'r' }] });
  });

  test('names the runs that could not go on, and goes on with the others', async () => {
    const { clock, store, process } = fleet();
    for (const runId of ['a', 'b']) await clock.settle(process().run(made, { what: 'sleep' }, { runId }));
    await clock.advance(day);
    const load: RunStore['load'] = (id, tenant) => (id === 'a' ? Promise.reject(new Error('torn')) : store.load(id, tenant));
    const torn = process({ store: { ...methods(store), due, load } });
    expect(await clock.settle(torn.recover())).toMatchObject({
      resumed: [{ runId: 'b', status: 'completed' }],
      refused: [{ runId: 'a', error: { code: 'SF_STORE_FAILED', details: { why: 'torn' } } }],
    });
    expect(await clock.settle(process().recover())).toMatchObject({ resumed: [{ runId: 'a' }] });

    function due(...asked: Parameters<NonNullable<RunStore['due']>>) {
      return dueOf(store, asked);
    }
  });

  test('has at most as many under way as it is told, over any number of pages', async () => {
    const { clock, process } = fleet();
    const first = process();
    const count = 230;
    for (let at = 0; at < count; at++) await clock.settle(first.run(made, { what: 'sleep' }, { runId: String(at) }));
    await clock.advance(day);
    const seen: number[] = [];
    const second = process({ sinks: [{ name: 'count', emit: () => void seen.push(second.activeRuns) }] });
    const { resumed } = await clock.settle(second.recover({ concurrency: 3 }));
    expect([resumed.length, new Set(resumed.map(({ runId }) => runId)).size]).toEqual([count, count]);
    expect(Math.max(...seen)).toBe(3);
  });

  test('takes no more runs once its signal aborts', async () => {
    const { clock, process } = fleet();
    const first = process();
    for (const runId of ['a', 'b', 'c']) await clock.settle(first.run(made, { what: 'sleep' }, { runId }));
    await clock.advance(day);
    const controller = new AbortController();
    const second = process({ sinks: [{ name: 'stop', emit: ({ type }) => void (type === 'run.completed' && controller.abort()) }] });
    const { resumed } = await clock.settle(second.recover({ concurrency: 1, signal: controller.signal }));
    expect(resumed.length).toBeLessThan(3);
    expect((await clock.settle(second.recover())).resumed.length).toBe(3 - resumed.length);
  });

  test('is refused where it makes no sense', async () => {
    const { process, store } = fleet();
    await expect(process().recover({ concurrency: 0 })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID' });
    await expect(createRuntime({ pipelines: [made] }).recover()).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
    await expect(process({ store: methods(store) }).recover()).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
    const closed = process();
    await closed.close();
    await expect(closed.recover()).rejects.toMatchObject({ code: 'SF_RUNTIME_CLOSED' });
  });
});

describe('a run that was let go of in the middle', () => {
  const { ms } = inputs<{ ms: number }>();
  const nap = stage('nap', { needs: { ms }, run: ({ ms }, { signal, now }) => pause(now, ms, signal) });
  const naps = pipeline('naps', { outputs: { nap } });
  let pause: (now: () => number, ms: number, signal: AbortSignal) => Promise<void>;
  const host = () => {
    const clock = virtualClock();
    pause = (_, ms, signal) => clock.sleep(ms, signal);
    const store = memoryRunStore();
    return { clock, store, process: (options: object = {}) => createRuntime({ pipelines: [naps], store, clock, ...options }) };
  };

  test('is due at once, so that another process goes on with it', async () => {
    const { clock, process } = host();
    const first = process();
    const running = first.run(naps, { ms: 1_000 }, { runId: 'r' });
    await clock.advance(10);
    await clock.settle(first.close({ graceMs: 5 }));
    expect(await clock.settle(running)).toMatchObject({ status: 'suspended' });
    expect(await clock.settle(process().recover())).toMatchObject({ resumed: [{ runId: 'r', status: 'completed' }] });
  });

  test('is one that a runtime had recovered by itself, when that is closed: it is not cancelled', async () => {
    const { clock, store, process } = host();
    const identity = { runId: 'dead', tenantId: undefined, metadata: {} } as never;
    const run = { runId: 'dead', pipeline: 'naps', version: undefined, identity, input: { ms: '1000' }, createdAt: 0 };
    await store.create(run, { owner: 'gone', until: clock.now(), now: clock.now() });
    const runtime = process({ recovery: { everyMs: 10 } });
    await clock.advance(100);
    expect(runtime.activeRuns).toBe(1);
    await clock.settle(runtime.close({ graceMs: 50 }));
    expect((await store.load('dead', undefined))?.status).toBe('suspended');
    expect(await clock.settle(process().recover())).toMatchObject({ resumed: [{ runId: 'dead', status: 'completed' }] });
  });

  test.each([undefined, AbortSignal.abort('gone')])('is one that an interceptor did not let go on, with a signal of %s', async (signal) => {
    const { clock, store, process } = host();
    const first = process();
    const running = first.run(naps, { ms: 1_000 }, { runId: 'r' });
    await clock.advance(10);
    await clock.settle(first.close({ graceMs: 5 }));
    await clock.settle(running);
    const deny = { name: 'deny', run: () => Promise.reject(new Error('who are you?')) };
    const strict = process({ interceptors: [deny] });
    const outcome = await clock.settle(
      strict.resume('r', { signal }).then(
        ({ status }) => status,
        ({ code }) => code,
      ),
    );
    expect(outcome).toBe(signal === undefined ? 'SF_INTERCEPTOR_FAILED' : 'suspended');
    expect((await store.load('r', undefined))?.status).toBe('suspended');
    expect(await clock.settle(process().recover())).toMatchObject({ resumed: [{ runId: 'r', status: 'completed' }] });
  });
});

describe('the option "recovery"', () => {
  test('looks again and again until the runtime is closed', async () => {
    const { clock, process } = fleet();
    const first = process();
    const second = process({ recovery: { everyMs: 1_000 } });
    await clock.settle(first.run(made, { what: 'sleep' }, { runId: 'a' }));
    await clock.advance(day + 1_000);
    await expect(first.resume('a')).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE', details: { why: 'it has ended as completed' } });
    await second.close();
    await clock.settle(first.run(made, { what: 'sleep' }, { runId: 'b' }));
    await clock.advance(day + 10_000);
    expect(await clock.settle(first.recover())).toMatchObject({ resumed: [{ runId: 'b' }] });
  });

  test('ends with the look that is under way when the runtime is closed', async () => {
    const { clock, store, process } = fleet();
    let looks = 0;
    const due = (...asked: Parameters<NonNullable<RunStore['due']>>) => {
      looks++;
      return clock.sleep(50).then(() => dueOf(store, asked));
    };
    const runtime = process({ store: { ...methods(store), due }, recovery: { everyMs: 100 } });
    await clock.advance(120);
    await clock.settle(runtime.close());
    await clock.advance(1_000);
    expect(looks).toBe(1);
  });

  test('tells of runs that could not go on and of looks that failed, and looks again', async () => {
    const { clock, store, process } = fleet();
    await clock.settle(process().run(made, { what: 'sleep' }, { runId: 'a' }));
    await clock.advance(day);
    let torn: 'load' | 'due' | undefined = 'due';
    const due = (...asked: Parameters<NonNullable<RunStore['due']>>) =>
      torn === 'due' ? Promise.reject(new Error('no due')) : dueOf(store, asked);
    const load = (...asked: Parameters<RunStore['load']>) =>
      torn === 'load' ? Promise.reject(new Error('no load')) : store.load(...asked);
    const told: unknown[] = [];
    const runtime = process({
      store: { ...methods(store), due, load },
      recovery: { everyMs: 100, onProblem: (error, runId) => told.push([error.details, runId]) },
    });
    await clock.advance(100);
    torn = 'load';
    await clock.advance(100);
    torn = undefined;
    await clock.advance(100);
    expect(told).toEqual([
      [expect.objectContaining({ why: 'no due' }), undefined],
      [expect.objectContaining({ why: 'no load' }), 'a'],
    ]);
    expect(await runtime.recover()).toEqual({ resumed: [], refused: [] });
    await runtime.close();
  });

  test('goes on looking where who is told throws, which is thrown to the host', async () => {
    const { clock, store, process } = fleet();
    const thrown = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {});
    const due = () => Promise.reject(new Error('no due'));
    const onProblem = () => {
      throw new Error('nobody reads this');
    };
    const runtime = process({ store: { ...methods(store), due }, recovery: { everyMs: 100, onProblem } });
    await clock.advance(250);
    const calls = thrown.mock.calls.map(([call]) => call);
    thrown.mockRestore();
    expect(calls).toHaveLength(2);
    expect(calls[0]).toThrow('nobody reads this');
    await runtime.close();
  });

  test('needs a store, and a time to wait', () => {
    expect(() => createRuntime({ pipelines: [made], recovery: { everyMs: 100 } })).toThrow(/"recovery"/);
    const { process } = fleet();
    expect(() => process({ recovery: { everyMs: 0 } })).toThrow(/recovery\.everyMs/);
  });
});

/** A store that has what every store must have, and no more. */
function methods(store: RunStore): RunStore {
  return {
    name: store.name,
    create: store.create.bind(store),
    load: store.load.bind(store),
    acquire: store.acquire.bind(store),
    renew: store.renew.bind(store),
    commit: store.commit.bind(store),
    waits: store.waits.bind(store),
    answer: store.answer.bind(store),
    deliver: store.deliver.bind(store),
  };
}

function dueOf(store: RunStore, asked: Parameters<NonNullable<RunStore['due']>>): ReturnType<NonNullable<RunStore['due']>> {
  return store.due?.(...asked) ?? Promise.reject(new Error('it cannot tell'));
}

test('a run that lasts keeps no other from being looked for, and counts as long as it lasts', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const asked = stage('asked', {
    needs: { what },
    run: async ({ what }, { answer }) => {
      const given = answer(anything) ?? suspend('?');
      if (what === 'sleep' && given === 'yes') await clock.sleep(1_000_000);
      return given;
    },
  });
  const slow = pipeline('p', { outputs: { asked } });
  const ended = async (runId: string) => (await store.load(runId, undefined))?.status;
  const first = createRuntime({ pipelines: [slow], store, clock });
  for (const [runId, what] of [
    ['a', 'sleep'],
    ['b', 'ask'],
    ['c', 'sleep'],
    ['d', 'ask'],
  ] as const)
    await clock.settle(first.run(slow, { what }, { runId }));
  createRuntime({ pipelines: [slow], store, clock, recovery: { everyMs: 100, concurrency: 2 } });
  await first.decide('a/asked#answer', 'yes');
  await clock.advance(150);
  expect(await ended('a')).toBe('running');
  await first.decide('b/asked#answer', 'yes');
  await clock.advance(150);
  expect(await ended('b')).toBe('completed');
  await first.decide('c/asked#answer', 'yes');
  await first.decide('d/asked#answer', 'yes');
  await clock.advance(500);
  expect([await ended('c'), await ended('d')]).toEqual(['running', 'suspended']);
  await clock.advance(1_000_000);
  expect([await ended('a'), await ended('c'), await ended('d')]).toEqual(['completed', 'completed', 'completed']);
});

test('a loop that is stopped while it waits for room begins nothing more', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const slow = stage('slow', { run: (_, { answer }) => (answer(anything) === undefined ? suspend('?') : clock.sleep(5_000)) });
  const made = pipeline('p', { outputs: { slow } });
  const first = createRuntime({ pipelines: [made], store, clock });
  for (const runId of ['a', 'b']) {
    await clock.settle(first.run(made, {}, { runId }));
    await first.decide(`${runId}/slow#answer`, 'yes');
  }
  const host = createRuntime({ pipelines: [made], store, clock, recovery: { everyMs: 100, concurrency: 1 } });
  await clock.advance(150);
  await clock.settle(host.close({ graceMs: 10 }));
  expect((await store.load('b', undefined))?.epoch).toBe(1);
  expect((await store.load('a', undefined))?.epoch).toBe(2);
});

test('a run that another process was quicker to take is no problem', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  await clock.settle(createRuntime({ pipelines: [made], store, clock }).run(made, { what: 'ask' }, { runId: 'r' }));
  await createRuntime({ pipelines: [made], store, clock }).decide('r/done#answer', 'yes');
  let asked = 0;
  const slower: RunStore = Object.assign(memoryRunStore(), {
    due: async () => [{ runId: 'r', tenantId: undefined, pipeline: 'p' }],
    load: store.load.bind(store),
    acquire: async () => {
      asked++;
      return undefined;
    },
  });
  const problems: unknown[] = [];
  const recovery = { everyMs: 100, onProblem: (error: unknown) => problems.push(error) };
  const host = createRuntime({ pipelines: [made], store: slower, clock, recovery });
  await clock.advance(150);
  await clock.settle(host.close());
  expect([asked, problems]).toEqual([1, []]);
});

test('what a stage makes of being let go of is no end of it', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  let calls = 0;
  const stubborn = stage('stubborn', {
    run: (_, { signal }) =>
      ++calls > 1 ? 'done' : new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('my own error')))),
  });
  const made = pipeline('p', { outputs: { stubborn } });
  const first = createRuntime({ pipelines: [made], store, clock });
  const handle = first.start(made, {}, { runId: 'r' });
  await clock.advance(1);
  await clock.settle(first.close({ graceMs: 10 }));
  expect((await handle.result).status).toBe('suspended');
  const run = await clock.settle(createRuntime({ pipelines: [made], store, clock }).resume('r'));
  expect([run.status, calls]).toEqual(['completed', 2]);
});

test('a run that is let go of while it cleans up has ended', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const cleans = stage('cleans', { run: (_, { defer }) => defer(() => clock.sleep(100)) });
  const made = pipeline('p', { outputs: { cleans } });
  const host = createRuntime({ pipelines: [made], store, clock });
  const handle = host.start(made, {}, { runId: 'r' });
  await clock.advance(10);
  await clock.settle(host.close({ graceMs: 10 }));
  expect((await handle.result).status).toBe('completed');
  expect((await store.load('r', undefined))?.status).toBe('completed');
});
