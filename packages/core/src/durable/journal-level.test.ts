import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { dyingRunStore } from '../../test/dying-run-store.ts';
import { fail, suspend } from '../control.ts';
import { pipeline } from '../pipeline.ts';
import type { JournalLevel } from '../plan/draft.ts';
import type { RunStore } from '../ports/run-store.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';
import { memoryRunStore } from './memory-run-store.ts';

function chain(journal?: JournalLevel) {
  const called: string[] = [];
  const a = stage('a', { run: () => called.push('a') });
  const b = work('b', { needs: { a }, run: () => called.push('b'), undo: () => called.push('undo b') });
  const c = stage('c', { needs: { b }, run: () => called.push('c') });
  return { called, made: pipeline('p', { outputs: { c }, journal }) };
}

describe('level "exit"', () => {
  test('writes everything at the end, in one commit', async () => {
    const { made } = chain('exit');
    const inner = memoryRunStore();
    const counting = dyingRunStore(inner);
    const run = await createRuntime({ pipelines: [made], store: counting.store }).run(made, {}, { runId: 'r' });
    expect([run.status, counting.commits]).toEqual(['completed', 1]);
    const kept = await inner.load('r', undefined);
    expect([kept?.status, kept?.records.map(({ path, status }) => `${path} ${status}`)]).toEqual([
      'completed',
      ['a completed', 'b intent', 'b completed', 'c completed'],
    ]);
    const other = dyingRunStore(memoryRunStore());
    await createRuntime({ pipelines: [made], store: other.store }).run(made, {}, { journal: 'stage' });
    expect(other.commits).toBeGreaterThan(2);
  });

  test('begins a run anew after a crash', async () => {
    const clock = virtualClock();
    const { made, called } = chain('exit');
    const inner = memoryRunStore();
    const dying = dyingRunStore(inner, { dieAt: 1, when: 'before' });
    void createRuntime({ pipelines: [made], store: dying.store, clock, leaseMs: 100 }).run(made, {}, { runId: 'r' });
    await clock.advance(200);
    expect(dying.isDead).toBe(true);
    const next = createRuntime({ pipelines: [made], store: inner, clock });
    expect(await clock.settle(next.recover())).toMatchObject({ resumed: [{ runId: 'r', status: 'completed' }] });
    expect(called).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('keeps a run that rests, and undoes what it made before', async () => {
    const undone: string[] = [];
    const made = work('made', { run: () => 'made', undo: () => undone.push('made') });
    const asks = stage('asks', { needs: { made }, run: (_, { answer }) => (answer(anything) === undefined ? suspend('?') : fail('no')) });
    const p = pipeline('p', { outputs: { asks }, journal: 'exit' });
    const store = memoryRunStore();
    await createRuntime({ pipelines: [p], store }).run(p, {}, { runId: 'r' });
    const next = createRuntime({ pipelines: [p], store });
    await next.decide('r/asks#answer', 'yes');
    expect(await next.resume('r')).toMatchObject({ status: 'failed', undone: ['made'] });
    expect(undone).toEqual(['made']);
  });
});

describe('level "none"', () => {
  test('keeps nothing of the run', async () => {
    const { made } = chain('none');
    const store = memoryRunStore();
    const runtime = createRuntime({ pipelines: [made], store });
    expect((await runtime.run(made, {}, { runId: 'r' })).status).toBe('completed');
    expect(await store.load('r', undefined)).toBeUndefined();
    expect((await runtime.run(made, {}, { runId: 's', journal: 'stage' })).status).toBe('completed');
    expect((await store.load('s', undefined))?.status).toBe('completed');
  });

  test('has no waits', async () => {
    const asks = stage('asks', { run: () => suspend('?') });
    const p = pipeline('p', { outputs: { asks } });
    const runtime = createRuntime({ pipelines: [p], store: memoryRunStore(), journal: 'none' });
    expect(await runtime.run(p, {})).toMatchObject({ status: 'failed', error: { code: 'SF_RUNTIME_REQUIRED' } });
    expect((await runtime.run(p, {}, { journal: 'stage' })).status).toBe('suspended');
  });

  test('does not lose a run that is kept already', async () => {
    const asks = stage('asks', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const p = pipeline('p', { outputs: { asks } });
    const store: RunStore = memoryRunStore();
    await createRuntime({ pipelines: [p], store }).run(p, {}, { runId: 'r' });
    const next = createRuntime({ pipelines: [p], store, journal: 'none' });
    await next.decide('r/asks#answer', 'yes');
    expect((await next.resume('r')).status).toBe('completed');
    expect((await store.load('r', undefined))?.status).toBe('completed');
  });
});

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
