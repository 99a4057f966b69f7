import { openContender } from '../contenders.mjs';
import { stageCount } from '../work.mjs';

/** How many runs are under way at once, one after another. */
export const concurrencies = [1, 16];

const warmRuns = 20;
/** So few that the log of the least durable SQLite holds them, and enough that beginnings do not count. */
const loggedRuns = 10;

/**
 * What a run costs one contender.
 *
 * @param {{ contender: string, budgetMs: number, place: import('../contenders.mjs').Place }} task
 */
export async function measureThroughput({ contender: id, budgetMs, place: where }) {
  const contender = await openContender(id, where);
  const { place, expected } = contender;
  const setting = place.setting;
  const emptyBytes = await place.keptBytes();
  let runs = 0;
  const run = async () => {
    await contender.run();
    runs++;
  };
  for (let at = 0; at < warmRuns; at++) await run();
  const written = await writtenBytes(place, run);
  const found = [];
  for (const concurrency of concurrencies) found.push(await timed(place.counter, run, concurrency, budgetMs));
  check(await contender.kept(), expected, runs);
  checkCommits(found, expected);
  const keptBytes = (await place.keptBytes()) - emptyBytes;
  await contender.close();
  return {
    setting,
    runs,
    keptBytesPerStage: expected.runs === 0 ? undefined : keptBytes / runs / stageCount,
    writtenBytesPerStage: written === undefined ? undefined : written / loggedRuns / stageCount,
    at: Object.fromEntries(found.map((each) => [each.concurrency, each])),
  };
}

async function writtenBytes(place, run) {
  if (place.writtenBytes === undefined) return undefined;
  place.keepsLog(true);
  const before = await place.writtenBytes();
  for (let at = 0; at < loggedRuns; at++) await run();
  const bytes = (await place.writtenBytes()) - before;
  place.keepsLog(false);
  return bytes;
}

/** Runs one after another in as many lines as there may be at once, until the time is over. */
async function timed(counter, run, concurrency, budgetMs) {
  const before = { statements: counter.statements, commits: counter.commits };
  let runs = 0;
  const start = performance.now();
  const line = async () => {
    do {
      await run();
      runs++;
    } while (performance.now() - start < budgetMs);
  };
  await Promise.all(Array.from({ length: concurrency }, line));
  const ms = performance.now() - start;
  return {
    concurrency,
    runs,
    msPerRun: ms / runs,
    statements: (counter.statements - before.statements) / runs,
    commits: (counter.commits - before.commits) / runs,
  };
}

/** @throws Where something is not there that has to be. */
function check(kept, expected, runs) {
  if (kept.runs !== expected.runs * runs) throw new Error(`${runs} runs were made, and ${kept.runs} are kept as completed.`);
  if (kept.records < expected.records * runs) {
    throw new Error(`${runs} runs were made, and ${kept.records} of ${expected.records * runs} rows are kept of their stages.`);
  }
}

function checkCommits(found, { commits: most = Number.POSITIVE_INFINITY }) {
  for (const { commits } of found) if (commits > most) throw new Error(`A run took ${commits.toFixed(1)} commits, and may take ${most}.`);
}
