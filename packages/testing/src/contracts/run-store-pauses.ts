import type { JournalBatch, RunStore } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { batch, encoded, lease, newRun, openWait, record, startedAt } from './run-store-rows.ts';

/** Runs that somebody has paused. */
export const runStorePauseCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'commit(): pauses a run until a batch says that it is not paused any more',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await isPaused(store, 'r'), false, 'a new run');
      await store.commit('r', 1, batch({ isPaused: true }));
      assertSame(await isPaused(store, 'r'), true, 'once it is paused');
      await store.commit('r', 1, batch({ records: [record('a')] }));
      await store.commit('r', 1, batch({ waits: [openWait('r', 'b')] }));
      assertSame(await isPaused(store, 'r'), true, 'after batches that say nothing of it');
      await store.commit('r', 1, batch({ isPaused: false }));
      assertSame(await isPaused(store, 'r'), false, 'after one that does');
    },
  },
  {
    name: 'commit(): a pause stays as the run comes to rest, and may come with that',
    async run(store) {
      for (const id of ['before', 'with']) await store.create(newRun(id), lease('one'));
      await store.commit('before', 1, batch({ isPaused: true, records: [record('a')] }));
      await store.commit('before', 1, batch({ status: 'suspended' }));
      await store.commit('with', 1, batch({ status: 'suspended', isPaused: true }));
      for (const id of ['before', 'with']) {
        const run = await store.load(id, undefined);
        assertSame([run?.status, run?.isPaused], ['suspended', true], id);
      }
    },
  },
  {
    name: 'commit(): of an earlier activation pauses nothing',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.acquire('r', lease('two', startedAt + 1_000));
      assertSame(await store.commit('r', 1, batch({ isPaused: true })), false, 'the late commit');
      assertSame(await isPaused(store, 'r'), false, 'the run');
    },
  },
  {
    name: 'acquire(): ends a pause, and so the run can be due again',
    async run(store) {
      for (const id of ['resting', 'running']) {
        await store.create(newRun(id), lease('one'));
        await store.commit(id, 1, batch(id === 'resting' ? { isPaused: true, status: 'suspended' } : { isPaused: true }));
        assertSame(await store.acquire(id, lease('two', startedAt + 1_000)), { epoch: 2 }, 'acquire()');
        assertSame(await isPaused(store, id), false, id);
      }
      if (store.due === undefined) return;
      assertSame(await due(store, startedAt + 2_000), ['resting', 'running'], 'what is due as the leases have run out');
    },
  },
  {
    name: 'due(): names no run that is paused, whatever else makes it due',
    async run(store) {
      if (store.due === undefined) return;
      for (const paused of ['unpaused', 'paused']) {
        const pause = { isPaused: paused === 'paused' };
        await begun(store, `${paused} running`, pause);
        await begun(store, `${paused} left`, { ...pause, status: 'suspended', isDue: true });
        await begun(store, `${paused} answered`, { ...pause, status: 'suspended' });
        await store.answer(openWait(`${paused} answered`, 'a').waitId, encoded(1), undefined);
        const id = `${paused} answered before`;
        await begun(store, id, pause);
        await store.answer(openWait(id, 'a').waitId, encoded(1), undefined);
        await store.commit(id, 1, batch({ status: 'suspended', resting: [openWait(id, 'a').waitId] }));
        await begun(store, `${paused} expired`, { ...pause, status: 'suspended' }, startedAt + 500);
      }
      const kinds = ['answered', 'answered before', 'expired', 'left', 'running'];
      assertSame(
        await due(store, startedAt + 1_000),
        kinds.map((kind) => `unpaused ${kind}`),
        'what is due',
      );
    },
  },
  {
    name: 'due(): names a run whose pause a batch has ended',
    async run(store) {
      if (store.due === undefined) return;
      await begun(store, 'r', { isPaused: true });
      assertSame(await due(store, startedAt + 1_000), [], 'while it is paused');
      await store.commit('r', 1, batch({ isPaused: false }));
      assertSame(await due(store, startedAt + 1_000), ['r'], 'when it is not any more');
    },
  },
];

/** Makes a run that waits for something, and commits a batch. */
async function begun(store: RunStore, runId: string, members: Partial<JournalBatch>, expiresAt?: number): Promise<void> {
  await store.create(newRun(runId), lease('one'));
  await store.commit(runId, 1, batch({ waits: [openWait(runId, 'a', { expiresAt })] }));
  await store.commit(runId, 1, batch(members));
}

/** Absent is the same as `false`. */
async function isPaused(store: RunStore, runId: string): Promise<boolean> {
  return (await store.load(runId, undefined))?.isPaused ?? false;
}

async function due(store: RunStore, now: number): Promise<readonly string[]> {
  return ((await store.due?.(now, 20)) ?? []).map(({ runId }) => runId);
}
