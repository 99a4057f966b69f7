import { decode } from '@stageflow/core';
import type { Encoded } from '@stageflow/core/ports';
import { postgresRunStore } from '@stageflow/postgres-store';
import pg from 'pg';
import { KillPoints } from './kill-points.ts';
import type { Call, Place, PlaceOptions } from './place.ts';
import { watchedPool } from './watched-pool.ts';

/** Makes the tables of the store, twice, and those of the effects; commits to the second schema are slow. */
export async function preparePostgres(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // It has ended before its connection has, which a test may cut by then.
  pool.on('error', () => {});
  for (const schema of ['matrix', 'slow_matrix']) await postgresRunStore({ pool, schema }).migrate();
  await pool.query(`
    CREATE FUNCTION slow_matrix.wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.004); RETURN NULL; END';
    CREATE TRIGGER slow AFTER INSERT ON slow_matrix.records FOR EACH STATEMENT EXECUTE FUNCTION slow_matrix.wait();
    CREATE TABLE calls (position bigint GENERATED ALWAYS AS IDENTITY, run_id text, path text, key text);
    CREATE INDEX calls_of_run ON calls (run_id);
    CREATE TABLE effects (key text PRIMARY KEY);
  `);
  await pool.end();
}

/**
 * A place on a server that was prepared. The effects have a pool of their own, as those of a host would.
 *
 * @param watched - Given in a process that is to be killed: the writes of the store come by points.
 */
export function postgresPlace(url: string, isSlow: boolean, watched?: PlaceOptions): Place {
  const [mine, theirs] = [4, 4].map((max) => new pg.Pool({ connectionString: url, max })) as [pg.Pool, pg.Pool];
  // Idle connections that are cut say so here; whoever asks on one that is not idle is told by its query.
  for (const pool of [mine, theirs]) {
    pool.on('error', () => {});
    // A connection that is cut in the moment in which it is handed out says so to nobody: whoever gets it cannot listen yet.
    pool.on('connect', (client) => client.on('error', () => {}));
  }
  const schema = isSlow ? 'slow_matrix' : 'matrix';
  const points = new KillPoints(watched?.killAt ?? '');
  const plain = postgresRunStore({ pool: watched === undefined ? mine : watchedPool(mine, points), schema });
  // Ids of runs have nothing in them that LIKE would take for something else.
  const rows = async <Row>(sql: string, runId: string): Promise<readonly Row[]> => (await theirs.query(sql, [`${runId}%`])).rows;
  const count = async (sql: string, runId: string): Promise<number> =>
    Number((await rows<{ readonly count: unknown }>(sql, runId))[0]?.count);
  return {
    store: watched === undefined ? plain : points.watch(plain),
    async called({ runId, path, key }) {
      await theirs.query('INSERT INTO calls (run_id, path, key) VALUES ($1, $2, $3)', [runId, path, key]);
    },
    async act(key) {
      await theirs.query('INSERT INTO effects (key) VALUES ($1) ON CONFLICT DO NOTHING', [key]);
    },
    calls: (runId) => rows<Call>('SELECT run_id AS "runId", path, key FROM calls WHERE run_id LIKE $1 ORDER BY position', runId),
    async effects(runId) {
      const found = await rows<{ readonly key: string }>('SELECT key FROM effects WHERE key LIKE $1 ORDER BY key COLLATE "C"', runId);
      return found.map(({ key }) => key);
    },
    async outputs(runId) {
      const { rows } = await theirs.query(`SELECT outputs FROM ${schema}.runs WHERE run_id = $1`, [runId]);
      return decode((rows[0] as { readonly outputs: Encoded }).outputs);
    },
    async open(runId) {
      return {
        leases: await count(`SELECT count(*) FROM ${schema}.runs WHERE run_id LIKE $1 AND owner IS NOT NULL`, runId),
        waits: await count(`SELECT count(*) FROM ${schema}.waits WHERE run_id LIKE $1 AND status = 'open'`, runId),
      };
    },
    async close() {
      await mine.end();
      await theirs.end();
    },
  };
}
