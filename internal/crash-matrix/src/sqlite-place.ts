import { DatabaseSync } from 'node:sqlite';
import { decode } from '@stageflow/core';
import type { Encoded } from '@stageflow/core/ports';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { KillPoints } from './kill-points.ts';
import type { Call, Place, PlaceOptions } from './place.ts';
import { watchedDatabase } from './watched-database.ts';

/** How much longer a slow transaction takes. */
const slowMs = 4;

/** Makes the file, with the tables of the store and those of the effects. */
export function prepareSqlite(file: string): void {
  const database = new DatabaseSync(file);
  sqliteRunStore({ database });
  database.exec('CREATE TABLE calls (position INTEGER PRIMARY KEY, run_id TEXT, path TEXT, key TEXT)');
  database.exec('CREATE TABLE effects (key TEXT PRIMARY KEY)');
  // So that the file alone is the whole of it.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/**
 * A place in a file that was prepared. The effects have a connection of their own, as those of a host would.
 *
 * @param watched - Given in a process that is to be killed: the writes of the store come by points.
 */
export function sqlitePlace(file: string, watched?: PlaceOptions): Place {
  const [mine, theirs] = [new DatabaseSync(file), new DatabaseSync(file)];
  theirs.exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL');
  const points = new KillPoints(watched?.killAt ?? '');
  const plain = sqliteRunStore({ database: watched === undefined ? mine : watchedDatabase(mine, points, watched.isSlow ? slowMs : 0) });
  const addCall = theirs.prepare('INSERT INTO calls (run_id, path, key) VALUES (?, ?, ?)');
  const addEffect = theirs.prepare('INSERT INTO effects (key) VALUES (?) ON CONFLICT DO NOTHING');
  const count = (sql: string, like: string): number => (theirs.prepare(sql).get(like) as { readonly count: number }).count;
  return {
    store: watched === undefined ? plain : points.watch(plain),
    async called({ runId, path, key }) {
      addCall.run(runId, path, key);
    },
    async act(key) {
      addEffect.run(key);
    },
    async calls(runId) {
      const rows = theirs.prepare('SELECT run_id, path, key FROM calls WHERE run_id GLOB ? ORDER BY position').all(`${runId}*`);
      return rows.map((row) => callOf(row as unknown as CallRow));
    },
    async effects(runId) {
      const rows = theirs.prepare('SELECT key FROM effects WHERE key GLOB ? ORDER BY key').all(`${runId}*`);
      return rows.map(({ key }) => String(key));
    },
    async outputs(runId) {
      const row = theirs.prepare('SELECT outputs FROM stageflow_runs WHERE run_id = ?').get(runId);
      return decode(row?.['outputs'] as Encoded);
    },
    async open(runId) {
      return {
        leases: count('SELECT count(*) AS count FROM stageflow_runs WHERE run_id GLOB ? AND owner IS NOT NULL', `${runId}*`),
        waits: count("SELECT count(*) AS count FROM stageflow_waits WHERE run_id GLOB ? AND status = 'open'", `${runId}*`),
      };
    },
    async close() {
      mine.close();
      theirs.close();
    },
  };
}

/** A call as a table has it. */
export interface CallRow {
  readonly run_id: string;
  readonly path: string;
  readonly key: string;
}

/** The call of a row. */
export function callOf({ run_id, path, key }: CallRow): Call {
  return { runId: run_id, path, key };
}
