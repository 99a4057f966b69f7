import type { RunStore, StoredRun } from '@stageflow/core/ports';
import { assertRejects, assertSame, type ContractCase } from './contract-case.ts';
import { batch, encoded, lease, newRun, openWait, record, startedAt } from './run-store-rows.ts';

/** Ids and tenants that break what is glued together from strings, or is compared without care. */
const hostileIds: readonly string[] = [
  "'; DROP TABLE runs; --",
  '"',
  '%',
  '_',
  '\\',
  'a/b#answer',
  'a',
  'A',
  ' a',
  'a ',
  'é',
  'e\u0301',
  '🦊',
  'line\nbreak\ttab',
  'null',
  'undefined',
  '0',
  '__proto__',
  'constructor',
  'x'.repeat(500),
];

/** Runs and their journal. */
export const runStoreJournalCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'create(): a run that begins with records has them at once, in their order',
    async run(store) {
      const records = [record('a', { status: 'intent' }), record('a'), record('b')];
      await store.create(newRun('r', { records }), lease('one'));
      assertSame((await store.load('r', undefined))?.records, records, 'load()');
      await store.commit('r', 1, batch({ records: [record('c')] }));
      assertSame(
        (await store.load('r', undefined))?.records.map(({ path }) => path),
        ['a', 'a', 'b', 'c'],
        'after another',
      );
    },
  },
  {
    name: 'create(): keeps the run as running, in epoch 1, with nothing in its journal',
    async run(store) {
      const run = newRun('r', { tenantId: 't' });
      await store.create(run, lease('one'));
      const found = await store.load('r', 't');
      assertSame(
        { ...found, isPaused: found?.isPaused ?? false },
        { ...run, status: 'running', epoch: 1, records: [], waits: [], early: [], isPaused: false },
        'the run as it is loaded',
      );
    },
  },
  {
    name: 'create(): a second run of one id is refused, and the first stays as it is',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.commit('r', 1, batch({ records: [record('a')] }));
      await assertRejects(store.create(newRun('r', { pipeline: 'other' }), lease('two')), 'a second create()');
      await assertRejects(store.create(newRun('r', { tenantId: 'other' }), lease('two')), 'a second create() of another tenant');
      assertSame(await shape(store, 'r'), { pipeline: 'chat', paths: ['a'], epoch: 1, status: 'running' }, 'the first run');
    },
  },
  {
    name: 'create(): of many at once with one id, exactly one succeeds',
    async run(store) {
      const created = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => store.create(newRun('r'), lease(`owner ${at}`))));
      assertSame(created.filter(({ status }) => status === 'fulfilled').length, 1, 'how many were created');
    },
  },
  {
    name: 'load(): a run that is not there is undefined',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await store.load('other', undefined), undefined, 'a run of another id');
    },
  },
  {
    name: 'load(): a run is known to its own tenant only',
    async run(store) {
      await store.create(newRun('of-t', { tenantId: 't' }), lease('one'));
      await store.create(newRun('of-nobody'), lease('one'));
      assertSame((await store.load('of-t', 't'))?.runId, 'of-t', 'to its tenant');
      assertSame(await store.load('of-t', 'other'), undefined, 'to another tenant');
      assertSame(await store.load('of-t', undefined), undefined, 'to whoever names no tenant');
      assertSame(await store.load('of-nobody', 't'), undefined, 'a run without a tenant, to a tenant');
    },
  },
  {
    name: 'commit(): records come back whole, in the order they were committed',
    async run(store) {
      const error = {
        name: 'StageflowError',
        code: 'SF_STAGE_FAILED' as const,
        message: 'm',
        hint: 'h',
        docs: 'd',
        retryable: false,
        details: { stage: 'f' },
      };
      const records = [
        record('intent', { status: 'intent', attempts: 0, output: undefined }),
        record('intent', { status: 'completed', attempts: 3 }),
        record('s', { status: 'skipped', output: undefined, reason: 'anonymous' }),
        record('f', { status: 'failed', output: undefined, error }),
        record('b', { status: 'blocked', output: undefined, reason: 'no "quotes", no \n lines', at: startedAt + 0.25 }),
      ];
      await store.create(newRun('r'), lease('one'));
      await store.commit('r', 1, batch({ records: records.slice(0, 2) }));
      await store.commit('r', 1, batch({ records: records.slice(2) }));
      assertSame((await store.load('r', undefined))?.records, records, 'the records');
    },
  },
  {
    name: 'commit(): an empty batch is accepted and adds nothing',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      assertSame(await store.commit('r', 1, batch({})), true, 'commit()');
      assertSame(await shape(store, 'r'), { pipeline: 'chat', paths: [], epoch: 1, status: 'running' }, 'the run');
    },
  },
  {
    name: 'commit(): of a run that is not there is refused',
    async run(store) {
      assertSame(await store.commit('r', 1, batch({ records: [record('a')] })), false, 'commit()');
      assertSame(await store.load('r', undefined), undefined, 'the run');
    },
  },
  {
    name: 'commit(): many at once add everything, each batch together',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      const batches = Array.from({ length: 20 }, (_, at) => batch({ records: [record(`${at}/a`), record(`${at}/b`), record(`${at}/c`)] }));
      const accepted = await Promise.all(batches.map((each) => store.commit('r', 1, each)));
      assertSame(accepted.every(Boolean), true, 'all were accepted');
      const paths = (await store.load('r', undefined))?.records.map(({ path }) => path) ?? [];
      assertSame([...paths].sort(), batches.flatMap(({ records }) => records.map(({ path }) => path)).sort(), 'all records');
      const together = batches.every((_, at) => {
        const first = paths.indexOf(`${at}/a`);
        return paths[first + 1] === `${at}/b` && paths[first + 2] === `${at}/c`;
      });
      assertSame(together, true, 'each batch is together');
    },
  },
  {
    name: 'commit(): is there when it resolves',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      for (let count = 1; count <= 5; count++) {
        await store.commit('r', 1, batch({ records: [record(String(count))] }));
        assertSame((await store.load('r', undefined))?.records.length, count, 'records after a commit');
      }
    },
  },
  {
    name: 'commit(): status, records and waits of one batch appear together',
    async run(store) {
      await store.create(newRun('r'), lease('one'));
      await store.commit('r', 1, batch({ records: [record('a')], waits: [openWait('r', 'b')], status: 'suspended' }));
      const run = await store.load('r', undefined);
      assertSame([run?.records.length, run?.waits.length, run?.status], [1, 1, 'suspended'], 'the run');
    },
  },
  {
    name: 'commit(): each terminal status is kept',
    async run(store) {
      for (const status of ['completed', 'failed', 'blocked', 'cancelled'] as const) {
        await store.create(newRun(status), lease('one'));
        await store.commit(status, 1, batch({ status, outputs: status === 'completed' ? encoded({ answer: 'hi' }) : undefined }));
        assertSame((await store.load(status, undefined))?.status, status, 'the status');
      }
    },
  },
  {
    name: 'ids and tenants: whatever they hold, they are told apart',
    async run(store) {
      for (const id of hostileIds) await store.create(newRun(id, { tenantId: id, pipeline: id }), lease(id));
      for (const id of hostileIds) {
        await store.commit(
          id,
          1,
          batch({ records: [record(id)], waits: [openWait(id, id, { tenantId: id, type: id, waitId: `w ${id}` })] }),
        );
      }
      for (const id of hostileIds) {
        const { pipeline, paths } = (await shape(store, id, id)) ?? {};
        assertSame({ pipeline, paths }, { pipeline: id, paths: [id] }, `the run of ${JSON.stringify(id)}`);
        assertSame(
          (await store.waits({ tenantId: id })).map(({ path }) => path),
          [id],
          `waits of tenant ${JSON.stringify(id)}`,
        );
        assertSame(await store.answer(`w ${id}`, encoded(id), id), 'answered', `the wait of ${JSON.stringify(id)}`);
      }
    },
  },
  {
    name: 'payloads: text of any length and content comes back as it was',
    async run(store) {
      const payloads = ['\\u0000\\ud83d', "';--", '🦊\u2028é', '{"__proto__":{"a":1}}', 'x'.repeat(300_000)].map(encoded);
      await store.create(newRun('r', { input: Object.fromEntries(payloads.map((payload, at) => [`in ${at}`, payload])) }), lease('one'));
      const records = payloads.map((output, at) => record(`a[${at}]`, { output }));
      const waits = payloads.map((request, at) => openWait('r', `w[${at}]`, { request }));
      await store.commit('r', 1, batch({ records, waits }));
      for (const [at, wait] of waits.entries()) await store.answer(wait.waitId, payloads[at] ?? encoded(''), undefined);
      const run = await store.load('r', undefined);
      assertSame(Object.values(run?.input ?? {}), payloads, 'inputs');
      assertSame(
        run?.records.map(({ output }) => output),
        payloads,
        'outputs',
      );
      assertSame(
        run?.waits.map(({ request }) => request),
        payloads,
        'requests',
      );
      assertSame(
        run?.waits.map(({ answer }) => answer),
        payloads,
        'answers',
      );
    },
  },
];

/** What matters of a run, in a few words. */
async function shape(
  store: RunStore,
  runId: string,
  tenantId?: string,
): Promise<
  { readonly pipeline: string; readonly paths: readonly string[]; readonly epoch: number; readonly status: StoredRun['status'] } | undefined
> {
  const run = await store.load(runId, tenantId);
  return run && { pipeline: run.pipeline, paths: run.records.map(({ path }) => path), epoch: run.epoch, status: run.status };
}
