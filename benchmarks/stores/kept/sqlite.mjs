import { existsSync, statSync } from 'node:fs';

const levelsOfSync = ['OFF', 'NORMAL', 'FULL', 'EXTRA'];

/** A connection of node:sqlite that counts what it is asked. */
export function countedDatabase(database, counter) {
  const noted =
    (statement, text, method) =>
    (...values) => {
      counter.note(database, text);
      return statement[method](...values);
    };
  return {
    exec(text) {
      counter.note(database, text);
      database.exec(text);
    },
    prepare(text) {
      const statement = database.prepare(text);
      return Object.fromEntries(['run', 'get', 'all'].map((method) => [method, noted(statement, text, method)]));
    },
  };
}

/** Lets a connection of better-sqlite3 count what it is asked. Its `transaction()` begins and commits past `exec()`. */
export function countBetterSqlite(database, counter) {
  const [prepare, transaction] = [database.prepare.bind(database), database.transaction.bind(database)];
  database.prepare = (text) => {
    const statement = prepare(text);
    for (const method of ['run', 'get', 'all']) {
      const call = statement[method].bind(statement);
      statement[method] = (...values) => {
        counter.note(database, text);
        return call(...values);
      };
    }
    return statement;
  };
  database.transaction = (work) => {
    const atomic = transaction(work);
    return (...args) => {
      counter.note(database, 'BEGIN');
      const result = atomic(...args);
      counter.note(database, 'COMMIT');
      return result;
    };
  };
}

/**
 * What is kept in a SQLite file. Everything is asked of the contender's own connection, past the counter: locks of one file
 * are of the process, so that two libraries in it would not see each other.
 *
 * @param {string} file
 * @param {{ prepare(sql: string): any, exec(sql: string): void }} database - Not counted yet.
 * @param {StatementCounter} counter
 * @returns {import('./kept.mjs').Kept & { count(sql: string): number }}
 */
export function sqliteKept(file, database, counter) {
  const prepare = database.prepare.bind(database);
  const value = (sql) => Object.values(prepare(sql).get())[0];
  return {
    counter,
    get setting() {
      return `journal_mode = ${value('PRAGMA journal_mode')}, synchronous = ${levelsOfSync[value('PRAGMA synchronous')]}`;
    },
    count: (sql) => value(sql),
    async keptBytes() {
      database.exec('VACUUM');
      return value('PRAGMA page_count') * value('PRAGMA page_size');
    },
    async writtenBytes() {
      return existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0;
    },
    keepsLog(isOn) {
      value('PRAGMA wal_checkpoint(TRUNCATE)');
      value(`PRAGMA wal_autocheckpoint = ${isOn ? 0 : 1000}`);
    },
  };
}
