import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { importAdapter, importCore } from '../../built-core.mjs';
import { StatementCounter } from '../kept/kept.mjs';
import { countedStore, memoryKept } from '../kept/memory.mjs';
import { postgresKept } from '../kept/postgres.mjs';
import { countedDatabase, sqliteKept } from '../kept/sqlite.mjs';
import { keptAt } from '../levels.mjs';
import { chain, checkEnds, fan, seed, stageCount, stageWork } from '../work.mjs';

/**
 * The pipeline in Stageflow.
 *
 * @param {'stage' | 'work'} kind
 */
export function pipelineOf(core, kind) {
  const make = core[kind];
  let previous = core.inputs().seed;
  const after = (name, from) => make(name, { needs: { from }, run: ({ from: value }) => stageWork(name, value) });
  for (const name of chain) previous = after(name, previous);
  return core.pipeline('bench', { outputs: Object.fromEntries(fan.map((name) => [name, after(name, previous)])) });
}

/**
 * - `store`: `none`, `memory`, `sqlite`, `postgres`.
 * - `level`: the option `journal` of each run.
 * - `kind`: `work` where every stage is an effect.
 *
 * @returns {Promise<import('../contenders.mjs').Contender>}
 */
export default async ({ store: where, level, kind = 'stage' }, place) => {
  const core = await importCore('.');
  const pipeline = pipelineOf(core, kind);
  const { store, kept, ...opened } = await stores[where](core, place);
  const runtime = core.createRuntime({ pipelines: [pipeline], store });
  const expected = where === 'none' ? { runs: 0, records: 0 } : keptAt[level];
  return {
    async run() {
      const run = await runtime.run(pipeline, { seed }, level === undefined ? undefined : { journal: level });
      if (run.status !== 'completed') throw new Error(`The run ended ${run.status}.`, { cause: run.error });
      checkEnds(fan.map((name) => run.outputs[name]));
      opened.onRun?.(run.runId);
    },
    kept,
    expected: kind === 'work' ? { runs: 1, records: 2 * stageCount } : expected,
    place: opened.place,
    async close() {
      await runtime.close();
      await opened.close?.();
    },
  };
};

const stores = {
  none: async () => ({ store: undefined, kept: async () => ({ runs: 0, records: 0 }), place: memoryKept() }),
  memory: memoryStore,
  sqlite: async (_core, { folder }) => {
    const { sqliteRunStore } = await importAdapter('sqlite-store');
    const file = join(folder, 'runs.sqlite');
    const database = new DatabaseSync(file);
    const counter = new StatementCounter();
    const store = sqliteRunStore({ database: countedDatabase(database, counter) });
    const place = sqliteKept(file, database, counter);
    return {
      store,
      place,
      kept: async () => ({
        runs: place.count("SELECT count(*) FROM stageflow_runs WHERE status = 'completed' AND outputs IS NOT NULL"),
        records: place.count('SELECT count(*) FROM stageflow_records'),
      }),
      close: async () => database.close(),
    };
  },
  postgres: async (_core, { url }) => {
    const [{ postgresRunStore }, { default: pg }] = await Promise.all([importAdapter('postgres-store'), import('pg')]);
    const place = await postgresKept(url);
    const pool = new pg.Pool({ connectionString: url });
    const store = postgresRunStore({ pool });
    await store.migrate();
    return {
      store,
      place,
      kept: async () => ({
        runs: await place.count("SELECT count(*) FROM stageflow.runs WHERE status = 'completed' AND outputs IS NOT NULL"),
        records: await place.count('SELECT count(*) FROM stageflow.records'),
      }),
      async close() {
        await pool.end();
        await place.close();
      },
    };
  },
};

/** Its runs are asked for by their ids, since it cannot list them. */
async function memoryStore(core) {
  const ids = [];
  const store = core.memoryRunStore();
  const loaded = () => Promise.all(ids.map((runId) => store.load(runId, undefined)));
  const place = memoryKept(async () => JSON.stringify(await loaded()).length);
  countedStore(store, place.counter);
  return {
    store,
    place,
    onRun: (runId) => ids.push(runId),
    async kept() {
      const runs = (await loaded()).filter((run) => run?.status === 'completed');
      return { runs: runs.length, records: runs.reduce((sum, { records }) => sum + records.length, 0) };
    },
  };
}
