import { type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { anything } from '../test/any-schema.ts';
import { faultyRunStore } from '../test/faulty-run-store.ts';
import { fail, suspend } from './control.ts';
import { memoryRunStore } from './durable/memory-run-store.ts';
import { firstOf, optional } from './edge.ts';
import type { RunEvent } from './event.ts';
import { inputs } from './inputs.ts';
import type { Interceptor } from './interceptor.ts';
import { map } from './map.ts';
import { pipeline } from './pipeline.ts';
import type { RunStore } from './ports/run-store.ts';
import type { RunHandle } from './run-handle.ts';
import { createRuntime } from './runtime.ts';
import { stage } from './stage.ts';
import { work } from './work.ts';

/** A chain of three beside a loner, on a clock of its own; `ran` says what was called. */
function chain(clock: VirtualClock) {
  const ran: string[] = [];
  const called = (name: string) => async () => {
    ran.push(name);
    await clock.sleep(10);
    return name;
  };
  const a = stage('a', { run: called('a') });
  const b = stage('b', { needs: { a }, run: called('b') });
  const c = stage('c', { needs: { b: optional(b) }, run: called('c') });
  const loner = stage('loner', { run: called('loner') });
  return { ran, made: pipeline('p', { outputs: { c }, also: { loner } }) };
}

describe('handle.pause()', () => {
  test('right after start(), nothing starts until the pause is over', async () => {
    const clock = virtualClock();
    const { ran, made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    const events = handle.events();
    await handle.pause();
    await clock.advance(100);
    expect(ran).toEqual([]);
    await handle.resume();
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'completed', outputs: { c: 'c' } });
    const types = [];
    for await (const { type } of events) types.push(type);
    expect(types.slice(0, 5)).toEqual(['run.created', 'run.started', 'run.paused', 'run.continued', 'stage.started']);
  });

  test('in the middle lets what is under way end, and nothing new start, not an attempt either', async () => {
    const clock = virtualClock();
    let calls = 0;
    const flaky = stage('flaky', { retry: { attempts: 2, baseMs: 1 }, run: () => (++calls === 1 ? fail('once') : 'ok') });
    const { ran, made } = chain(clock);
    const both = pipeline('both', { outputs: { flaky }, also: {} });
    const runtime = createRuntime({ pipelines: [made, both], clock });
    const handle = runtime.start(made, {});
    await clock.advance(5);
    await handle.pause();
    await handle.pause();
    await clock.advance(100);
    expect(ran).toEqual(['a', 'loner']);
    await handle.resume();
    expect((await clock.settle(handle.result)).status).toBe('completed');
    const retried = runtime.start(both, {});
    await Promise.resolve();
    await Promise.resolve();
    await retried.pause();
    await clock.advance(100);
    expect(calls).toBe(1);
    await retried.resume();
    await retried.resume();
    expect((await clock.settle(retried.result)).status).toBe('completed');
  });

  test('does not keep a run from being cancelled, or from ending where nothing is left', async () => {
    const clock = virtualClock();
    const { made } = chain(clock);
    const runtime = createRuntime({ pipelines: [made], clock });
    const cancelled = runtime.start(made, {});
    await cancelled.pause();
    cancelled.cancel('enough');
    expect((await clock.settle(cancelled.result)).status).toBe('cancelled');
    const last = runtime.start(made, {});
    await clock.advance(25);
    await last.pause();
    expect((await clock.settle(last.result)).status).toBe('completed');
  });
});

describe('handle.step()', () => {
  test('starts one stage at a time, and says which', async () => {
    const clock = virtualClock();
    const { ran, made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    expect(handle.step()).toBeUndefined();
    await handle.pause();
    await clock.advance(1);
    expect(handle.step()).toBe('a');
    await clock.advance(50);
    expect(ran).toEqual(['a']);
    expect([handle.step(), handle.step(), handle.step()]).toEqual(['loner', 'b', undefined]);
    await clock.advance(50);
    expect(handle.step()).toBe('c');
    expect((await clock.settle(handle.result)).status).toBe('completed');
    expect(handle.step()).toBeUndefined();
  });

  test('goes through the items of a map', async () => {
    const clock = virtualClock();
    const { ids } = inputs<{ ids: readonly string[] }>();
    const each = map('each', ids, (id) => stage('one', { needs: { id }, run: ({ id }) => id }));
    const made = pipeline('p', { outputs: { each } });
    const handle = createRuntime({ pipelines: [made], clock }).start(made, { ids: ['x', 'y'] });
    await handle.pause();
    await clock.advance(1);
    const steps = [];
    for (let path = handle.step(); path !== undefined; path = handle.step()) steps.push(path);
    expect(steps).toEqual(['each', 'each[0]/one', 'each[1]/one']);
    expect((await clock.settle(handle.result)).status).toBe('completed');
  });
});

describe('handle.step() of a stage that is not called at once', () => {
  test.each([
    ['an effect that must be durable first', { store: memoryRunStore() }],
    ['a stage within interceptors', { interceptors: [{ name: 'through', stage: (_, next) => next() } satisfies Interceptor] }],
  ])('calls it all the same: %s', async (_what, options) => {
    const clock = virtualClock();
    const ran: string[] = [];
    const paid = work('paid', {
      retry: { attempts: 2, baseMs: 0 },
      idempotencyKey: () => 'k',
      run: () => (ran.push('paid') === 1 ? fail('once') : 1),
    });
    const last = stage('last', { needs: { paid }, run: () => ran.push('last') });
    const made = pipeline('p', { outputs: { last } });
    const handle = createRuntime({ pipelines: [made], clock, ...options }).start(made, {});
    await handle.pause();
    await clock.advance(1);
    expect(handle.step()).toBe('paid');
    await clock.advance(1);
    expect(ran).toEqual(['paid']);
    await handle.resume();
    expect((await clock.settle(handle.result)).status).toBe('completed');
    expect(ran).toEqual(['paid', 'paid', 'last']);
  });
});

describe('handle.skip()', () => {
  test('skips a stage that waits: its readers take that as a skip of its own', async () => {
    const clock = virtualClock();
    const { ran, made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    await clock.advance(1);
    expect(handle.skip('b', 'not today')).toBe(true);
    const run = await clock.settle(handle.result);
    expect(run).toMatchObject({ status: 'completed', outputs: { c: 'c' } });
    expect(run.stages.get('b')?.outcome).toEqual({ status: 'skipped', reason: 'not today' });
    expect(ran).toEqual(['a', 'loner', 'c']);
    expect(handle.skip('b')).toBe(false);
  });

  test('aborts a stage that runs', async () => {
    const clock = virtualClock();
    let reason: unknown;
    const slow = stage('slow', {
      timeoutMs: 5_000,
      run: (_, { signal }) =>
        clock.sleep(1_000, signal).finally(() => {
          reason = signal.reason;
        }),
    });
    const made = pipeline('p', { outputs: { fast: stage('fast', { run: () => 1 }) }, also: { slow } });
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    await clock.advance(1);
    expect(handle.skip('slow')).toBe(true);
    const run = await clock.settle(handle.result);
    expect(run.stages.get('slow')?.outcome).toEqual({ status: 'skipped', reason: 'the caller asked' });
    expect([run.status, run.elapsedMs]).toEqual(['completed', 1]);
    expect(reason).toBeDefined();
  });

  test('drops what a stage without limits gives after all', async () => {
    const clock = virtualClock();
    const { ran, made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    await clock.advance(1);
    expect(handle.skip('a')).toBe(true);
    const run = await clock.settle(handle.result);
    expect(run.stages.get('a')?.outcome).toEqual({ status: 'skipped', reason: 'the caller asked' });
    expect([run.status, ran]).toEqual(['completed', ['a', 'loner', 'c']]);
  });

  test('ends the run as cancelled where a required output is left without a value', async () => {
    const clock = virtualClock();
    const { made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    await clock.advance(1);
    handle.skip('c');
    expect(await clock.settle(handle.result)).toMatchObject({
      status: 'cancelled',
      reason: '"c" was skipped by hand, and an output needs it',
      outputs: { c: undefined },
    });
    const a = stage('a', { run: () => clock.sleep(5) });
    const b = stage('b', { needs: { a }, run: () => 1 });
    const plain = pipeline('plain', { outputs: { b } });
    const behind = createRuntime({ pipelines: [plain], clock }).start(plain, {});
    await clock.advance(1);
    behind.skip('a');
    expect((await clock.settle(behind.result)).status).toBe('cancelled');
  });

  test('looks through a firstOf for what is missing', async () => {
    const clock = virtualClock();
    const slow = (name: string) => stage(name, { timeoutMs: 5_000, run: () => clock.sleep(100) });
    const [a, b] = [slow('a'), slow('b')];
    const reads = stage('reads', { needs: { either: firstOf(a, b) }, run: () => 1 });
    const made = pipeline('p', { outputs: { reads } });
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    await clock.advance(1);
    expect([handle.skip('b'), handle.skip('a')]).toEqual([true, true]);
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'cancelled' });
  });

  test('knows the stages of the pipeline, and names the nearest', async () => {
    const clock = virtualClock();
    const { made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
    expect(() => handle.skip('lonre')).toThrow(
      expect.objectContaining({ code: 'SF_UNKNOWN_STAGE', hint: expect.stringContaining('loner') }),
    );
    expect(handle.skip('loner')).toBe(false);
    await clock.settle(handle.result);
  });
});

describe('a run that a store keeps', () => {
  async function leftBehind(
    store: RunStore,
    clock: VirtualClock,
    act: (handle: { pause(): Promise<void>; skip(stage: string): boolean }) => unknown,
  ) {
    const { made } = chain(clock);
    const dying = createRuntime({ pipelines: [made], clock, store });
    const handle = dying.start(made, {}, { runId: 'r' });
    await clock.advance(1);
    await act(handle);
    await clock.advance(1);
    await clock.settle(dying.close({ graceMs: 1 }));
    return made;
  }

  test('and is paused goes on in another process only when somebody resumes it', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const made = await leftBehind(store, clock, (handle) => handle.pause());
    expect((await store.load('r', undefined))?.isPaused).toBe(true);
    const next = createRuntime({ pipelines: [made], clock, store });
    expect(await clock.settle(next.recover())).toEqual({ resumed: [], refused: [] });
    expect((await clock.settle(next.resume('r'))).status).toBe('completed');
  });

  test('and whose pause is over is due again', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const { made } = chain(clock);
    const first = createRuntime({ pipelines: [made], clock, store });
    const handle = first.start(made, {}, { runId: 'r' });
    await handle.pause();
    await clock.advance(1);
    await handle.resume();
    await clock.settle(first.close({ graceMs: 1 }));
    const next = createRuntime({ pipelines: [made], clock, store });
    expect((await clock.settle(next.recover())).resumed).toEqual([{ runId: 'r', status: 'completed' }]);
  });

  test('and is paused while it ends ends as it would', async () => {
    const { made } = chain(virtualClock());
    const quick = pipeline('quick', { outputs: { one: stage('one', { run: () => 1 }) } });
    const pauses: Promise<void>[] = [];
    const emit = ({ type }: RunEvent): void => void (type === 'run.completed' && pauses.push(handle.pause()));
    const runtime = createRuntime({ pipelines: [made, quick], store: memoryRunStore(), sinks: [{ name: 'pausing', emit }] });
    const handle: RunHandle = runtime.start(quick, {});
    expect((await handle.result).status).toBe('completed');
    expect(pauses).toHaveLength(1);
    await Promise.all(pauses);
  });

  test('and is paused and resumed at once is not paused, however long the store takes', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const faulty = faultyRunStore(store);
    const { made } = chain(clock);
    const handle = createRuntime({ pipelines: [made], clock, store: faulty.store }).start(made, {}, { runId: 'r' });
    await clock.advance(1);
    faulty.before('commit', () => clock.sleep(faulty.fired.count === 1 ? 20 : 5));
    void handle.pause();
    void handle.resume();
    await clock.advance(30);
    expect(faulty.fired.count).toBeGreaterThanOrEqual(1);
    expect((await store.load('r', undefined))?.isPaused).toBeUndefined();
    expect((await clock.settle(handle.result)).status).toBe('completed');
  });

  test('is not due for ever for what a skipped stage waited for', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const left = stage('left', { run: (_, { answer }) => answer(anything) ?? suspend('?', { timeoutMs: 100 }) });
    const asks = stage('asks', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const busy = stage('busy', { run: () => clock.sleep(50) });
    const made = pipeline('p', { outputs: { asks }, also: { left, busy } });
    const runtime = createRuntime({ pipelines: [made], clock, store });
    const handle = runtime.start(made, {}, { runId: 'r' });
    await clock.advance(1);
    expect(handle.skip('left')).toBe(true);
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'suspended', waits: [{ path: 'asks' }] });
    await clock.advance(200);
    expect((await clock.settle(runtime.recover())).resumed).toEqual([]);
    await runtime.decide('r/asks#answer', 'yes');
    expect((await clock.settle(runtime.recover())).resumed).toEqual([{ runId: 'r', status: 'completed' }]);
  });

  test('keeps what was skipped by hand', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const made = await leftBehind(store, clock, (handle) => expect(handle.skip('b')).toBe(true));
    const run = await clock.settle(createRuntime({ pipelines: [made], clock, store }).resume('r'));
    expect(run).toMatchObject({ status: 'completed', outputs: { c: 'c' } });
    expect(run.stages.get('b')?.status).toBe('skipped');
  });

  test('keeps that an output is left without a value by that, and regions as well', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const { ids } = inputs<{ ids: readonly string[] }>();
    const slow = stage('slow', { run: () => clock.sleep(50) });
    const each = map('each', ids, (id) => stage('one', { needs: { id, slow }, run: ({ id }) => id }));
    const made = pipeline('p', { outputs: { each } });
    const first = createRuntime({ pipelines: [made], clock, store });
    const handle = first.start(made, { ids: ['x'] }, { runId: 'r' });
    await clock.advance(1);
    expect(handle.skip('each')).toBe(true);
    await clock.advance(1);
    await clock.settle(first.close({ graceMs: 1 }));
    const run = await clock.settle(createRuntime({ pipelines: [made], clock, store }).resume('r'));
    expect(run).toMatchObject({ status: 'cancelled', reason: '"each" was skipped by hand, and an output needs it' });
  });
});

test('an effect that a step began goes on where the pause is over before it may be made', async () => {
  const clock = virtualClock();
  const { store, before, mend } = faultyRunStore();
  let isMade = false;
  const pays = work('pays', {
    run: () => {
      isMade = true;
    },
  });
  const made = pipeline('p', { outputs: { pays } });
  const handle = createRuntime({ pipelines: [made], clock, store }).start(made, {});
  await handle.pause();
  await clock.advance(1);
  before('commit', () => clock.sleep(50));
  expect(handle.step()).toBe('pays');
  await clock.advance(10);
  expect(isMade).toBe(false);
  mend('commit');
  const over = handle.resume();
  expect((await clock.settle(handle.result)).status).toBe('completed');
  await over;
  expect(isMade).toBe(true);
});

test('a store that fails as the wait of a skipped stage is closed fails the run', async () => {
  const clock = virtualClock();
  const { store, before, fired } = faultyRunStore();
  const asks = (name: string) => stage(name, { run: (_, { answer }) => answer(anything) ?? suspend('?') });
  const slow = stage('slow', { run: () => clock.sleep(100) });
  const made = pipeline('p', { outputs: { slow }, also: { a: asks('a'), b: asks('b') } });
  const handle = createRuntime({ pipelines: [made], clock, store }).start(made, {}, { runId: 'r' });
  await clock.advance(10);
  expect(handle.skip('a')).toBe(true);
  before('answer', () => {
    throw new Error('the disk is gone');
  });
  await expect(clock.settle(handle.result)).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
  expect(fired.count).toBe(1);
});

test('a need that is optional is no reason for a missing output', async () => {
  const clock = virtualClock();
  const slow = (name: string) => stage(name, { timeoutMs: 5_000, run: () => clock.sleep(100) });
  const [a, b] = [slow('a'), slow('b')];
  const reads = stage('reads', { needs: { a: optional(a), b }, run: () => 1 });
  const made = pipeline('p', { outputs: { reads } });
  const handle = createRuntime({ pipelines: [made], clock }).start(made, {});
  await clock.advance(1);
  expect([handle.skip('a'), handle.skip('b')]).toEqual([true, true]);
  expect(await clock.settle(handle.result)).toMatchObject({
    status: 'cancelled',
    reason: '"b" was skipped by hand, and an output needs it',
  });
});

test('a run that has ended has nothing to pause', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const { made } = chain(clock);
  const handle = createRuntime({ pipelines: [made], clock, store }).start(made, {}, { runId: 'r' });
  await clock.settle(handle.result);
  await handle.pause();
  expect(await store.load('r', undefined)).toMatchObject({ status: 'completed' });
  expect((await store.load('r', undefined))?.isPaused).toBeUndefined();
});

test('a store that fails as a run comes to rest has no wait closed by it', async () => {
  const clock = virtualClock();
  const { store, before, fired, calls } = faultyRunStore();
  const asks = (name: string) => stage(name, { run: (_, { answer }) => answer(anything) ?? suspend('?') });
  const slow = stage('slow', { run: () => clock.sleep(100) });
  const made = pipeline('p', { outputs: { slow }, also: { a: asks('a'), b: asks('b') }, journal: 'exit' });
  const handle = createRuntime({ pipelines: [made], clock, store }).start(made, {}, { runId: 'r' });
  await clock.advance(10);
  expect(handle.skip('a')).toBe(true);
  before('commit', () => {
    throw new Error('the disk is gone');
  });
  await expect(clock.settle(handle.result)).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
  expect(fired.count).toBe(1);
  expect(calls).not.toContain('answer');
});

test('an effect that a step began and that waits for a slot has its turn after the pause', async () => {
  const clock = virtualClock();
  const { store, before } = faultyRunStore();
  const ran: string[] = [];
  const pays = work('pays', { run: () => void ran.push('pays') });
  const slow = stage('slow', { run: () => clock.sleep(100).then(() => ran.push('slow')) });
  const made = pipeline('p', { outputs: { pays }, also: { slow }, maxConcurrency: 1 });
  const handle = createRuntime({ pipelines: [made], clock, store }).start(made, {});
  await handle.pause();
  await clock.advance(1);
  before('commit', () => clock.sleep(20));
  const steps = [handle.step(), handle.step()].sort();
  expect(steps).toEqual(['pays', 'slow']);
  await clock.advance(50);
  const over = handle.resume();
  expect((await clock.settle(handle.result)).status).toBe('completed');
  await over;
  expect(ran).toEqual(['slow', 'pays']);
});
