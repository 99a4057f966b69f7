import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { faultyRunStore } from '../../test/faulty-run-store.ts';
import { skip, suspend } from '../control.ts';
import type { RunIdentity } from '../identity.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import type { JournalBatch, JournalRecord, StoredRun } from '../ports/run-store.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';
import { memoryRunStore } from './memory-run-store.ts';
import { RunJournal } from './run-journal.ts';

const identity = { runId: 'r', tenantId: undefined, metadata: {} } as unknown as RunIdentity;

/** A journal that goes on from records. */
function journalOf(records: readonly Partial<JournalRecord>[]): RunJournal {
  const whole = records.map(
    (record) => ({ path: 'a', status: 'completed', attempts: 1, fingerprint: '', at: 0, ...record }) as JournalRecord,
  );
  const stored = { runId: 'r', input: { text: '"hi"' }, records: whole, waits: [], early: [] } as unknown as StoredRun;
  return new RunJournal({
    store: memoryRunStore(),
    clock: virtualClock(),
    epoch: 2,
    plan: pipeline('p', { outputs: { a: stage('a', { run: () => 1 }) } }).plan,
    identity,
    stored,
    restAfterMs: 1_000,
    level: 'stage',
    artifacts: undefined,
    onBroken: () => {},
  });
}

/** The batches that a run commits. */
async function batchesOf(made: RegisteredPipeline): Promise<readonly JournalBatch[]> {
  const inner = memoryRunStore();
  const batches: JournalBatch[] = [];
  const store = {
    ...faultyRunStore(inner).store,
    commit: (runId: string, epoch: number, batch: JournalBatch) => {
      batches.push(batch);
      return inner.commit(runId, epoch, batch);
    },
  };
  const clock = virtualClock();
  await clock.settle(createRuntime({ pipelines: [made], services: {}, store, clock, makeId: () => 'r' }).run(made, {} as never));
  return batches;
}

const words = ({ records, waits, status }: JournalBatch): string =>
  [...records.map(({ path, status }) => `${path} ${status}`), ...waits.map(({ path }) => `${path} waits`), status ?? ''].join(', ');

describe('what a run commits', () => {
  test('stages that end in one turn are one batch, and the status comes last', async () => {
    const [a, b] = [stage('a', { run: () => 1 }), stage('b', { run: () => skip('no') as never })];
    expect((await batchesOf(pipeline('p', { outputs: { a, b } }))).map(words)).toEqual(['a completed, b skipped, ', 'completed']);
  });

  test('an effect waits for one commit, of what is before it and that it may begin', async () => {
    const a = stage('a', { run: () => 1 });
    const send = work('send', { needs: { a }, run: () => 2 });
    expect((await batchesOf(pipeline('p', { outputs: { a }, also: { send } }))).map(words)).toEqual([
      'a completed, send intent, ',
      'send completed, ',
      'completed',
    ]);
  });

  test('a run that rests writes what it waits for before it says so', async () => {
    const ask = stage('ask', { run: () => suspend('?') });
    expect((await batchesOf(pipeline('p', { outputs: { ask, a: stage('a', { run: () => 1 }) } }))).map(words)).toEqual([
      'ask waits, ',
      'a completed, ',
      'suspended',
    ]);
  });

  test('the outputs of a completed run are kept with it', async () => {
    const batches = await batchesOf(pipeline('p', { outputs: { a: stage('a', { run: () => 1n }) } }));
    expect(batches.map(({ outputs }) => outputs)).toEqual([undefined, '{"a":{"$sf":"bigint","value":"1"}}']);
  });

  test('a stage that did not complete keeps no output, whatever it had asked before', async () => {
    const clock = virtualClock();
    const inner = memoryRunStore();
    const made = pipeline('p', {
      outputs: {
        a: stage('a', {
          run: (_, { answer }) =>
            answer({ '~standard': { version: 1, vendor: 't', validate: (value) => ({ value }) } }) === undefined
              ? suspend({ big: 'question' })
              : (skip('no') as never),
        }),
      },
    });
    const runtime = createRuntime({ pipelines: [made], store: inner, clock, makeId: () => 'r' });
    await runtime.run(made, {});
    await runtime.decide('r/a#answer', 1);
    await runtime.resume('r');
    const [record] = (await inner.load('r', undefined))?.records ?? [];
    expect(record).toMatchObject({ path: 'a', status: 'skipped', reason: 'no', output: undefined });
  });

  test('is a batch for each turn, not for each stage: 1,000 stages that end together are one', async () => {
    const stages = Array.from({ length: 1_000 }, (_, at) => stage(`s${at}`, { run: () => at }));
    const batches = await batchesOf(pipeline('p', { outputs: Object.fromEntries(stages.map((each) => [each.name, each])) }));
    expect(batches.length).toBeLessThan(12);
    expect(batches.flatMap(({ records }) => records).length).toBe(1_000);
  });
});

test('a wait that could not be kept is not waited for', async () => {
  const faults = faultyRunStore();
  faults.before('commit', () => {
    throw 'out of order';
  });
  const made = pipeline('p', { outputs: { ask: stage('ask', { run: () => suspend('?') }) } });
  const runtime = createRuntime({ pipelines: [made], store: faults.store, makeId: () => 'r' });
  await expect(runtime.run(made, {})).rejects.toMatchObject({ code: 'SF_STORE_FAILED', details: { store: 'faulty', why: 'out of order' } });
  expect(faults.calls).toEqual(['create', 'commit']);
});

describe('what a journal finds', () => {
  test('how a stage ended; an intent is no end', () => {
    const journal = journalOf([
      { path: 'a', status: 'intent' },
      { path: 'b', output: '1n' as never, status: 'skipped', reason: 'why' },
    ]);
    expect(journal.restored('a')).toBeUndefined();
    expect(journal.restored('b')).toEqual({ outcome: { status: 'skipped', reason: 'why' }, attempts: 1 });
    expect(journal.restored('c')).toBeUndefined();
  });

  test.each<[Partial<JournalRecord>, object]>([
    [{ status: 'completed' }, { status: 'completed', output: undefined }],
    [{ status: 'skipped' }, { status: 'skipped', reason: '' }],
    [{ status: 'blocked' }, { status: 'blocked', reason: '', error: undefined }],
    [{ status: 'failed' }, { status: 'failed', error: expect.objectContaining({ code: 'SF_STAGE_FAILED' }) }],
  ])('an end that says no more than %j', (record, outcome) => {
    expect(journalOf([record]).restored('a')?.outcome).toEqual(outcome);
  });
});
