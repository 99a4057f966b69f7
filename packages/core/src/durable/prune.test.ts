import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { suspend } from '../control.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { memoryRunStore } from './memory-run-store.ts';

const { what } = inputs<{ what: 'end' | 'rest' }>();
const done = stage('done', { needs: { what }, run: ({ what }) => (what === 'rest' ? suspend('?') : what) });
const made = pipeline('p', { outputs: { done } });

function host() {
  const clock = virtualClock();
  const store = memoryRunStore();
  return { clock, store, runtime: createRuntime({ pipelines: [made], store, clock }) };
}

describe('runtime.prune()', () => {
  test('deletes runs that ended longer ago than it is told, of any tenant, and leaves those that rest', async () => {
    const { clock, runtime } = host();
    await clock.settle(runtime.run(made, { what: 'end' }, { runId: 'old', tenantId: 't' }));
    await clock.settle(runtime.run(made, { what: 'rest' }, { runId: 'rests' }));
    await clock.advance(1_000);
    await clock.settle(runtime.run(made, { what: 'end' }, { runId: 'young' }));
    await clock.advance(1);
    expect(await runtime.prune({ olderThanMs: 1_000 })).toBe(1);
    await expect(runtime.resume('old', { tenantId: 't' })).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    await expect(runtime.resume('young')).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE' });
    expect((await runtime.waits()).map(({ runId }) => runId)).toEqual(['rests']);
    expect(await runtime.prune({ olderThanMs: 0 })).toBe(1);
    expect(await runtime.prune({ olderThanMs: 0 })).toBe(0);
  });

  test('deletes any number of them', async () => {
    const { clock, runtime } = host();
    for (let at = 0; at < 1_001; at++) await runtime.run(made, { what: 'end' }, { runId: String(at) });
    await clock.advance(1);
    expect(await runtime.prune({ olderThanMs: 0 })).toBe(1_001);
  });

  test('is refused where it makes no sense', async () => {
    const { store, clock, runtime } = host();
    for (const olderThanMs of [-1, Number.NaN])
      await expect(runtime.prune({ olderThanMs })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID' });
    await expect(createRuntime({ pipelines: [made] }).prune({ olderThanMs: 0 })).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
    const plain = Object.assign(Object.create(store), { remove: undefined });
    await expect(createRuntime({ pipelines: [made], store: plain, clock }).prune({ olderThanMs: 0 })).rejects.toMatchObject({
      code: 'SF_RUNTIME_REQUIRED',
    });
  });
});
