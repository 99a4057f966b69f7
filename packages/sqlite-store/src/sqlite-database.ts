import { DatabaseSync } from 'node:sqlite';

/** What a column holds. */
export type SqliteValue = string | number | null;

/** The part of node:sqlite's `StatementSync` that is used. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** The part of node:sqlite's `DatabaseSync` that is used. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
}

/** How long a statement waits for another process that writes, milliseconds. A write of this store takes a few. */
const busyMs = 10_000;

/** Opens a file, creating it where it is missing. */
export function openFile(file: string): SqliteDatabase & { close(): void } {
  return new DatabaseSync(file);
}

/**
 * Sets up a connection. WAL lets readers read while another process writes. `FULL`, because what was committed must
 * outlive the machine, too: in WAL mode `NORMAL` may lose the last commits when the power fails.
 */
export function configure(database: SqliteDatabase): void {
  database.exec(`PRAGMA busy_timeout = ${busyMs}`);
  // SQLite does not wait for others where it changes the mode of a file, so whoever comes at the same moment tries again.
  whileBusy(() => database.exec('PRAGMA journal_mode = WAL'));
  database.exec('PRAGMA synchronous = FULL');
}

/** Compiles each text, once for the connection. */
export function prepareAll<Name extends string>(
  database: SqliteDatabase,
  texts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, SqliteStatement>> {
  const prepared = Object.entries<string>(texts).map(([name, text]) => [name, database.prepare(text)]);
  return Object.fromEntries(prepared) as Readonly<Record<Name, SqliteStatement>>;
}

/**
 * Runs `work` as one: all of it or nothing, with nothing of other connections in between.
 *
 * @param begin - `IMMEDIATE` for what writes: a transaction that began with a read cannot become a write while another
 *   one is on its way, and SQLite does not wait there. `DEFERRED` for what only reads.
 */
export function transaction<T>(database: SqliteDatabase, begin: 'IMMEDIATE' | 'DEFERRED', work: () => T): T {
  database.exec(`BEGIN ${begin}`);
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** The error that led here is the one to tell, whatever becomes of this. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // A full disk, for one, has rolled back already.
  }
}

/** The codes of SQLITE_BUSY and SQLITE_LOCKED, of which extended codes keep the low byte: https://sqlite.org/rescode.html. */
const busyCodes: readonly number[] = [5, 6];

function whileBusy(work: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const until = Date.now() + busyMs; ; ) {
    try {
      return work();
    } catch (error) {
      const { errcode = 0 } = error as { readonly errcode?: number };
      if (!busyCodes.includes(errcode & 0xff) || Date.now() >= until) throw error;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}
