import { prepareAll, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';

/** Every statement of the event sink, by what it is for. */
const texts = {
  /** A batch is one text, so that one compiled statement takes as many events as there are. */
  add: `INSERT INTO stageflow_events (run_key, epoch, seq, place, event)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
  events: `SELECT event FROM stageflow_events WHERE run_key = ? AND (epoch, seq, place) > (?, ?, ?)
    ORDER BY epoch, seq, place LIMIT ?`,
  removeRun: 'DELETE FROM stageflow_events WHERE run_key = ?',
} as const;

/** Compiled once for each connection. */
export type EventStatements = Readonly<Record<keyof typeof texts, SqliteStatement>>;

/** @param database - Migrated. */
export function prepareEventStatements(database: SqliteDatabase): EventStatements {
  return prepareAll(database, texts);
}
