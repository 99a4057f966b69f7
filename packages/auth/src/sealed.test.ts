import { sealed } from '@stageflow/auth';
import { createRuntime, inputs, memoryRunStore, pipeline, type Schema, stage, suspend } from '@stageflow/core';
import type { RunStore, StoredRun } from '@stageflow/core/ports';
import { runStoreContract } from '@stageflow/testing';
import { beforeAll, describe, expect, test, vi } from 'vitest';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe('a sealed store is a run store:', () => {
  test.each(runStoreContract)('$name', ({ run }) => run(sealed(memoryRunStore(), { keys: [key(1)] })));
});

/** A suspended run of Ada's in a sealed store, somebody who can write to what is below, and the next activation. */
async function kept(tamper: (run: StoredRun) => unknown = (run) => run) {
  const inner = memoryRunStore();
  let armed = false;
  // A database on whose way back somebody sits.
  const below: RunStore = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'load') {
        return async (...of: Parameters<RunStore['load']>) => {
          const [runId] = of;
          const found = (await target.load(runId, 'acme')) ?? (await target.load(runId, 'umbrella'));
          return found && armed ? tamper(JSON.parse(JSON.stringify(found))) : found;
        };
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const called = vi.fn((given: unknown) => given);
  const { amount } = inputs<{ amount: number }>();
  const asked = stage('asked', {
    needs: { amount },
    run: ({ amount }, { answer, identity }) => (answer(anything) === undefined ? suspend('go on?') : [called(amount), identity.metadata]),
  });
  const p = pipeline('p', { outputs: { asked } });
  const runtime = (keys: readonly Uint8Array[]) => createRuntime({ pipelines: [p], store: sealed(below, { keys }) });
  const first = runtime([key(1)]);
  const metadata = { locale: 'en', at: new Date(7), deep: { a: [1, { b: 2 }] } };
  await first.run(p, { amount: 5 }, { runId: 'r', tenantId: 'acme', userId: 'ada', metadata });
  const [wait] = await first.waits({ tenantId: 'acme' });
  await first.decide(wait?.waitId as string, 'yes', { tenantId: 'acme' });
  armed = true;
  const resume = (keys: readonly Uint8Array[] = [key(1)], tenantId = 'acme') => runtime(keys).resume('r', { tenantId });
  return { called, resume, inner, metadata };
}

describe('a sealed run', () => {
  test('goes on where nothing was changed, in whichever order the store gives members back, and stages see no seal', async () => {
    const reversed = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, member]) => [name, reversed(member)]),
          );
    const { resume, metadata } = await kept(reversed);
    expect(await resume()).toMatchObject({ status: 'completed', outputs: { asked: [5, metadata] } });
  });

  let another: StoredRun | undefined;
  beforeAll(async () => {
    const store = memoryRunStore();
    const p = pipeline('p', { outputs: { asked: stage('asked', { run: () => suspend('go on?') }) } });
    await createRuntime({ pipelines: [p], store: sealed(store, { keys: [key(1)] }) }).run(p, {}, { runId: 'another', tenantId: 'acme' });
    another = await store.load('another', 'acme');
  });

  const identity = (change: object) => (run: StoredRun) => ({ ...run, identity: { ...run.identity, ...change } });
  const metadata = (change: object) => (run: StoredRun) => identity({ metadata: { ...run.identity.metadata, ...change } })(run);

  test.each<[string, (run: StoredRun) => unknown]>([
    ['another tenant', identity({ tenantId: 'umbrella' })],
    ['no tenant', identity({ tenantId: undefined })],
    ['another user', identity({ userId: 'eve' })],
    ['one identity member more', identity({ mode: 'admin' })],
    ['other metadata', metadata({ locale: 'de' })],
    ['metadata of the same text but another shape', metadata({ deep: [['a', [1, { b: 2 }]]] })],
    ['another input', (run) => ({ ...run, input: { amount: '5000' } })],
    ['another pipeline', (run) => ({ ...run, pipeline: 'q' })],
    ['another id', (run) => ({ ...run, runId: 'other' })],
    ['the whole of another run, seal included', () => another],
    ['no seal', metadata({ 'stageflow.seal': undefined })],
    ['an empty seal', metadata({ 'stageflow.seal': '' })],
    ['a seal that is no text', metadata({ 'stageflow.seal': ['a'] })],
    ['a seal of nonsense', metadata({ 'stageflow.seal': 'zz'.repeat(32) })],
    ['a seal of another run', metadata({ 'stageflow.seal': 'ab'.repeat(32) })],
  ])('that comes back with %s is refused: nothing is called', async (_, change) => {
    const tampered = vi.fn(change);
    const { resume, called } = await kept(tampered);
    await expect(resume([key(1)], 'acme')).rejects.toMatchObject({ code: 'SF_AUTH_SEAL_BROKEN', runId: 'r' });
    await expect(resume([key(1)], 'umbrella')).rejects.toMatchObject({ code: 'SF_AUTH_SEAL_BROKEN' });
    expect(tampered).toHaveBeenCalled();
    expect(called).toHaveBeenCalledTimes(0);
  });

  test('is opened by any key of the list, and by no other', async () => {
    expect((await (await kept()).resume([key(2), key(1)])).status).toBe('completed');
    await expect((await kept()).resume([key(2)])).rejects.toMatchObject({ code: 'SF_AUTH_SEAL_BROKEN' });
  });

  test('is sealed all the same where its metadata hold something under the name of the seal', async () => {
    const store = sealed(memoryRunStore(), { keys: [key(1)] });
    const p = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
    await createRuntime({ pipelines: [p], store }).run(p, {}, { runId: 'r', metadata: { 'stageflow.seal': 'mine', a: 1 } });
    expect((await store.load('r', undefined))?.identity.metadata).toEqual({ a: 1 });
  });

  test('is sealed with the first key', async () => {
    const store = memoryRunStore();
    const p = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
    await createRuntime({ pipelines: [p], store: sealed(store, { keys: [key(3), key(4)] }) }).run(p, {}, { runId: 'r' });
    await expect(sealed(store, { keys: [key(3)] }).load('r', undefined)).resolves.toMatchObject({ runId: 'r' });
    await expect(sealed(store, { keys: [key(4)] }).load('r', undefined)).rejects.toMatchObject({ code: 'SF_AUTH_SEAL_BROKEN' });
  });
});

test.each<[string, readonly Uint8Array[]]>([
  ['no key', []],
  ['a short key', [new Uint8Array(31)]],
  ['a key that is a text', ['a'.repeat(32) as never]],
])('%s is refused where the store is made', (_, keys) => {
  expect(() => sealed(memoryRunStore(), { keys })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
});
