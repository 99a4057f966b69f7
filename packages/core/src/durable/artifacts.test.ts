import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { anything } from '../../test/any-schema.ts';
import { skip, suspend } from '../control.ts';
import { optional } from '../edge.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { ArtifactStore } from '../ports/artifact-store.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { memoryArtifactStore } from './memory-artifact-store.ts';
import { memoryRunStore } from './memory-run-store.ts';

const { text } = inputs<{ text: string }>();
let calls = 0;
const long = stage('long', {
  needs: { text },
  run: ({ text }) => {
    calls++;
    return text.repeat(20);
  },
});
const asks = stage('asks', { needs: { long }, run: (_, { answer }) => answer(anything) ?? suspend('?') });
const none = stage('none', { run: () => skip('nothing to do') });
const last = stage('last', { needs: { long, asks, none: optional(none) }, run: ({ long }) => long.length });
const made = pipeline('p', { outputs: { last, long } });
const input = { text: 'x'.repeat(60) };

/** A run that rests, of which everything of 50 characters lies apart. */
async function resting(artifacts: ArtifactStore = memoryArtifactStore()) {
  calls = 0;
  const store = memoryRunStore();
  const clock = virtualClock();
  const options = { pipelines: [made] as const, store, clock, artifacts: { store: artifacts, minLength: 50 } };
  const run = await createRuntime(options).run(made, input, { runId: 'r', tenantId: 'acme' });
  return { artifacts, store, clock, options, run };
}

describe('values that are too large for the journal', () => {
  test('lie apart: the journal says where', async () => {
    const { artifacts, store } = await resting();
    const kept = await store.load('r', 'acme');
    expect(kept?.input).toEqual({ text: expect.stringMatching(/^\{"\$sf":"artifact","value":"\[input\]\/text#0-[-0-9a-f]{36}"\}$/) });
    expect(kept?.records.map(({ path, output }) => [path, output])).toEqual([
      ['long', '{"$sf":"artifact","value":"long#1"}'],
      ['none', undefined],
    ]);
    expect(await artifacts.get({ tenantId: 'acme', runId: 'r', artifactId: 'long#1' })).toBe(JSON.stringify('x'.repeat(1_200)));
  });

  test('are in their places when the run goes on', async () => {
    const { options } = await resting();
    const next = createRuntime(options);
    await next.decide('r/asks#answer', 'yes', { tenantId: 'acme' });
    const run = await next.resume('r', { tenantId: 'acme' });
    expect(run).toMatchObject({ status: 'completed', outputs: { last: 1_200, long: 'x'.repeat(1_200) } });
    expect(calls).toBe(1);
  });

  test('may be one of several that are not', async () => {
    const { options } = await resting();
    const next = createRuntime(options);
    const { runId } = await next.run(made, { text: 'short' }, { runId: 's', tenantId: 'acme' });
    await next.decide('s/asks#answer', 'yes', { tenantId: 'acme' });
    expect(await next.resume(runId, { tenantId: 'acme' })).toMatchObject({ status: 'completed', outputs: { last: 100 } });
  });

  test('are not written over by a run that is refused because its id is taken', async () => {
    const { options } = await resting();
    const next = createRuntime(options);
    const other = next.run(made, { text: 'y'.repeat(60) }, { runId: 'r', tenantId: 'acme' });
    await expect(other).rejects.toMatchObject({ code: 'SF_RUN_EXISTS' });
    const again = await next.fork('r', { tenantId: 'acme', from: 'long' });
    expect(again.outputs).toEqual({ long: 'x'.repeat(1_200) });
  });

  test('are copied into a fork, which outlives the run that it comes from', async () => {
    const { options, artifacts } = await resting();
    const next = createRuntime(options);
    const fork = await next.fork('r', { tenantId: 'acme', newRunId: 'f' });
    await artifacts.removeRun({ tenantId: 'acme', runId: 'r' });
    await next.decide('f/asks#answer', 'yes', { tenantId: 'acme' });
    expect(await next.resume(fork.runId, { tenantId: 'acme' })).toMatchObject({ status: 'completed' });
    expect(calls).toBe(1);
  });

  test('are compared by a replay', async () => {
    const { options } = await resting();
    expect(await createRuntime(options).replay('r', { tenantId: 'acme' })).toMatchObject({ differences: [], sameCount: 2 });
  });

  test('go with their run', async () => {
    const { options, artifacts, clock } = await resting();
    const next = createRuntime(options);
    await next.decide('r/asks#answer', 'yes', { tenantId: 'acme' });
    await next.resume('r', { tenantId: 'acme' });
    await clock.advance(10);
    expect(await next.prune({ olderThanMs: 1 })).toBe(1);
    for (const artifactId of ['[input]/text#0', 'long#1', '[outputs]#2'])
      expect(await artifacts.get({ tenantId: 'acme', runId: 'r', artifactId })).toBeUndefined();
  });

  test('that cannot be deleted keep their run, and it is said whose fault that is', async () => {
    const { options, artifacts, clock, store } = await resting();
    const away: ArtifactStore = { ...artifacts, name: 'bucket', removeRun: () => Promise.reject(new Error('away')) };
    const next = createRuntime({ ...options, artifacts: { store: away, minLength: 50 } });
    await next.decide('r/asks#answer', 'yes', { tenantId: 'acme' });
    await next.resume('r', { tenantId: 'acme' });
    await clock.advance(10);
    await expect(next.prune({ olderThanMs: 1 })).rejects.toMatchObject({
      code: 'SF_STORE_FAILED',
      details: { store: 'bucket', why: 'away' },
    });
    expect((await store.load('r', 'acme'))?.status).toBe('completed');
  });

  test('that are not there refuse the run before anything of it is called', async () => {
    const { options, artifacts } = await resting();
    await artifacts.removeRun({ tenantId: 'acme', runId: 'r' });
    const refused = createRuntime(options).resume('r', { tenantId: 'acme' });
    await expect(refused).rejects.toMatchObject({
      code: 'SF_JOURNAL_CORRUPT',
      details: { at: 'input "text"', why: expect.stringMatching(/^artifact "\[input\]\/text#0-[-0-9a-f]{36}" is not in store "memory"$/) },
    });
    const without = createRuntime({ ...options, artifacts: undefined }).resume('r', { tenantId: 'acme' });
    await expect(without).rejects.toMatchObject({ details: { why: 'the value is in an artifact store, and this runtime has none' } });
  });

  test('whose store fails fail the run, and nothing refers to them', async () => {
    let fired = 0;
    const failing: ArtifactStore = {
      ...memoryArtifactStore(),
      put: async ({ artifactId }) => {
        if (!artifactId.startsWith('long')) return;
        fired++;
        throw new Error('the bucket is full');
      },
    };
    const store = memoryRunStore();
    const options = { pipelines: [made] as const, store, clock: virtualClock(), artifacts: { store: failing, minLength: 50 } };
    await expect(createRuntime(options).run(made, input, { runId: 'r' })).rejects.toMatchObject({
      code: 'SF_STORE_FAILED',
      details: { store: 'memory', why: 'the bucket is full' },
    });
    expect(fired).toBe(1);
    expect((await store.load('r', undefined))?.records).toEqual([]);
  });

  test('whose store cannot be read leave the run as it is', async () => {
    const { options, artifacts } = await resting();
    const away = { ...artifacts, get: () => Promise.reject('away') };
    const refused = createRuntime({ ...options, artifacts: { store: away, minLength: 50 } }).resume('r', { tenantId: 'acme' });
    await expect(refused).rejects.toMatchObject({ code: 'SF_STORE_FAILED', details: { why: 'away' } });
  });

  test('are those of 65,536 characters where nobody says otherwise', async () => {
    const artifacts = memoryArtifactStore();
    const store = memoryRunStore();
    const runtime = createRuntime({ pipelines: [made], store, artifacts: { store: artifacts } });
    await runtime.run(made, { text: 'x'.repeat(65_534 / 20) }, { runId: 'short' });
    await runtime.run(made, { text: 'x'.repeat(65_560 / 20) }, { runId: 'long' });
    expect(await artifacts.removeRun({ tenantId: undefined, runId: 'short' })).toBe(0);
    expect(await artifacts.removeRun({ tenantId: undefined, runId: 'long' })).toBe(1);
  });
});

test('minLength is a number of characters', () => {
  const make = (minLength: number) => () =>
    createRuntime({ pipelines: [made], store: memoryRunStore(), artifacts: { store: memoryArtifactStore(), minLength } });
  expect(make(0)).toThrow(
    expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option: 'artifacts.minLength' }) }),
  );
  expect(make(1)).not.toThrow();
});
