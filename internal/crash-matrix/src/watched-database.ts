import type { SqliteDatabase, SqliteStatement } from '@stageflow/sqlite-store';
import type { KillPoints } from './kill-points.ts';

/**
 * A connection of SQLite whose writes come by points: before they begin, after each statement of a transaction, and when
 * they are committed.
 *
 * @param slowMs - How long each transaction takes longer, so that a moment that is chosen by chance may fall into it.
 */
export function watchedDatabase(database: SqliteDatabase, points: KillPoints, slowMs = 0): SqliteDatabase {
  let isOpen = false;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const watched = (run: SqliteStatement['get']): SqliteStatement['get'] => {
    return (...values) => {
      if (!isOpen) points.reach('before');
      const result = run(...values);
      points.reach(isOpen ? 'inside' : 'after');
      return result;
    };
  };
  return {
    exec(sql) {
      if (sql === 'BEGIN IMMEDIATE') points.reach('before');
      if (sql === 'COMMIT' && points.isWriting && slowMs > 0) Atomics.wait(pause, 0, 0, slowMs);
      database.exec(sql);
      if (sql === 'BEGIN IMMEDIATE') isOpen = true;
      if (sql === 'COMMIT' && isOpen) points.reach('after');
      if (sql === 'COMMIT' || sql === 'ROLLBACK') isOpen = false;
    },
    prepare(sql) {
      const statement = database.prepare(sql);
      if (!/^\s*(INSERT|UPDATE|DELETE)/.test(sql)) return statement;
      return {
        run: watched((...values) => statement.run(...values)) as SqliteStatement['run'],
        get: watched((...values) => statement.get(...values)),
        all: (...values) => statement.all(...values),
      };
    },
  };
}
