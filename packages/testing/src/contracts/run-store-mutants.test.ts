import { memoryRunStore } from '@stageflow/core';
import type { Encoded, JournalBatch, Lease, NewRun, RunStore, StoredRun, StoredWait } from '@stageflow/core/ports';
import { runStoreContract } from '@stageflow/testing';
import { expect, test } from 'vitest';

/** A store that breaks a promise, and cases that say so. */
interface Mutant {
  readonly breaks: string;
  readonly make: () => RunStore;
  readonly caughtBy: readonly string[];
}

/** The memory store with other methods in place of some of its own. */
function sabotaged(change: (store: RunStore) => Partial<RunStore>): () => RunStore {
  return () => {
    const store = memoryRunStore();
    const changed = change(store);
    return new Proxy(store, {
      get: (target, member) => {
        const found: unknown = Reflect.get(member in changed ? changed : target, member);
        return typeof found === 'function' ? found.bind(target) : found;
      },
    });
  };
}

/** Another turn, in which others come between a look and what follows from it. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

const forever: Partial<Lease> = { now: Number.MAX_SAFE_INTEGER };

const mutants: readonly Mutant[] = [
  {
    breaks: 'overwrites a run of the same id',
    make: () => {
      let current = memoryRunStore();
      return {
        ...methodsOf(() => current),
        async create(run: NewRun, lease: Lease) {
          if ((await current.load(run.runId, run.identity.tenantId)) !== undefined) current = memoryRunStore();
          await current.create(run, lease);
        },
      };
    },
    caughtBy: ['create(): a second run of one id is refused, and the first stays as it is'],
  },
  {
    breaks: 'looks for the run before it makes it, in two steps',
    make: () => {
      const [made, stores] = [new Map<string, number>(), memoryRunStore()];
      return {
        ...methodsOf(() => stores),
        async create(run: NewRun, lease: Lease) {
          if (made.has(run.runId)) throw new Error('taken');
          await turn();
          made.set(run.runId, 1);
          await stores.create(run, lease).catch(() => {});
        },
      };
    },
    caughtBy: ['create(): of many at once with one id, exactly one succeeds'],
  },
  {
    breaks: 'shows runs to every tenant',
    make: sabotaged((store) => ({
      load: async (runId, tenantId) => (await store.load(runId, tenantId)) ?? (await store.load(runId, 't')),
    })),
    caughtBy: ['load(): a run is known to its own tenant only'],
  },
  {
    breaks: 'shows waits to whoever names no tenant',
    make: sabotaged((store) => ({
      waits: async (filter) => [
        ...(await store.waits(filter)),
        ...(filter.tenantId === undefined ? await store.waits({ ...filter, tenantId: 't' }) : []),
      ],
    })),
    caughtBy: ['waits(): of another tenant are not to be seen, not to be answered and not to be delivered to'],
  },
  {
    breaks: 'takes answers of other tenants',
    make: sabotaged((store) => ({
      answer: async (waitId, answer, tenantId) => {
        const result = await store.answer(waitId, answer, tenantId);
        return result === 'unknown' ? store.answer(waitId, answer, 't') : result;
      },
    })),
    caughtBy: ['waits(): of another tenant are not to be seen, not to be answered and not to be delivered to'],
  },
  {
    breaks: 'lets go of a lease that holds',
    make: sabotaged((store) => ({ acquire: (runId, lease) => store.acquire(runId, { ...lease, ...forever }) })),
    caughtBy: [
      'acquire(): a run that another holds cannot be had, and stays in its epoch',
      'acquire(): a suspended run can be had at once, and runs again',
      'renew(): holds the lease longer',
    ],
  },
  {
    breaks: 'holds a lease for ever',
    make: sabotaged((store) => ({ acquire: (runId, lease) => store.acquire(runId, { ...lease, now: 0 }) })),
    caughtBy: ['acquire(): a run whose lease has run out can be had, in the next epoch'],
  },
  {
    breaks: 'forgets to count the epoch',
    make: sabotaged((store) => ({
      acquire: async (runId, lease) => ((await store.acquire(runId, lease)) === undefined ? undefined : { epoch: 1 }),
    })),
    caughtBy: [
      'acquire(): a run whose lease has run out can be had, in the next epoch',
      'acquire(): of many at once, exactly one succeeds',
    ],
  },
  {
    breaks: 'renews nothing',
    make: sabotaged(() => ({ renew: async () => true })),
    caughtBy: [
      'renew(): holds the lease longer',
      'renew(): is refused once another activation has begun, or the run rests, has ended or is not there',
    ],
  },
  {
    breaks: 'accepts commits of earlier activations',
    make: sabotaged((store) => ({
      commit: async (runId, epoch, batch) => {
        const run = (await store.load(runId, undefined)) ?? (await store.load(runId, 't'));
        return store.commit(runId, run?.epoch ?? epoch, batch);
      },
    })),
    caughtBy: ['commit(): of an earlier activation is refused, and adds nothing'],
  },
  {
    breaks: 'refuses commits of earlier activations after it has written half of them',
    make: sabotaged((store) => ({
      commit: async (runId, epoch, batch) => {
        const run = await store.load(runId, undefined);
        if (run !== undefined && run.epoch > epoch) {
          await store.commit(runId, run.epoch, { ...batch, waits: [], status: undefined });
          return false;
        }
        return store.commit(runId, epoch, batch);
      },
    })),
    caughtBy: ['commit(): of an earlier activation is refused, and adds nothing'],
  },
  {
    breaks: 'writes a batch record by record',
    make: sabotaged((store) => ({
      commit: async (runId, epoch, batch) => {
        for (const record of batch.records) {
          await store.commit(runId, epoch, { at: 0, records: [record], waits: [], status: undefined, outputs: undefined });
          await turn();
        }
        return store.commit(runId, epoch, { ...batch, records: [] });
      },
    })),
    caughtBy: ['commit(): many at once add everything, each batch together'],
  },
  {
    breaks: 'says that it has committed before it has',
    make: sabotaged((store) => ({
      commit: async (runId, epoch, batch) => {
        void turn().then(() => store.commit(runId, epoch, batch));
        return (await store.load(runId, undefined))?.epoch === epoch;
      },
    })),
    caughtBy: ['commit(): is there when it resolves'],
  },
  {
    breaks: 'keeps the latest record of a path only',
    make: sabotaged((store) => ({
      load: async (...where) =>
        withRecords(await store.load(...where), (records) => [...new Map(records.map((each) => [each.path, each])).values()]),
    })),
    caughtBy: ['commit(): records come back whole, in the order they were committed'],
  },
  {
    breaks: 'drops the attempts',
    make: sabotaged((store) => ({
      load: async (...where) => withRecords(await store.load(...where), (records) => records.map((each) => ({ ...each, attempts: 1 }))),
    })),
    caughtBy: ['commit(): records come back whole, in the order they were committed'],
  },
  {
    breaks: 'leaves waits open when the run ends',
    make: sabotaged((store) => ({
      commit: (runId, epoch, batch) =>
        store.commit(runId, epoch, { ...batch, status: batch.status === 'failed' ? 'suspended' : batch.status }),
    })),
    caughtBy: [
      'commit(): suspension leaves waits open; the end of a run withdraws those that are open still',
      'commit(): each terminal status is kept',
    ],
  },
  {
    breaks: 'lets the last answer count',
    make: sabotaged((store) => {
      const latest = new Map<string, Encoded>();
      return {
        answer: async (waitId, answer, tenantId) => {
          const result = await store.answer(waitId, answer, tenantId);
          if (result !== 'already answered') return result;
          latest.set(waitId, answer);
          return 'answered';
        },
        load: async (...where) =>
          withWaits(await store.load(...where), (wait) => ({ ...wait, answer: latest.get(wait.waitId) ?? wait.answer })),
      };
    }),
    caughtBy: ['answer(): the first one counts', 'answer(): of many at once, exactly one counts'],
  },
  {
    breaks: 'says that a withdrawn wait is unknown',
    make: sabotaged((store) => ({
      answer: async (...given) => {
        const result = await store.answer(...given);
        return result === 'withdrawn' ? 'unknown' : result;
      },
    })),
    caughtBy: ['commit(): suspension leaves waits open; the end of a run withdraws those that are open still'],
  },
  {
    breaks: 'lists the newest wait first',
    make: sabotaged((store) => ({ waits: async (filter) => [...(await store.waits(filter))].reverse() })),
    caughtBy: ['waits(): lists the oldest first, over all runs, and those of one moment as they were opened'],
  },
  {
    breaks: 'does not look at the type',
    make: sabotaged((store) => ({ waits: ({ tenantId, runId }) => store.waits({ tenantId, runId }) })),
    caughtBy: ['waits(): lists those of one run, one type, or both'],
  },
  {
    breaks: 'throws answers away that come early',
    make: sabotaged((store) => ({
      deliver: async (runId, type, payload, tenantId) => {
        const waits = await store.waits({ tenantId, runId, type });
        return waits.length === 0 && (await store.load(runId, tenantId)) !== undefined
          ? { result: 'kept' }
          : store.deliver(runId, type, payload, tenantId);
      },
    })),
    caughtBy: ['deliver(): before anything waits, is kept and answers the first wait of the type, once'],
  },
  {
    breaks: 'answers every wait with what came early',
    make: sabotaged((store) => {
      const early = new Map<string, Encoded>();
      return {
        deliver: async (runId, type, payload, tenantId) => {
          const delivered = await store.deliver(runId, type, payload, tenantId);
          if (delivered.result === 'kept') early.set(type, payload);
          return delivered;
        },
        commit: (runId, epoch, batch) =>
          store.commit(runId, epoch, { ...batch, waits: batch.waits.map((wait) => answeredEarly(wait, early.get(wait.type))) }),
      };
    }),
    caughtBy: [
      'deliver(): before anything waits, is kept and answers the first wait of the type, once',
      'deliver(): an answer that was kept for one run answers no other',
    ],
  },
  {
    breaks: 'answers the newest wait of a type',
    make: sabotaged((store) => ({
      deliver: async (runId, type, payload, tenantId) => {
        const newest = (await store.waits({ tenantId, runId, type })).at(-1);
        if (newest === undefined) return store.deliver(runId, type, payload, tenantId);
        await store.answer(newest.waitId, payload, tenantId);
        return { result: 'answered', waitId: newest.waitId };
      },
    })),
    caughtBy: ['deliver(): answers the oldest open wait of the type, one at a time'],
  },
  {
    breaks: 'keeps any number of early answers',
    make: sabotaged((store) => ({
      deliver: async (...given) => {
        const delivered = await store.deliver(...given);
        return delivered.result === 'too many' ? { result: 'kept' } : delivered;
      },
    })),
    caughtBy: ['deliver(): keeps at most 100 answers a run'],
  },
  {
    breaks: 'hands out what it keeps',
    make: sabotaged((store) => {
      const loaded = new Map<string, StoredRun | undefined>();
      return {
        load: async (runId, tenantId) => {
          if (!loaded.has(runId)) loaded.set(runId, await store.load(runId, tenantId));
          return loaded.get(runId);
        },
      };
    }),
    caughtBy: ['what a store hands out is not what it keeps'],
  },
  {
    breaks: 'names every run that rests as due',
    make: sabotaged((store) => ({
      due: async (now, limit, after) => [
        ...((await store.due?.(now, limit, after)) ?? []),
        { runId: 'resting', tenantId: 't', pipeline: 'chat' },
      ],
    })),
    caughtBy: ['due(): names the running runs whose lease has run out, with their tenant and pipeline'],
  },
  {
    breaks: 'does not say whose the due runs are',
    make: sabotaged((store) => ({
      due: async (...asked) => ((await store.due?.(...asked)) ?? []).map((run) => ({ ...run, tenantId: undefined })),
    })),
    caughtBy: ['due(): names the running runs whose lease has run out, with their tenant and pipeline'],
  },
  {
    breaks: 'forgets that a run was answered before it came to rest',
    make: sabotaged((store) => ({ commit: (runId, epoch, batch) => store.commit(runId, epoch, { ...batch, resting: [] }) })),
    caughtBy: ['due(): names a run that was answered before it came to rest, where it did not know of that'],
  },
  {
    breaks: 'wakes a run for answers that it knew when it came to rest',
    make: sabotaged((store) => ({
      commit: async (runId, epoch, batch) => {
        const resting = (await store.load(runId, undefined))?.waits.map(({ waitId }) => waitId);
        return store.commit(runId, epoch, { ...batch, resting });
      },
    })),
    caughtBy: ['due(): names a run that was answered before it came to rest, where it did not know of that'],
  },
  {
    breaks: 'does not look at the time of waits',
    make: sabotaged((store) => ({
      commit: (runId, epoch, batch) =>
        store.commit(runId, epoch, { ...batch, waits: batch.waits.map((wait) => ({ ...wait, expiresAt: undefined })) }),
    })),
    caughtBy: ['due(): names runs that rest and wait for something that has expired, unless it was answered'],
  },
  {
    breaks: 'gives due runs in any order and number',
    make: sabotaged((store) => ({ due: async (now) => [...((await store.due?.(now, 1_000)) ?? [])].reverse() })),
    caughtBy: ['due(): gives them in the order of their ids, as many as are asked for, from one on'],
  },
  {
    breaks: 'prunes runs that have not ended',
    make: sabotaged((store) => ({
      commit: (runId, epoch, batch) =>
        store.commit(runId, epoch, { ...batch, status: batch.status === 'suspended' ? 'failed' : batch.status }),
    })),
    caughtBy: ['remove(): deletes runs that ended before a time, with everything of them, and no other'],
  },
  {
    breaks: 'prunes what ended at the very time',
    make: sabotaged((store) => ({ ended: async (endedBefore, limit) => (await store.ended?.(endedBefore + 1, limit)) ?? [] })),
    caughtBy: ['remove(): deletes runs that ended before a time, with everything of them, and no other'],
  },
  {
    breaks: 'prunes all at once',
    make: sabotaged((store) => ({ ended: async (endedBefore) => (await store.ended?.(endedBefore, 1_000)) ?? [] })),
    caughtBy: ['remove(): begins with those that ended first, and deletes as many as it is told'],
  },
  {
    breaks: 'takes the time of its process for the end of a run',
    make: sabotaged((store) => ({ commit: (runId, epoch, batch) => store.commit(runId, epoch, { ...batch, at: 0 }) })),
    caughtBy: ['remove(): deletes runs that ended before a time, with everything of them, and no other'],
  },
  {
    breaks: 'forgets a run, and keeps its records for the next of its id',
    make: () => {
      const store = memoryRunStore();
      const kept = new Map<string, StoredRun>();
      return {
        ...methodsOf(() => store),
        ended: async (endedBefore: number, limit: number) => (await store.ended?.(endedBefore, limit)) ?? [],
        remove: async (runIds: readonly string[]) => {
          for (const id of runIds) {
            const run = await store.load(id, undefined);
            if (run !== undefined) kept.set(id, run);
          }
          return (await store.remove?.(runIds)) ?? 0;
        },
        load: async (runId: string, tenantId: string | undefined) => {
          const run = await store.load(runId, tenantId);
          return run && withRecords(run, (records) => [...(kept.get(runId)?.records ?? []), ...records]);
        },
      };
    },
    caughtBy: ['remove(): leaves nothing behind that a new run of the same id would find'],
  },
  {
    breaks: 'forgets what a run begins with',
    make: sabotaged((store) => ({ create: (run, lease) => store.create({ ...run, records: [] }, lease) })),
    caughtBy: ['create(): a run that begins with records has them at once, in their order'],
  },
  {
    breaks: 'takes a run that was let go of for one that rests',
    make: sabotaged((store) => ({ commit: (runId, epoch, batch) => store.commit(runId, epoch, { ...batch, isDue: false }) })),
    caughtBy: ['due(): names at once a run that was let go of in the middle, until it is taken'],
  },
  {
    breaks: 'folds the case of ids',
    make: () => {
      const store = memoryRunStore();
      const low = <T extends { readonly runId: string }>(run: T): T => ({ ...run, runId: run.runId.toLowerCase() });
      return {
        ...methodsOf(() => store),
        create: (run: NewRun, lease: Lease) => store.create(low(run), lease),
        load: (runId: string, tenantId: string | undefined) => store.load(runId.toLowerCase(), tenantId),
        commit: (runId: string, epoch: number, batch: JournalBatch) => store.commit(runId.toLowerCase(), epoch, batch),
      };
    },
    caughtBy: ['ids and tenants: whatever they hold, they are told apart'],
  },
  {
    breaks: 'cuts long text',
    make: sabotaged((store) => ({
      load: async (...where) =>
        withRecords(await store.load(...where), (records) =>
          records.map((each) => ({ ...each, output: each.output?.slice(0, 65_535) as Encoded })),
        ),
    })),
    caughtBy: ['payloads: text of any length and content comes back as it was'],
  },
  {
    breaks: 'does not look at the id of a wait',
    make: sabotaged((store) => ({ waits: ({ waitId: _waitId, ...filter }) => store.waits(filter) })),
    caughtBy: ['waits(): lists the one of an id, while it is open and of the run and type that are asked for'],
  },
  {
    breaks: 'looks at nothing but the id of a wait',
    make: sabotaged((store) => ({ waits: (filter) => store.waits(filter.waitId === undefined ? filter : { waitId: filter.waitId }) })),
    caughtBy: ['waits(): lists the one of an id, while it is open and of the run and type that are asked for'],
  },
  {
    breaks: 'forgets who may decide',
    make: sabotaged((store) => ({
      commit: (runId, epoch, batch) =>
        store.commit(runId, epoch, { ...batch, waits: batch.waits.map((wait) => ({ ...wait, mayDecide: undefined })) }),
    })),
    caughtBy: ['waits(): an open wait comes back whole'],
  },
  {
    breaks: 'deletes runs that have not ended',
    make: sabotaged((store) => ({
      remove: async (runIds) => {
        for (const runId of runIds) {
          const taken = await store.acquire(runId, { owner: 'remove', until: 0, now: Number.MAX_SAFE_INTEGER });
          const end = { at: 0, records: [], waits: [], status: 'failed' as const, outputs: undefined };
          if (taken !== undefined) await store.commit(runId, taken.epoch, end);
        }
        return (await store.remove?.(runIds)) ?? 0;
      },
    })),
    caughtBy: ['remove(): deletes of the ids that it is given those that ended, and counts them once'],
  },
  {
    breaks: 'counts the ids that it was given',
    make: sabotaged((store) => ({ remove: async (runIds) => ((await store.remove?.(runIds)) ?? 0) && runIds.length })),
    caughtBy: ['remove(): deletes of the ids that it is given those that ended, and counts them once'],
  },
  {
    breaks: 'does not say whose the runs are that ended',
    make: sabotaged((store) => ({
      ended: async (...asked) => ((await store.ended?.(...asked)) ?? []).map(({ runId }) => ({ runId, tenantId: undefined })),
    })),
    caughtBy: ['ended(): names the runs that ended before a time and whose they are, until they are deleted'],
  },
];

test.each(mutants)('a store that $breaks is caught', async ({ make, caughtBy }) => {
  const caught: string[] = [];
  for (const { name, run } of runStoreContract) await run(make()).catch(() => caught.push(name));
  expect(caught).toEqual(expect.arrayContaining([...caughtBy]));
});

test('the store that is sabotaged here passes as it is', async () => {
  for (const { run } of runStoreContract) await run(sabotaged(() => ({}))());
});

function methodsOf(store: () => RunStore): RunStore {
  return {
    name: 'mutant',
    create: (...given) => store().create(...given),
    load: (...given) => store().load(...given),
    acquire: (...given) => store().acquire(...given),
    renew: (...given) => store().renew(...given),
    commit: (...given) => store().commit(...given),
    waits: (...given) => store().waits(...given),
    answer: (...given) => store().answer(...given),
    deliver: (...given) => store().deliver(...given),
  };
}

function withRecords(run: StoredRun | undefined, change: (records: StoredRun['records']) => StoredRun['records']): StoredRun | undefined {
  return run && { ...run, records: change(run.records) };
}

function withWaits(run: StoredRun | undefined, change: (wait: StoredWait) => StoredWait): StoredRun | undefined {
  return run && { ...run, waits: run.waits.map(change) };
}

function answeredEarly(wait: StoredWait, answer: Encoded | undefined): StoredWait {
  return answer === undefined ? wait : { ...wait, status: 'answered', answer };
}
