import {
  createRuntime,
  type InterceptedRun,
  type Interceptor,
  isStageflowError,
  memoryRunStore,
  pipeline,
  type Run,
  type Schema,
  stage,
  suspend,
} from '@stageflow/core';
import type { RunStore } from '@stageflow/core/ports';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

type Around = (run: InterceptedRun, next: () => Promise<Run>) => Promise<Run>;

/** A run that waits for an answer, then has it, and its next activation within `again`. */
async function suspendedRun(again: Around, options: { readonly deadlineMs?: number } = {}) {
  const clock = virtualClock();
  const store: RunStore = memoryRunStore();
  const called = vi.fn((_: unknown, answer: unknown) => answer ?? suspend('go on?'));
  const asked = stage('asked', { run: (values, { answer }) => called(values, answer(anything)) });
  const p = pipeline('p', { outputs: { asked } });
  const first = createRuntime({ pipelines: [p], store, clock });
  const rests = await first.run(p, {}, { runId: 'r' });
  if (rests.status !== 'suspended') throw new Error(`the run is ${rests.status}`);
  await first.decide(rests.waits[0]?.waitId as string, 'yes');
  called.mockClear();
  const sink = recordingSink();
  const around: Interceptor = { name: 'gate', run: (run, next) => again(run, next) };
  const guarded = createRuntime({ pipelines: [p], store, clock, sinks: [sink], interceptors: [around], ...options });
  const goesOn = () => createRuntime({ pipelines: [p], store, clock }).resume('r');
  return { clock, store, called, sink, guarded, goesOn };
}

describe('an interceptor that does not let a resumed run begin', () => {
  test('refuses the resume with what it threw: nothing runs, and the run is left suspended', async () => {
    const { guarded, called, sink, store, goesOn } = await suspendedRun(() => Promise.reject(new Error('not you')));

    const error = await guarded.resume('r').catch((thrown: unknown) => thrown);

    expect(isStageflowError(error, 'SF_INTERCEPTOR_FAILED') && error.details).toEqual({ interceptor: 'gate', thrown: 'not you.' });
    expect(called).toHaveBeenCalledTimes(0);
    expect(sink.events.map(({ type, epoch }) => [type, epoch])).toEqual([
      ['run.created', 2],
      ['run.started', 2],
      ['run.stopping', 2],
      ['run.suspended', 2],
    ]);
    expect(await store.load('r', undefined)).toMatchObject({ status: 'suspended', epoch: 2 });
    expect(guarded.activeRuns).toBe(0);
    expect(await goesOn()).toMatchObject({ status: 'completed', outputs: { asked: 'yes' } });
    expect(called).toHaveBeenCalledTimes(1);
  });

  test('and forgets to call next() refuses it as well', async () => {
    const { guarded, called, goesOn } = await suspendedRun(async () => ({}) as Run);
    await expect(guarded.resume('r')).rejects.toMatchObject({ code: 'SF_INTERCEPTOR_INVALID' });
    expect(called).toHaveBeenCalledTimes(0);
    expect((await goesOn()).status).toBe('completed');
  });

  test('lets a caller that goes away meanwhile end nothing: the run is suspended', async () => {
    const controller = new AbortController();
    const { guarded, called, goesOn } = await suspendedRun(async () => {
      controller.abort(new Error('gone'));
      return new Promise(() => {});
    });
    expect((await guarded.resume('r', { signal: controller.signal })).status).toBe('suspended');
    expect(called).toHaveBeenCalledTimes(0);
    expect((await goesOn()).status).toBe('completed');
  });

  test('and throws when the caller has gone leaves it suspended, too', async () => {
    const controller = new AbortController();
    const { guarded, goesOn } = await suspendedRun(async () => {
      controller.abort(new Error('gone'));
      throw new Error('not you');
    });
    expect((await guarded.resume('r', { signal: controller.signal })).status).toBe('suspended');
    expect((await goesOn()).status).toBe('completed');
  });

  test('and hangs until the deadline ends nothing either', async () => {
    const { clock, guarded, goesOn } = await suspendedRun(() => new Promise(() => {}), { deadlineMs: 40 });
    expect((await clock.settle(guarded.resume('r'))).status).toBe('suspended');
    expect((await goesOn()).status).toBe('completed');
  });
});

describe('an interceptor that lets a resumed run begin', () => {
  test('is told which activation it is, and reads the extensions of the resume', async () => {
    const seen: unknown[] = [];
    const { guarded } = await suspendedRun((run, next) => {
      seen.push(run.epoch, run.extension('token', anything));
      return next();
    });
    expect(await guarded.resume('r', { extensions: { token: 't' } })).toMatchObject({ status: 'completed' });
    expect(seen).toEqual([2, 't']);
  });

  test('and throws afterwards fails the run for good', async () => {
    const { guarded, called, goesOn } = await suspendedRun(async (_, next) => {
      await next();
      throw new Error('not this');
    });
    expect((await guarded.resume('r')).status).toBe('failed');
    expect(called).toHaveBeenCalledTimes(1);
    await expect(goesOn()).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE' });
  });
});

test('an interceptor that denies a new run fails it: there is nothing to go on with', async () => {
  const store = memoryRunStore();
  const p = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
  const denying: Interceptor = { name: 'gate', run: () => Promise.reject(new Error('not you')) };
  const runtime = createRuntime({ pipelines: [p], store, interceptors: [denying] });
  expect((await runtime.run(p, {}, { runId: 'r' })).status).toBe('failed');
  expect((await store.load('r', undefined))?.status).toBe('failed');
});

test('a run that goes on by itself, since its answer came while it came to rest, has the extensions it was started with', async () => {
  const seen: unknown[] = [];
  const inner = memoryRunStore();
  // Answers as soon as the run rests, before the runtime looks.
  const store: RunStore = {
    ...bound(inner),
    commit: async (runId, epoch, batch) => {
      const kept = await inner.commit(runId, epoch, batch);
      const [wait] = await inner.waits({});
      if (batch.status === 'suspended' && wait !== undefined) await inner.answer(wait.waitId, '"yes"' as never, undefined);
      return kept;
    },
  };
  const asked = stage('asked', { run: (_, { answer }) => answer(anything) ?? suspend('go on?') });
  const p = pipeline('p', { outputs: { asked } });
  const gate: Interceptor = {
    name: 'gate',
    run: (run, next) => {
      seen.push([run.epoch, run.extension('token', anything)]);
      return next();
    },
  };
  const run = await createRuntime({ pipelines: [p], store, interceptors: [gate] }).run(p, {}, { extensions: { token: 't' } });
  expect(run.status).toBe('completed');
  expect(seen).toEqual([
    [1, 't'],
    [2, 't'],
  ]);
});

/** The methods of a store, out of its class. */
function bound(store: RunStore): RunStore {
  return {
    name: store.name,
    create: (run, lease) => store.create(run, lease),
    load: (runId, tenantId) => store.load(runId, tenantId),
    acquire: (runId, lease) => store.acquire(runId, lease),
    renew: (runId, epoch, lease) => store.renew(runId, epoch, lease),
    commit: (runId, epoch, batch) => store.commit(runId, epoch, batch),
    waits: (filter) => store.waits(filter),
    answer: (waitId, answer, tenantId) => store.answer(waitId, answer, tenantId),
    deliver: (runId, type, payload, tenantId) => store.deliver(runId, type, payload, tenantId),
  };
}
