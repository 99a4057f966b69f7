import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { StatementCounter } from '../kept/kept.mjs';
import { memoryKept } from '../kept/memory.mjs';
import { postgresKept } from '../kept/postgres.mjs';
import { countBetterSqlite, sqliteKept } from '../kept/sqlite.mjs';
import { chain, checkEnds, fan, seed, stageWork } from '../work.mjs';

/** Checkpoints of a run: of its input, before its first step, and after each; of its end alone with `exit`. */
const checkpointsOf = (durability) => (durability === 'exit' ? 1 : chain.length + 1);

/**
 * A graph with a channel for the chain and one for each stage of the fan.
 *
 * - `saver`: `none`, `memory`, `sqlite`, `postgres`.
 * - `durability`: the option of that name.
 * - `synchronous`: sets the pragma, which is otherwise as better-sqlite3 has it.
 *
 * @returns {Promise<import('../contenders.mjs').Contender>}
 */
export default async ({ saver: where, durability, synchronous }, place) => {
  const langgraph = await import('@langchain/langgraph');
  const { saver, kept, ...opened } = await savers[where](langgraph, place, synchronous);
  const app = graphOf(langgraph).compile(saver === undefined ? {} : { checkpointer: saver });
  let last;
  return {
    async run() {
      const options = { configurable: { thread_id: randomUUID() }, recursionLimit: 100, ...(saver && { durability }) };
      const ended = await app.invoke({ value: seed }, options);
      checkEnds(fan.map((name) => ended[name]));
      last = options;
    },
    async kept() {
      if (saver === undefined) return { runs: 0, records: 0 };
      const { next, values } = await app.getState(last);
      if (next.length > 0) throw new Error(`The run was kept before its end: ${next.join()} are to come.`);
      checkEnds(fan.map((name) => values[name]));
      return kept();
    },
    expected: saver === undefined ? { runs: 0, records: 0 } : { runs: 1, records: checkpointsOf(durability) },
    place: opened.place,
    close: async () => opened.close?.(),
  };
};

function graphOf({ Annotation, END, START, StateGraph }) {
  const channel = () => Annotation({ reducer: (_before, after) => after, default: () => null });
  const graph = new StateGraph(Annotation.Root(Object.fromEntries(['value', ...fan].map((name) => [name, channel()]))));
  let previous = START;
  const add = (name, into) => {
    const node = `do ${name}`;
    graph.addNode(node, async ({ value }) => ({ [into]: await stageWork(name, value) }));
    graph.addEdge(previous, node);
    return node;
  };
  for (const name of chain) previous = add(name, 'value');
  for (const name of fan) graph.addEdge(add(name, name), END);
  return graph;
}

const threads = 'SELECT count(DISTINCT thread_id) FROM checkpoints';
const checkpoints = 'SELECT count(*) FROM checkpoints';

const savers = {
  none: async () => ({ place: memoryKept() }),
  async memory({ MemorySaver }) {
    const saver = new MemorySaver();
    const size = () =>
      JSON.stringify([saver.storage, saver.writes], (_, value) => (value instanceof Uint8Array ? new TextDecoder().decode(value) : value))
        .length;
    return {
      saver,
      place: memoryKept(async () => size()),
      async kept() {
        const kept = Object.values(saver.storage);
        return { runs: kept.length, records: kept.flatMap((namespaces) => Object.values(namespaces).flatMap(Object.keys)).length };
      },
    };
  },
  async sqlite(_langgraph, { folder }, synchronous) {
    const [{ SqliteSaver }, { default: Database }] = await Promise.all([
      import('@langchain/langgraph-checkpoint-sqlite'),
      import('better-sqlite3'),
    ]);
    const file = join(folder, 'runs.sqlite');
    const database = new Database(file);
    const counter = new StatementCounter();
    const place = sqliteKept(file, database, counter);
    countBetterSqlite(database, counter);
    const saver = new SqliteSaver(database);
    saver.setup();
    if (synchronous !== undefined) database.pragma(`synchronous = ${synchronous}`);
    return {
      saver,
      place,
      kept: async () => ({ runs: place.count(threads), records: place.count(checkpoints) }),
      close: async () => database.close(),
    };
  },
  async postgres(_langgraph, { url }) {
    const [{ PostgresSaver }, { default: pg }] = await Promise.all([import('@langchain/langgraph-checkpoint-postgres'), import('pg')]);
    const place = await postgresKept(url);
    const pool = new pg.Pool({ connectionString: url });
    const saver = new PostgresSaver(pool);
    await saver.setup();
    return {
      saver,
      place,
      kept: async () => ({ runs: await place.count(threads), records: await place.count(checkpoints) }),
      async close() {
        await pool.end();
        await place.close();
      },
    };
  },
};
