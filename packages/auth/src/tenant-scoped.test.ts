import { tenantScoped } from '@stageflow/auth';
import { createRuntime, memoryRunStore, pipeline, type Schema, stage, suspend } from '@stageflow/core';
import type { Lease, NewRun, RunStore } from '@stageflow/core/ports';
import { describe, expect, test, vi } from 'vitest';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const asked = stage('asked', { run: (_, { answer }) => answer(anything) ?? suspend('go on?') });
const p = pipeline('p', { outputs: { asked } });
const lease: Lease = { owner: 'me', until: 1_000, now: 0 };
const missing = expect.objectContaining({ code: 'SF_AUTH_TENANT_MISSING' });
const mismatch = expect.objectContaining({ code: 'SF_AUTH_TENANT_MISMATCH' });

function newRun(runId: string, tenantId: string | undefined): NewRun {
  return {
    runId,
    pipeline: 'p',
    version: undefined,
    identity: { runId, tenantId, metadata: {} } as NewRun['identity'],
    input: {},
    createdAt: 0,
  };
}

/** A store with a suspended run each of acme and of umbrella, and what acme may see of it. */
async function shared() {
  const store = memoryRunStore();
  const runtime = createRuntime({ pipelines: [p], store });
  for (const tenantId of ['acme', 'umbrella']) await runtime.run(p, {}, { runId: `run-of-${tenantId}`, tenantId });
  const [foreignWait] = await store.waits({ tenantId: 'umbrella' });
  return { store, acme: tenantScoped(store, 'acme'), foreignWait: foreignWait?.waitId as string };
}

describe('a store for one tenant', () => {
  test('has votes of its tenant counted, and those of another refused', async () => {
    const { acme, store, foreignWait } = await shared();
    const vote = { vote: { by: 'ann', answer: '1' as never, at: 0 }, after: 0 };
    await expect(acme.vote?.(foreignWait, vote, 'umbrella')).rejects.toEqual(mismatch);
    expect(await acme.vote?.(foreignWait, vote, 'acme')).toBe('unknown');
    const [own] = await acme.waits({ tenantId: 'acme' });
    expect(await acme.vote?.(own?.waitId as string, vote, 'acme')).toBe('kept');
    expect((await store.waits({ tenantId: 'umbrella' }))[0]?.votes).toBeUndefined();
  });

  test('says that something was answered, and not what, since that may be of others', async () => {
    let tell: ((answered: { runId: string; waitId: string }) => void) | undefined;
    const watched: RunStore = Object.assign(memoryRunStore(), {
      watch: async (onAnswer: typeof tell) => {
        tell = onAnswer;
        return async () => {};
      },
    });
    const seen: unknown[] = [];
    await tenantScoped(watched, 'acme').watch?.((answered) => seen.push(answered));
    tell?.({ runId: 'run-of-umbrella', waitId: 'run-of-umbrella/asked#answer' });
    expect(seen).toEqual([{ runId: '', waitId: '' }]);
    expect(tenantScoped(memoryRunStore(), 'acme').watch).toBeUndefined();
  });

  test('keeps, suspends, answers and resumes its runs', async () => {
    const store = tenantScoped(memoryRunStore(), 'acme');
    const runtime = createRuntime({ pipelines: [p], store });
    const run = await runtime.run(p, {}, { tenantId: 'acme' });
    expect(run.status).toBe('suspended');
    const [wait] = await runtime.waits({ tenantId: 'acme' });
    await runtime.decide(wait?.waitId as string, 'yes', { tenantId: 'acme' });
    expect(await runtime.resume(run.runId, { tenantId: 'acme' })).toMatchObject({ status: 'completed', outputs: { asked: 'yes' } });
  });

  test('does not take a run of another tenant: nothing of it runs', async () => {
    const called = vi.fn();
    const one = pipeline('one', { outputs: { one: stage('one', { run: called }) } });
    const inner = memoryRunStore();
    const runtime = createRuntime({ pipelines: [one], store: tenantScoped(inner, 'acme') });
    await expect(runtime.run(one, {}, { runId: 'r', tenantId: 'umbrella' })).rejects.toEqual(mismatch);
    await expect(runtime.run(one, {}, { runId: 'r' })).rejects.toEqual(missing);
    expect(called).toHaveBeenCalledTimes(0);
    expect(await inner.load('r', 'umbrella')).toBeUndefined();
    expect((await runtime.run(one, {}, { runId: 'r', tenantId: 'acme' })).status).toBe('completed');
  });

  test.each<[string, (acme: RunStore, tenantId: string | undefined, waitId: string) => Promise<unknown>]>([
    ['create', (acme, tenantId) => acme.create(newRun('new', tenantId), lease)],
    ['load', (acme, tenantId) => acme.load('run-of-umbrella', tenantId)],
    ['waits', (acme, tenantId) => acme.waits({ tenantId })],
    ['answer', (acme, tenantId, waitId) => acme.answer(waitId, '1' as never, tenantId)],
    ['deliver', (acme, tenantId) => acme.deliver('run-of-umbrella', 'type', '1' as never, tenantId)],
  ])('cannot be asked for another tenant, or for none: %s', async (_, ask) => {
    const { store, acme, foreignWait } = await shared();
    const before = await store.load('run-of-umbrella', 'umbrella');
    for (const tenantId of ['umbrella', ' acme', 'ACME', '']) await expect(ask(acme, tenantId, foreignWait)).rejects.toEqual(mismatch);
    await expect(ask(acme, undefined, foreignWait)).rejects.toEqual(missing);
    await expect(ask(acme, 'acme', foreignWait)).resolves.not.toThrow();
    expect(await store.load('run-of-umbrella', 'umbrella')).toEqual(before);
  });

  test('does not know the runs of others, by their ids either', async () => {
    const { store, acme, foreignWait } = await shared();
    const before = await store.load('run-of-umbrella', 'umbrella');
    const batch = { at: 0, records: [], waits: [], status: 'cancelled', outputs: undefined } as const;
    const epoch = before?.epoch as number;
    expect(await acme.load('run-of-umbrella', 'acme')).toBeUndefined();
    expect(await acme.acquire('run-of-umbrella', lease)).toBeUndefined();
    expect(await acme.renew('run-of-umbrella', epoch, lease)).toBe(false);
    expect(await acme.commit('run-of-umbrella', epoch, batch)).toBe(false);
    expect(await acme.answer(foreignWait, '1' as never, 'acme')).toBe('unknown');
    expect(await acme.deliver('run-of-umbrella', 'type', '1' as never, 'acme')).toEqual({ result: 'unknown run' });
    expect(await store.load('run-of-umbrella', 'umbrella')).toEqual(before);
    expect(await acme.acquire('run-of-acme', lease)).toEqual({ epoch: 2 });
  });

  test('does not open waits of another tenant in a run of its own', async () => {
    const { store, acme } = await shared();
    const [wait] = (await store.load('run-of-umbrella', 'umbrella'))?.waits ?? [];
    const batch = { at: 0, records: [], waits: [wait as never], status: undefined, outputs: undefined };
    await expect(acme.commit('run-of-acme', 1, batch)).rejects.toEqual(mismatch);
  });

  test('tells which of its own runs are due, and of no others, in whole pages', async () => {
    const store = memoryRunStore();
    const tenants = ['acme', 'umbrella', undefined, 'umbrella', 'acme', 'acme'];
    for (const [at, tenantId] of tenants.entries()) await store.create(newRun(`run-${at}`, tenantId), lease);
    expect(await store.due?.(2_000, 10)).toHaveLength(6);
    const acme = tenantScoped(store, 'acme');
    const page = async (limit: number, after?: string) => (await acme.due?.(2_000, limit, after))?.map(({ runId }) => runId);
    expect(await page(10)).toEqual(['run-0', 'run-4', 'run-5']);
    expect(await page(2)).toEqual(['run-0', 'run-4']);
    expect(await page(2, 'run-4')).toEqual(['run-5']);
  });

  test('tells of no due runs over a store that cannot', () => {
    const store = { ...memoryRunStore(), name: 'plain' } as RunStore;
    expect('due' in tenantScoped(store, 'acme')).toBe(false);
  });

  test('does not believe a store that mixes tenants up', async () => {
    const run = { ...newRun('r', 'umbrella'), status: 'suspended', epoch: 1, records: [], waits: [], early: [] } as const;
    const wait = { tenantId: 'umbrella' } as never;
    const broken = { name: 'broken', load: vi.fn(async () => run), waits: vi.fn(async () => [wait]) } as unknown as RunStore;
    await expect(tenantScoped(broken, 'acme').load('r', 'acme')).rejects.toEqual(mismatch);
    expect(await tenantScoped(broken, 'acme').waits({ tenantId: 'acme' })).toEqual([]);
    expect([vi.mocked(broken.load).mock.calls.length, vi.mocked(broken.waits).mock.calls.length]).toEqual([1, 1]);
  });

  test('asks once whose a run is, and forgets when it knows too many', async () => {
    const inner = memoryRunStore();
    const acme = tenantScoped(inner, 'acme');
    const load = vi.spyOn(inner, 'load');
    await acme.create(newRun('first', 'acme'), lease);
    for (let count = 0; count < 5; count++) expect(await acme.renew('first', 1, lease)).toBe(true);
    expect(load).toHaveBeenCalledTimes(0);
    for (let count = 0; count < 10_000; count++) await acme.create(newRun(`r${count}`, 'acme'), lease);
    expect(await acme.renew('first', 1, lease)).toBe(true);
    expect(load).toHaveBeenCalledTimes(1);
  });

  test.each(['', ' ', ' acme', 'a\u0000'])('has to be given a tenant in normal form: %o', (tenantId) => {
    expect(() => tenantScoped(memoryRunStore(), tenantId)).toThrow(missing);
  });
});
