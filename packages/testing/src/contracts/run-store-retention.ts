import type { RunStore } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { batch, encoded, lease, newRun, openWait, record, startedAt } from './run-store-rows.ts';

/** What is deleted of old runs, where the store can. */
export const runStoreRetentionCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'remove(): deletes runs that ended before a time, with everything of them, and no other',
    run: pruned(async (store, prune) => {
      await end(store, 'old', 10);
      await end(store, 'young', 20);
      for (const id of ['running', 'resting']) await store.create(newRun(id), lease('one'));
      await store.commit('resting', 1, batch({ status: 'suspended', at: startedAt }));
      assertSame(await prune(startedAt + 10), 0, 'what ended at that time has not ended before it');
      assertSame(await prune(startedAt + 20), 1, 'how many');
      assertSame(await store.load('old', undefined), undefined, 'what was deleted');
      for (const id of ['young', 'running', 'resting']) assertSame((await store.load(id, undefined))?.runId, id, 'what is left');
    }),
  },
  {
    name: 'remove(): leaves nothing behind that a new run of the same id would find',
    run: pruned(async (store, prune) => {
      await end(store, 'again', 10);
      await prune(startedAt + 11);
      await store.create(newRun('again'), lease('two'));
      const found = await store.load('again', undefined);
      assertSame([found?.records, found?.waits, found?.early, found?.epoch], [[], [], [], 1], 'the new run');
    }),
  },
  {
    name: 'remove(): begins with those that ended first, and deletes as many as it is told',
    run: pruned(async (store, prune) => {
      for (const [id, at] of [
        ['a', 30],
        ['b', 10],
        ['c', 20],
      ] as const)
        await end(store, id, at);
      assertSame(await prune(startedAt + 100, 2), 2, 'the first two');
      const left = await Promise.all(['a', 'b', 'c'].map(async (id) => (await store.load(id, undefined))?.runId));
      assertSame(left, ['a', undefined, undefined], 'what is left');
      assertSame(await prune(startedAt + 100, 2), 1, 'the rest');
    }),
  },
  {
    name: 'remove(): deletes of the ids that it is given those that ended, and counts them once',
    run: pruned(async (store) => {
      for (const id of ['old', 'other']) await end(store, id, 10);
      for (const id of ['running', 'resting']) await store.create(newRun(id), lease('one'));
      await store.commit('resting', 1, batch({ status: 'suspended' }));
      assertSame(await store.remove?.([]), 0, 'of no ids');
      assertSame(await store.remove?.(['resting', 'nowhere', 'old', 'running', 'old']), 1, 'how many');
      assertSame(await store.load('old', undefined), undefined, 'what was deleted');
      for (const id of ['other', 'running', 'resting']) assertSame((await store.load(id, undefined))?.runId, id, 'what is left');
      assertSame((await store.load('other', undefined))?.records.length, 1, 'the journal of what is left');
    }),
  },
  {
    name: 'ended(): names the runs that ended before a time and whose they are, until they are deleted',
    run: pruned(async (store) => {
      await end(store, 'b', 20, 't');
      await end(store, 'a', 30);
      await end(store, 'late', 40);
      const expected = [
        { runId: 'b', tenantId: 't' },
        { runId: 'a', tenantId: undefined },
      ];
      assertSame(await store.ended?.(startedAt + 40, 10), expected, 'ended()');
      assertSame(await store.ended?.(startedAt + 40, 1), expected.slice(0, 1), 'the first');
      await store.remove?.(['b']);
      assertSame(await store.ended?.(startedAt + 40, 10), expected.slice(1), 'after one was deleted');
    }),
  },
];

/** Stores that cannot prune pass: the method is optional. */
function pruned(
  check: (store: RunStore, prune: (endedBefore: number, limit?: number) => Promise<number>) => Promise<void>,
): ContractCase<RunStore>['run'] {
  return async (store) => {
    if (store.ended === undefined || store.remove === undefined) return;
    await check(store, async (endedBefore, limit = 10) => {
      const runs = (await store.ended?.(endedBefore, limit)) ?? [];
      return (await store.remove?.(runs.map(({ runId }) => runId))) ?? 0;
    });
  };
}

/** A run that has something of everything, and ended so many milliseconds after the start. */
async function end(store: RunStore, runId: string, afterMs: number, tenantId?: string): Promise<void> {
  await store.create(newRun(runId, { tenantId }), lease('one'));
  await store.commit(runId, 1, batch({ records: [record('a')], waits: [openWait(runId, 'b', { tenantId })] }));
  await store.deliver(runId, 'early', encoded(1), tenantId);
  await store.commit(runId, 1, batch({ status: 'failed', at: startedAt + afterMs }));
}
