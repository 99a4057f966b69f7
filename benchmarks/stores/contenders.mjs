// Who keeps runs, and where. Data only: a contender's module is loaded in the process that measures it.
import { levels } from './levels.mjs';

/**
 * @typedef {object} Entry
 * @property {string} label
 * @property {'memory' | 'SQLite' | 'PostgreSQL'} place
 * @property {string} module In `contenders/`; its default export opens the contender, given `variant`.
 * @property {object} variant
 * @property {string} setting How it is configured, in words for the page.
 * @property {string} [package] Its folder in `node_modules`.
 *
 * @typedef {object} Place Where a contender may keep runs.
 * @property {string} folder Its own, and empty.
 * @property {string} url Of a database of its own, and empty.
 *
 * @typedef {object} Contender
 * @property {() => Promise<void>} run Makes one run. Rejects where it did not complete, or yielded something else than it must.
 * @property {() => Promise<{ runs: number, records: number }>} kept What is kept of all runs: those that are complete, and rows of stages.
 * @property {{ runs: number, records: number, commits?: number }} expected What must be there of each run: at least so many records, in at most so many commits.
 * @property {import('./kept/kept.mjs').Kept} place
 * @property {() => Promise<void>} close
 */

const where = { memory: 'memory', sqlite: 'SQLite', postgres: 'PostgreSQL' };

/** @returns {Record<string, Entry>} */
function ofStageflow() {
  const entries = Object.entries(where).flatMap(([store, place]) =>
    levels.map((level) => [
      `stageflow:${store}:${level}`,
      {
        label: `stageflow, journal '${level}'`,
        place,
        module: 'stageflow',
        variant: { store, level },
        setting: 'stages: records are written behind, those that come while a commit is under way in the next',
      },
    ]),
  );
  const effects = ['sqlite', 'postgres'].map((store) => [
    `stageflow:${store}:effects`,
    {
      label: "stageflow, journal 'stage', every stage `work`",
      place: where[store],
      module: 'stageflow',
      variant: { store, level: 'stage', kind: 'work' },
      setting: 'effects: each begins when everything before it is durable, and its intent is too',
    },
  ]);
  return Object.fromEntries([...entries, ...effects]);
}

/** @returns {Record<string, Entry>} */
function ofLanggraph() {
  const modes = {
    sync: "durability 'sync': a step begins when the checkpoint of the one before is written",
    async: "durability 'async', the default: a checkpoint is written while the next step runs",
    exit: "durability 'exit': one checkpoint, when the run ends",
  };
  const entries = ['sqlite', 'postgres'].flatMap((saver) =>
    Object.entries(modes).map(([durability, setting]) => [
      `langgraph:${saver}:${durability}`,
      {
        label: `LangGraph.js, '${durability}'`,
        place: where[saver],
        module: 'langgraph',
        variant: { saver, durability },
        setting: saver === 'sqlite' ? `${setting}; on better-sqlite3 13` : setting,
        package: `@langchain/langgraph-checkpoint-${saver}`,
      },
    ]),
  );
  return Object.fromEntries(entries);
}

/** @type {Record<string, Entry>} */
export const contenders = {
  'stageflow:none': {
    label: 'stageflow without a store',
    place: 'memory',
    module: 'stageflow',
    variant: { store: 'none' },
    setting: 'nothing is kept: what the others are above',
  },
  'langgraph:none': {
    label: 'LangGraph.js without a saver',
    place: 'memory',
    module: 'langgraph',
    variant: { saver: 'none' },
    setting: 'nothing is kept',
    package: '@langchain/langgraph',
  },
  ...ofStageflow(),
  'langgraph:memory:async': {
    label: "LangGraph.js, MemorySaver, 'async'",
    place: 'memory',
    module: 'langgraph',
    variant: { saver: 'memory', durability: 'async' },
    setting: 'MemorySaver',
    package: '@langchain/langgraph',
  },
  ...ofLanggraph(),
  'langgraph:sqlite:sync-full': {
    label: "LangGraph.js, 'sync', synchronous = FULL",
    place: 'SQLite',
    module: 'langgraph',
    variant: { saver: 'sqlite', durability: 'sync', synchronous: 'FULL' },
    setting: "durability 'sync', and each commit synced, as that of stageflow is; on better-sqlite3 13",
    package: '@langchain/langgraph-checkpoint-sqlite',
  },
  dbos: {
    label: 'DBOS Transact',
    place: 'PostgreSQL',
    module: 'dbos',
    variant: {},
    setting: 'a workflow called directly, each stage a `DBOS.runStep`: a step is written before the next begins',
    package: '@dbos-inc/dbos-sdk',
  },
};

/** The same product where nothing is kept: what its runs cost anyway. Nothing of DBOS, which always keeps them. */
export function bareOf(id) {
  const bare = `${id.split(':')[0]}:none`;
  return contenders[bare] === undefined ? undefined : bare;
}

/** What the others at a place are compared with. */
export const basisOf = { memory: 'stageflow:none', SQLite: 'stageflow:sqlite:stage', PostgreSQL: 'stageflow:postgres:stage' };

/** @param {string} id */
export function entryOf(id) {
  const entry = contenders[id];
  if (!entry) throw new Error(`There is no contender "${id}". There are: ${Object.keys(contenders).join(', ')}.`);
  return entry;
}

/**
 * @param {string} id
 * @param {Place} place
 * @returns {Promise<Contender>}
 */
export async function openContender(id, place) {
  const { module, variant } = entryOf(id);
  const { default: open } = await import(`./contenders/${module}.mjs`);
  return open(variant, place);
}
