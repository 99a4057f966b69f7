import type { DueRun, RunStore } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { batch, encoded, lease, newRun, openWait, startedAt } from './run-store-rows.ts';

/** Which runs are to go on, where the store can tell. */
export const runStoreDueCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'due(): names the running runs whose lease has run out, with their tenant and pipeline',
    run: told(async (store, due) => {
      for (const id of ['dead', 'renewed', 'resting', 'ended']) await store.create(newRun(id, { tenantId: 't' }), lease('one'));
      await store.renew('renewed', 1, lease('one', startedAt + 2_000));
      await store.commit('resting', 1, batch({ status: 'suspended' }));
      await store.commit('ended', 1, batch({ status: 'completed' }));
      assertSame(await due(startedAt + 999), [], 'before any lease has run out');
      assertSame(await due(startedAt + 1_000), [{ runId: 'dead', tenantId: 't', pipeline: 'chat' }], 'after one has');
    }),
  },
  {
    name: 'due(): names runs that rest and have been answered since, until they are taken',
    run: told(async (store, due) => {
      for (const id of ['answered', 'delivered', 'waiting']) {
        await rest(store, id);
        assertSame(ids(await due(startedAt)), [], `when ${id} has come to rest`);
      }
      await store.answer(openWait('answered', 'a').waitId, encoded(1), undefined);
      await store.deliver('delivered', 'answer', encoded(1), undefined);
      assertSame(ids(await due(startedAt)), ['answered', 'delivered'], 'after the answers');
      await store.acquire('answered', lease('two'));
      await store.commit('answered', 2, batch({ status: 'suspended' }));
      assertSame(ids(await due(startedAt)), ['delivered'], 'after one was taken and has come to rest again');
    }),
  },
  {
    name: 'due(): names a run that was answered before it came to rest, where it did not know of that',
    run: told(async (store, due) => {
      for (const id of ['knew', 'unaware']) {
        await store.create(newRun(id), lease('one'));
        await store.commit(id, 1, batch({ waits: [openWait(id, 'a'), openWait(id, 'b', { type: 'paid' })] }));
        await store.answer(openWait(id, 'a').waitId, encoded(1), undefined);
      }
      const paid = (id: string): string => openWait(id, 'b', { type: 'paid' }).waitId;
      await store.commit('knew', 1, batch({ status: 'suspended', resting: [paid('knew')] }));
      await store.commit('unaware', 1, batch({ status: 'suspended', resting: [paid('unaware'), openWait('unaware', 'a').waitId] }));
      assertSame(ids(await due(startedAt)), ['unaware'], 'due()');
    }),
  },
  {
    name: 'due(): names at once a run that was let go of in the middle, until it is taken',
    run: told(async (store, due) => {
      await store.create(newRun('left'), lease('one'));
      await store.commit('left', 1, batch({ status: 'suspended', isDue: true }));
      assertSame(ids(await due(startedAt)), ['left'], 'after it was let go of');
      await store.acquire('left', lease('two'));
      await store.commit('left', 2, batch({ status: 'suspended' }));
      assertSame(await due(startedAt), [], 'after it was taken and has come to rest');
    }),
  },
  {
    name: 'due(): names runs that rest and wait for something that has expired, unless it was answered',
    run: told(async (store, due) => {
      for (const id of ['expires', 'late', 'settled']) {
        await store.create(newRun(id), lease('one'));
        const wait = openWait(id, 'a', { expiresAt: startedAt + (id === 'late' ? 900 : 500) });
        const known = id === 'settled' ? [] : [wait.waitId];
        await store.commit(id, 1, batch({ waits: [wait] }));
        if (id === 'settled') await store.answer(wait.waitId, encoded(1), undefined);
        await store.commit(id, 1, batch({ status: 'suspended', resting: known }));
      }
      assertSame(ids(await due(startedAt + 499)), [], 'before');
      assertSame(ids(await due(startedAt + 500)), ['expires'], 'when the first has expired');
      assertSame(ids(await due(startedAt + 900)), ['expires', 'late'], 'when all have');
    }),
  },
  {
    name: 'due(): gives them in the order of their ids, as many as are asked for, from one on',
    run: told(async (store, due) => {
      for (const id of ['c', 'a', 'd', 'b']) await store.create(newRun(id), lease('one'));
      await rest(store, 'e');
      await store.deliver('e', 'answer', encoded(1), undefined);
      const now = startedAt + 1_000;
      assertSame(ids(await due(now, 2)), ['a', 'b'], 'the first two');
      assertSame(ids(await due(now, 2, 'b')), ['c', 'd'], 'the next two');
      assertSame(ids(await due(now, 2, 'd')), ['e'], 'the last one');
    }),
  },
];

/** Stores that cannot tell pass: the method is optional. */
function told(
  check: (store: RunStore, due: (now: number, limit?: number, after?: string) => Promise<readonly DueRun[]>) => Promise<void>,
): ContractCase<RunStore>['run'] {
  return async (store) => {
    if (store.due === undefined) return;
    await check(store, async (now, limit = 10, after = undefined) => (await store.due?.(now, limit, after)) ?? []);
  };
}

/** Brings a run to rest that waits for an answer. */
async function rest(store: RunStore, runId: string): Promise<void> {
  const wait = openWait(runId, 'a');
  await store.create(newRun(runId), lease('one'));
  await store.commit(runId, 1, batch({ waits: [wait] }));
  await store.commit(runId, 1, batch({ status: 'suspended', resting: [wait.waitId] }));
}

function ids(due: readonly DueRun[]): readonly string[] {
  return due.map(({ runId }) => runId);
}
