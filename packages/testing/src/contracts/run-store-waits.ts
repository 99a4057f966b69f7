import type { RunStore, StoredWait } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { batch, encoded, lease, newRun, openWait, startedAt } from './run-store-rows.ts';

/** As the port says. */
const earlyLimit = 100;

/** Waits, their answers, and answers that come before them. */
export const runStoreWaitCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'waits(): an open wait comes back whole',
    async run(store) {
      const asked = { otherwise: encoded('no'), mayDecide: ['anna', 'role "x"'], quorum: 2 };
      const wait = openWait('r', 'a[k/1]/b', { tenantId: 't', type: 'review', expiresAt: startedAt + 0.5, ...asked });
      await open(store, 'r', [wait], 't');
      assertSame(await store.waits({ tenantId: 't' }), [wait], 'waits()');
      assertSame((await store.load('r', 't'))?.waits, [wait], 'load()');
    },
  },
  {
    name: 'waits(): lists the oldest first, over all runs, and those of one moment as they were opened',
    async run(store) {
      await open(store, 'r', [at('r', 'late', 5), at('r', 'first', 1), at('r', 'second', 1)]);
      await open(store, 's', [at('s', 'earliest', 0), at('s', 'middle', 3)]);
      assertSame(paths(await store.waits({})), ['earliest', 'first', 'second', 'middle', 'late'], 'the order');
    },
  },
  {
    name: 'waits(): lists those of one run, one type, or both',
    async run(store) {
      await open(store, 'r', [openWait('r', 'a'), openWait('r', 'b', { type: 'review' })]);
      await open(store, 's', [openWait('s', 'c'), openWait('s', 'd', { type: 'review' })]);
      assertSame(paths(await store.waits({ runId: 'r' })), ['a', 'b'], 'of a run');
      assertSame(paths(await store.waits({ type: 'review' })), ['b', 'd'], 'of a type');
      assertSame(paths(await store.waits({ runId: 's', type: 'review' })), ['d'], 'of both');
      assertSame(paths(await store.waits({ runId: 'nowhere' })), [], 'of a run that is not there');
    },
  },
  {
    name: 'waits(): lists the one of an id, while it is open and of the run and type that are asked for',
    async run(store) {
      const [wait, answered] = [openWait('r', 'a'), openWait('r', 'b')];
      await open(store, 'r', [wait, answered, openWait('r', 'a', { type: 'review' })]);
      await open(store, 's', [openWait('s', 'a')]);
      await store.answer(answered.waitId, encoded(1), undefined);
      assertSame(await store.waits({ waitId: wait.waitId }), [wait], 'of an id');
      assertSame(await store.waits({ waitId: wait.waitId, runId: 'r', type: 'answer' }), [wait], 'of an id, a run and a type');
      assertSame(await store.waits({ waitId: answered.waitId }), [], 'of one that was answered');
      assertSame(await store.waits({ waitId: wait.waitId, runId: 's' }), [], 'of another run');
      assertSame(await store.waits({ waitId: wait.waitId, type: 'review' }), [], 'of another type');
      assertSame(await store.waits({ waitId: wait.waitId, tenantId: 't' }), [], 'of another tenant');
    },
  },
  {
    name: 'waits(): of another tenant are not to be seen, not to be answered and not to be delivered to',
    async run(store) {
      const wait = openWait('r', 'a', { tenantId: 't', type: 'paid' });
      await open(store, 'r', [wait], 't');
      for (const stranger of ['other', undefined]) {
        assertSame(await store.waits({ tenantId: stranger }), [], 'waits()');
        assertSame(await store.waits({ tenantId: stranger, runId: 'r' }), [], 'waits() of the run');
        assertSame(await store.answer(wait.waitId, encoded(1), stranger), 'unknown', 'answer()');
        assertSame(await store.deliver('r', 'paid', encoded(1), stranger), { result: 'unknown run' }, 'deliver()');
      }
      assertSame(await store.answer(wait.waitId, encoded(2), 't'), 'answered', 'answer() of the tenant');
    },
  },
  {
    name: 'answer(): is kept with the wait, which is not open any more',
    async run(store) {
      const wait = openWait('r', 'a');
      await open(store, 'r', [wait, openWait('r', 'b')]);
      assertSame(await store.answer(wait.waitId, encoded({ approved: true }), undefined), 'answered', 'answer()');
      assertSame(paths(await store.waits({})), ['b'], 'open waits');
      const [first] = (await store.load('r', undefined))?.waits ?? [];
      assertSame(first, { ...wait, status: 'answered', answer: encoded({ approved: true }) }, 'the wait');
    },
  },
  {
    name: 'answer(): the first one counts',
    async run(store) {
      const wait = openWait('r', 'a');
      await open(store, 'r', [wait]);
      await store.answer(wait.waitId, encoded('first'), undefined);
      assertSame(await store.answer(wait.waitId, encoded('second'), undefined), 'already answered', 'the second answer');
      assertSame(await answers(store, 'r'), [['a', 'answered', encoded('first')]], 'what is kept');
    },
  },
  {
    name: 'answer(): of many at once, exactly one counts',
    async run(store) {
      const wait = openWait('r', 'a');
      await open(store, 'r', [wait]);
      const results = await Promise.all(Array.from({ length: 8 }, (_, each) => store.answer(wait.waitId, encoded(each), undefined)));
      assertSame(results.filter((result) => result === 'answered').length, 1, 'how many counted');
      assertSame(results.filter((result) => result === 'already answered').length, 7, 'how many came late');
      assertSame(await answers(store, 'r'), [['a', 'answered', encoded(results.indexOf('answered'))]], 'what is kept');
    },
  },
  {
    name: 'answer(): of a wait that is not there is unknown',
    async run(store) {
      await open(store, 'r', [openWait('r', 'a')]);
      assertSame(await store.answer('r/b#answer', encoded(1), undefined), 'unknown', 'answer()');
    },
  },
  {
    name: 'answer(): stays through suspension, resumption and a wait that is opened again',
    async run(store) {
      const wait = openWait('r', 'a');
      await open(store, 'r', [wait]);
      await store.commit('r', 1, batch({ status: 'suspended' }));
      assertSame(await store.answer(wait.waitId, encoded('yes'), undefined), 'answered', 'answer() while it rests');
      await store.acquire('r', lease('two'));
      await store.commit('r', 2, batch({ waits: [wait] }));
      assertSame(await answers(store, 'r'), [['a', 'answered', encoded('yes')]], 'what is kept');
    },
  },
  {
    name: 'commit(): a wait that is open already is not opened twice',
    async run(store) {
      await open(store, 'r', [openWait('r', 'a')]);
      await store.commit('r', 1, batch({ waits: [openWait('r', 'a', { openedAt: startedAt + 9 })] }));
      const waits = await store.waits({});
      assertSame([waits.length, waits[0]?.openedAt], [1, startedAt], 'the waits');
    },
  },
  {
    name: 'commit(): suspension leaves waits open; the end of a run withdraws those that are open still',
    async run(store) {
      const [wait, answered] = [openWait('r', 'a'), openWait('r', 'b')];
      await open(store, 'r', [wait, answered]);
      await store.answer(answered.waitId, encoded(1), undefined);
      await store.commit('r', 1, batch({ status: 'suspended' }));
      assertSame(paths(await store.waits({})), ['a'], 'waits of a run that rests');
      await store.acquire('r', lease('two'));
      await store.commit('r', 2, batch({ status: 'failed' }));
      assertSame(await store.waits({}), [], 'waits of a run that has ended');
      assertSame(await store.answer(wait.waitId, encoded(1), undefined), 'withdrawn', 'an answer that came too late');
      assertSame(await store.answer(answered.waitId, encoded(1), undefined), 'already answered', 'an answer that came twice');
      assertSame(
        (await answers(store, 'r')).map(([path, status]) => [path, status]),
        [
          ['a', 'withdrawn'],
          ['b', 'answered'],
        ],
        'the waits',
      );
    },
  },
  {
    name: 'commit(): the end of one run withdraws no wait of another',
    async run(store) {
      await open(store, 'r', [openWait('r', 'a')]);
      await open(store, 's', [openWait('s', 'b')]);
      await store.commit('r', 1, batch({ status: 'cancelled' }));
      assertSame(paths(await store.waits({})), ['b'], 'what is open');
    },
  },
  {
    name: 'deliver(): answers the oldest open wait of the type, one at a time',
    async run(store) {
      const [first, second] = [openWait('r', 'a', { type: 'paid' }), openWait('r', 'b', { type: 'paid' })];
      await open(store, 'r', [openWait('r', 'other', { type: 'sent' }), first, second]);
      assertSame(await store.deliver('r', 'paid', encoded(1), undefined), { result: 'answered', waitId: first.waitId }, 'the first');
      assertSame(await store.deliver('r', 'paid', encoded(2), undefined), { result: 'answered', waitId: second.waitId }, 'the second');
      assertSame(await store.deliver('r', 'paid', encoded(3), undefined), { result: 'kept' }, 'one too many');
      assertSame(
        await answers(store, 'r'),
        [
          ['other', 'open', null],
          ['a', 'answered', encoded(1)],
          ['b', 'answered', encoded(2)],
        ],
        'the waits',
      );
    },
  },
  {
    name: 'deliver(): to a run that has ended, or is not there, is refused',
    async run(store) {
      await open(store, 'r', [openWait('r', 'a', { type: 'paid' })]);
      await store.commit('r', 1, batch({ status: 'completed' }));
      assertSame(await store.deliver('r', 'paid', encoded(1), undefined), { result: 'unknown run' }, 'a run that has ended');
      assertSame(await store.deliver('nowhere', 'paid', encoded(1), undefined), { result: 'unknown run' }, 'a run that is not there');
    },
  },
  {
    name: 'deliver(): before anything waits, is kept and answers the first wait of the type, once',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      for (const payload of ['first', 'second']) {
        assertSame(await store.deliver('r', 'paid', encoded(payload), undefined), { result: 'kept' }, payload);
      }
      assertSame((await store.load('r', undefined))?.early.length, 2, 'how many are kept');
      await store.commit('r', 1, batch({ waits: [openWait('r', 'x', { type: 'sent' }), openWait('r', 'a', { type: 'paid' })] }));
      assertSame((await store.load('r', undefined))?.early, [{ type: 'paid', payload: encoded('second') }], 'what is kept still');
      await store.commit('r', 1, batch({ waits: [openWait('r', 'b', { type: 'paid' }), openWait('r', 'c', { type: 'paid' })] }));
      assertSame(
        await answers(store, 'r'),
        [
          ['x', 'open', null],
          ['a', 'answered', encoded('first')],
          ['b', 'answered', encoded('second')],
          ['c', 'open', null],
        ],
        'the waits',
      );
      assertSame((await store.load('r', undefined))?.early, [], 'nothing is kept still');
    },
  },
  {
    name: 'deliver(): an answer that was kept for one run answers no other',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.deliver('r', 'paid', encoded(1), undefined);
      await open(store, 's', [openWait('s', 'a', { type: 'paid' })]);
      assertSame(await answers(store, 's'), [['a', 'open', null]], 'the wait of the other');
    },
  },
  {
    name: `deliver(): keeps at most ${earlyLimit} answers a run`,
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.create(newRun('s'), lease('one'));
      for (let count = 0; count < earlyLimit; count++) {
        assertSame(await store.deliver('r', `type ${count % 7}`, encoded(count), undefined), { result: 'kept' }, `answer ${count}`);
      }
      assertSame(await store.deliver('r', 'paid', encoded(1), undefined), { result: 'too many' }, 'one more');
      assertSame(await store.deliver('s', 'paid', encoded(1), undefined), { result: 'kept' }, 'one of another run');
      assertSame((await store.load('r', undefined))?.early.length, earlyLimit, 'how many are kept');
    },
  },
  {
    name: 'deliver() against commit(): a wait and the answer to it always meet',
    async run(store) {
      for (let round = 0; round < 10; round++) {
        const runId = `r ${round}`;
        await store.create(newRun(runId), lease('one'));
        const wait = openWait(runId, 'a', { type: 'paid' });
        await Promise.all([store.commit(runId, 1, batch({ waits: [wait] })), store.deliver(runId, 'paid', encoded(round), undefined)]);
        assertSame(await answers(store, runId), [['a', 'answered', encoded(round)]], 'the wait');
      }
    },
  },
  {
    name: 'what a store hands out is not what it keeps',
    async run(store) {
      await open(store, 'r', [openWait('r', 'a')]);
      const run = await store.load('r', undefined);
      (run as unknown as { readonly records: unknown[] }).records.push('mine');
      Object.assign(run?.waits[0] ?? {}, { status: 'withdrawn' });
      Object.assign((await store.waits({}))[0] ?? {}, { status: 'withdrawn' });
      const again = await store.load('r', undefined);
      assertSame([again?.records.length, again?.waits[0]?.status], [0, 'open'], 'the run');
    },
  },
];

async function open(store: RunStore, runId: string, waits: readonly StoredWait[], tenantId?: string): Promise<void> {
  await store.create(newRun(runId, { tenantId }), lease('one'));
  await store.commit(runId, 1, batch({ waits }));
}

function at(runId: string, path: string, afterMs: number): StoredWait {
  return openWait(runId, path, { openedAt: startedAt + afterMs });
}

function paths(waits: readonly StoredWait[]): readonly string[] {
  return waits.map(({ path }) => path);
}

async function answers(store: RunStore, runId: string): Promise<readonly (readonly [string, string, string | null])[]> {
  const run = await store.load(runId, undefined);
  return run?.waits.map(({ path, status, answer }) => [path, status, answer ?? null] as const) ?? [];
}
