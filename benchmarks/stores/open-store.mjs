import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { importAdapter } from '../built-core.mjs';

/**
 * @typedef {object} OpenStore A durable store, and its database for what the store has no method for.
 * @property {any} store
 * @property {(sql: string, values?: unknown[]) => Promise<any[]>} query Past the store.
 * @property {() => Promise<void>} settle Brings the database to what it is some time after it was filled.
 * @property {() => Promise<void>} close
 */

/**
 * @param {'sqlite' | 'postgres'} name
 * @param {import('./contenders.mjs').Place} place
 * @param {{ isSynced?: boolean }} [options] - `isSynced: false` for filling it, which need not wait for the disk.
 * @returns {Promise<OpenStore>}
 */
export function openStore(name, place, { isSynced = true } = {}) {
  return { sqlite: openSqlite, postgres: openPostgres }[name](place, isSynced);
}

async function openSqlite({ folder }, isSynced) {
  const { sqliteRunStore } = await importAdapter('sqlite-store');
  const file = join(folder, 'runs.sqlite');
  const database = new DatabaseSync(file);
  const store = sqliteRunStore({ database });
  if (!isSynced) database.exec('PRAGMA synchronous = OFF');
  return {
    store,
    query: async (sql, values = []) => database.prepare(sql).all(...values),
    settle: async () => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    async close() {
      database.close();
      if (!isSynced) syncFile(file);
    },
  };
}

/** What was written without waiting for the disk would be waited for by the first who does. Once SQLite has closed the file: its locks end where the process closes it. */
function syncFile(file) {
  const opened = openSync(file, 'r+');
  fsyncSync(opened);
  closeSync(opened);
}

async function openPostgres({ url }, isSynced) {
  const { postgresRunStore } = await importAdapter('postgres-store');
  const pool = new pg.Pool({ connectionString: url, ...(isSynced ? {} : { options: '-c synchronous_commit=off' }) });
  const store = postgresRunStore({ pool });
  await store.migrate();
  const query = async (sql, values) => (await pool.query(sql, values)).rows;
  return {
    store,
    query,
    async settle() {
      await query('VACUUM (ANALYZE)');
      await query('CHECKPOINT');
    },
    close: () => pool.end(),
  };
}
