import { importCore } from '../../built-core.mjs';
import { median } from '../../statistics.mjs';
import { copyRuns } from '../copied-runs.mjs';
import { openStore } from '../open-store.mjs';
import { newRunOf, oldId, storedRun } from '../template.mjs';
import { stageCount } from '../work.mjs';

/** How often each thing is timed; the median of the lesser half counts, for what disturbs a measurement only makes it longer. */
const samples = 200;
/** Runs that are due and waits that are open, whatever else is stored. */
const dueRuns = 20;
const openWaits = 20;
const restingRun = 'ffff-rests';

/**
 * What things cost while more and more runs that have ended are stored.
 *
 * @param {{ contender: 'sqlite' | 'postgres', sizes: readonly number[], place: import('../contenders.mjs').Place }} task
 */
export async function measureGrowth({ contender: name, sizes, place }) {
  const core = await importCore('.');
  const { stored } = await storedRun(core);
  const template = oldId(0);
  const setUp = await openStore(name, place, { isSynced: false });
  await keepEnded(setUp.store, stored, template);
  await keepWaiting(setUp.store, stored);
  await setUp.close();
  const found = [];
  let count = 1;
  for (const size of sizes) {
    const start = performance.now();
    const filling = await openStore(name, place, { isSynced: false });
    await copyRuns(filling, name, template, count, size);
    await filling.settle();
    count = size;
    const fillMs = performance.now() - start;
    const unsyncedRun = await microseconds(oneRun(filling.store, stored, `fffd-${size}`));
    await filling.close();
    const open = await openStore(name, place);
    found.push({ size, fillMs, us: { unsyncedRun, ...(await timings(open.store, stored, size)) } });
    await open.close();
  }
  return { sizes: found };
}

const lease = (now) => ({ owner: 'bench', until: now + 30_000, now });

function batch(given) {
  return { at: Date.now(), records: [], waits: [], status: undefined, outputs: undefined, ...given };
}

function waitOf({ pipeline }, runId, at) {
  const [path, type] = [`step${at}`, 'answer'];
  return {
    waitId: `${runId}/${path}#${type}`,
    runId,
    tenantId: undefined,
    pipeline,
    path,
    type,
    request: '"Shall it?"',
    openedAt: Date.now() + at,
    expiresAt: undefined,
    status: 'open',
    answer: undefined,
  };
}

/** The run that history is made of: all its records, and a wait that was answered. */
async function keepEnded(store, stored, runId) {
  const wait = waitOf(stored, runId, 1);
  await store.create(newRunOf(stored, runId), lease(Date.now()));
  await store.commit(runId, 1, batch({ records: stored.records, waits: [wait] }));
  await store.answer(wait.waitId, '"yes"', undefined);
  await store.commit(runId, 1, batch({ status: 'completed', outputs: stored.records.at(-1).output }));
}

/** Runs that are due, and one that rests with waits that are open: what is asked for is as much as before. */
async function keepWaiting(store, stored) {
  for (let at = 0; at < dueRuns; at++) await store.create(newRunOf(stored, `ffff-due-${at}`), { owner: 'gone', until: 0, now: 0 });
  const waits = Array.from({ length: openWaits }, (_, at) => waitOf(stored, restingRun, at));
  await store.create(newRunOf(stored, restingRun), lease(Date.now()));
  await store.commit(restingRun, 1, batch({ waits, status: 'suspended', resting: waits.map(({ waitId }) => waitId) }));
}

/** Microseconds of each thing. */
async function timings(store, stored, size) {
  let next = 0;
  const asked = {
    run: oneRun(store, stored, `fffe-${size}`),
    due: async () => expectCount(await store.due(Date.now(), 100), dueRuns, 'due'),
    waits: async () => expectCount(await store.waits({}), openWaits, 'waits'),
    load: async () => {
      const run = await store.load(oldId((next++ * 7919) % size), undefined);
      expectCount(run?.records ?? [], stageCount, 'records of a run that was copied');
      if (run.status !== 'completed' || run.identity.runId !== run.runId) throw new Error(`${run.runId} was copied wrongly.`);
    },
  };
  const us = {};
  for (const [what, ask] of Object.entries(asked)) us[what] = await microseconds(ask);
  return us;
}

/** A run of one stage, by the methods of the store, under a new id each time. */
function oneRun(store, stored, prefix) {
  let next = 0;
  return async () => {
    const runId = `${prefix}-${next++}`;
    await store.create(newRunOf(stored, runId), lease(Date.now()));
    await store.commit(runId, 1, batch({ records: stored.records.slice(0, 1) }));
    await store.commit(runId, 1, batch({ status: 'completed', outputs: stored.records[0].output }));
  };
}

async function microseconds(ask) {
  const times = [];
  for (let at = -20; at < samples; at++) {
    const start = performance.now();
    await ask();
    if (at >= 0) times.push((performance.now() - start) * 1000);
  }
  times.sort((left, right) => left - right);
  return median(times.slice(0, samples / 2));
}

function expectCount(found, count, what) {
  if (found.length !== count) throw new Error(`${found.length} ${what} were found, not ${count}.`);
}
