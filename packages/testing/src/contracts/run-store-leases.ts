import type { RunStore } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { batch, lease, newRun, openWait, record, startedAt } from './run-store-rows.ts';

/** Who may go on with a run, and who may not any more. */
export const runStoreLeaseCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'acquire(): a run that another holds cannot be had, and stays in its epoch',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await store.acquire('r', lease('two', startedAt + 999)), undefined, 'before the lease has run out');
      assertSame((await store.load('r', undefined))?.epoch, 1, 'the epoch');
      assertSame(await store.commit('r', 1, batch({})), true, 'a commit of its holder');
    },
  },
  {
    name: 'acquire(): a run whose lease has run out can be had, in the next epoch',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await store.acquire('r', lease('two', startedAt + 1_000)), { epoch: 2 }, 'at the end of the lease');
      assertSame((await store.load('r', undefined))?.epoch, 2, 'the epoch');
      assertSame(await store.acquire('r', lease('three', startedAt + 1_999)), undefined, 'before the new lease has run out');
      assertSame(await store.acquire('r', lease('three', startedAt + 2_000)), { epoch: 3 }, 'after it has');
    },
  },
  {
    name: 'acquire(): a suspended run can be had at once, and runs again',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.commit('r', 1, batch({ waits: [openWait('r', 'a')], status: 'suspended' }));
      assertSame(await store.acquire('r', lease('two')), { epoch: 2 }, 'acquire()');
      assertSame((await store.load('r', undefined))?.status, 'running', 'the status');
      assertSame(await store.acquire('r', lease('three')), undefined, 'while it is held again');
    },
  },
  {
    name: 'acquire(): a run that has ended, or is not there, cannot be had',
    async run(store) {
      for (const status of ['completed', 'failed', 'blocked', 'cancelled'] as const) {
        await store.create(newRun(status), lease('one'));
        await store.commit(status, 1, batch({ status }));
        assertSame(await store.acquire(status, lease('two', startedAt + 9_000)), undefined, status);
        assertSame((await store.load(status, undefined))?.status, status, 'the status');
      }
      assertSame(await store.acquire('nowhere', lease('two')), undefined, 'a run that is not there');
    },
  },
  {
    name: 'acquire(): of many at once, exactly one succeeds',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      const late = startedAt + 5_000;
      const taken = await Promise.all(Array.from({ length: 8 }, (_, at) => store.acquire('r', lease(`owner ${at}`, late))));
      assertSame(
        taken.filter((each) => each !== undefined),
        [{ epoch: 2 }],
        'who has it',
      );
    },
  },
  {
    name: 'renew(): holds the lease longer',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await store.renew('r', 1, lease('one', startedAt + 500)), true, 'renew()');
      assertSame(await store.acquire('r', lease('two', startedAt + 1_499)), undefined, 'before the longer lease has run out');
      assertSame(await store.acquire('r', lease('two', startedAt + 1_500)), { epoch: 2 }, 'after it has');
    },
  },
  {
    name: 'renew(): a lease that ran out and that nobody took is held again',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await store.renew('r', 1, lease('one', startedAt + 5_000)), true, 'renew()');
      assertSame(await store.acquire('r', lease('two', startedAt + 5_999)), undefined, 'while it is held again');
    },
  },
  {
    name: 'renew(): is refused once another activation has begun, or the run rests, has ended or is not there',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.acquire('r', lease('two', startedAt + 1_000));
      assertSame(await store.renew('r', 1, lease('one', startedAt + 1_500)), false, 'by the first holder');
      assertSame(await store.acquire('r', lease('three', startedAt + 2_000)), { epoch: 3 }, 'the second lease was not made longer');
      await store.commit('r', 3, batch({ status: 'suspended' }));
      assertSame(await store.renew('r', 3, lease('three', startedAt + 2_500)), false, 'of a run that rests');
      assertSame(await store.renew('nowhere', 1, lease('one')), false, 'of a run that is not there');
    },
  },
  {
    name: 'commit(): of an earlier activation is refused, and adds nothing',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.commit('r', 1, batch({ records: [record('a')], waits: [openWait('r', 'w')] }));
      await store.acquire('r', lease('two', startedAt + 1_000));
      const late = batch({ records: [record('late')], waits: [openWait('r', 'late')], status: 'completed' });
      assertSame(await store.commit('r', 1, late), false, 'the late commit');
      const run = await store.load('r', undefined);
      assertSame(
        run?.records.map(({ path }) => path),
        ['a'],
        'the records',
      );
      assertSame(
        run?.waits.map(({ path, status }) => [path, status]),
        [['w', 'open']],
        'the waits',
      );
      assertSame(run?.status, 'running', 'the status');
      assertSame(await store.commit('r', 2, batch({ records: [record('b')] })), true, 'a commit of the new activation');
    },
  },
  {
    name: 'commit(): after the run has come to rest or has ended is refused, whatever the epoch',
    async run(store) {
      for (const status of ['suspended', 'completed', 'cancelled'] as const) {
        await store.create(newRun(status), lease('one'));
        await store.commit(status, 1, batch({ status }));
        assertSame(await store.commit(status, 1, batch({ records: [record('late')], status: 'failed' })), false, status);
        const run = await store.load(status, undefined);
        assertSame([run?.records.length, run?.status], [0, status], 'the run');
      }
    },
  },
  {
    name: 'commit(): as the lease has run out but nobody took the run, is accepted',
    async run(store) {
      await store.create(newRun('r'), { owner: 'one', until: startedAt, now: startedAt });
      assertSame(await store.commit('r', 1, batch({ records: [record('a')] })), true, 'commit()');
    },
  },
  {
    name: 'acquire() against commit(): whoever comes first, the two agree',
    async run(store) {
      for (let round = 0; round < 10; round++) {
        const runId = `r ${round}`;
        await store.create(newRun(runId), lease('one'));
        const late = lease('two', startedAt + 1_000);
        const [committed, taken] = await Promise.all([
          store.commit(runId, 1, batch({ records: [record('a')] })),
          store.acquire(runId, late),
        ]);
        assertSame(taken, { epoch: 2 }, 'acquire()');
        assertSame((await store.load(runId, undefined))?.records.length, committed ? 1 : 0, 'what was kept is what was said');
      }
    },
  },
];
