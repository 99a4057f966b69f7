import { importCore } from '../../built-core.mjs';
import { openStore } from '../open-store.mjs';
import { newRunOf, oldId, storedRun } from '../template.mjs';
import { callCount, seed, stageCount } from '../work.mjs';

/** How many runs go on at once. */
export const concurrency = 16;
/** Half of the stages are journaled. */
const keptRecords = Math.floor(stageCount / 2);
/** New runs that are timed beside those that are recovered. */
const freshRuns = 400;

/**
 * How long it takes to go on with runs whose process has died.
 *
 * @param {{ contender: 'sqlite' | 'postgres', runs: number, place: import('../contenders.mjs').Place }} task
 */
export async function measureRecovery({ contender: name, runs, place }) {
  const core = await importCore('.');
  const { pipeline, stored } = await storedRun(core);
  await interrupt(await openStore(name, place, { isSynced: false }), stored, runs);
  const { store, query, settle, close } = await openStore(name, place);
  await settle();
  const runtime = core.createRuntime({ pipelines: [pipeline], store });
  const due = (await store.due(Date.now(), runs + 1)).length;
  if (due !== runs) throw new Error(`${runs} runs were interrupted, and ${due} are due.`);

  const before = callCount();
  const start = performance.now();
  const { resumed, refused } = await runtime.recover({ concurrency });
  const ms = performance.now() - start;
  const calls = callCount() - before;
  const completed = resumed.filter(({ status }) => status === 'completed').length;
  const left = (await store.due(Date.now() + 86_400_000, 1)).length;
  const [records] = await query(`SELECT count(*) AS count FROM ${name === 'sqlite' ? 'stageflow_records' : 'stageflow.records'}`);
  if (completed !== runs || refused.length > 0 || left > 0) {
    throw new Error(`Of ${runs} runs ${completed} were completed, ${refused.length} refused: ${refused[0]?.error.message}`);
  }
  if (calls !== runs * (stageCount - keptRecords)) throw new Error(`${calls} stages were called: those that are journaled are not to be.`);
  if (Number(records.count) !== runs * stageCount) throw new Error(`${records.count} records are kept of ${runs} runs.`);

  const fresh = await timeFresh(runtime, pipeline);
  await runtime.close();
  await close();
  return { runs, ms, msPerRun: ms / runs, freshMsPerRun: fresh };
}

/** Runs that were created by a process that is gone, with half of their journal. */
async function interrupt({ store, close }, stored, runs) {
  const now = Date.now();
  const records = stored.records.slice(0, keptRecords);
  let next = 0;
  const line = async () => {
    for (let at = next++; at < runs; at = next++) {
      await store.create(newRunOf(stored, oldId(at), records), { owner: 'gone', until: now - 1_000, now: now - 31_000 });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, line));
  await close();
}

/** Milliseconds of a run from its beginning, as many at once. */
async function timeFresh(runtime, pipeline) {
  let next = 0;
  const start = performance.now();
  const line = async () => {
    while (next++ < freshRuns) await runtime.run(pipeline, { seed });
  };
  await Promise.all(Array.from({ length: concurrency }, line));
  return (performance.now() - start) / freshRuns;
}
