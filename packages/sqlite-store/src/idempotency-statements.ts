import { prepareAll, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';

/** Every statement of the idempotency store, by what it is for. What has run out is as if it had never been. */
const texts = {
  find: 'SELECT params_hash, record, ends_at FROM stageflow_effects WHERE identity = ? AND ends_at > ?',
  take: 'INSERT INTO stageflow_effects (identity, params_hash, ends_at) VALUES (?, ?, ?) RETURNING token',
  drop: 'DELETE FROM stageflow_effects WHERE identity = ?',
  /** Two for each call that is taken, which adds one: what has run out does not pile up. */
  sweep: 'DELETE FROM stageflow_effects WHERE token IN (SELECT token FROM stageflow_effects WHERE ends_at <= ? ORDER BY ends_at LIMIT 2)',
  renew: 'UPDATE stageflow_effects SET ends_at = ? WHERE identity = ? AND token = ? AND record IS NULL AND ends_at > ?',
  /** The first record of a token stays. */
  settle: `UPDATE stageflow_effects SET ends_at = CASE WHEN record IS NULL THEN ? ELSE ends_at END, record = coalesce(record, ?)
    WHERE identity = ? AND token = ? AND ends_at > ?`,
  release: 'DELETE FROM stageflow_effects WHERE identity = ? AND token = ? AND record IS NULL AND ends_at > ?',
  forget: 'DELETE FROM stageflow_effects WHERE identity = ? AND ends_at > ?',
} as const;

/** Compiled once for each connection. */
export type IdempotencyStatements = Readonly<Record<keyof typeof texts, SqliteStatement>>;

/** @param database - Migrated. */
export function prepareIdempotencyStatements(database: SqliteDatabase): IdempotencyStatements {
  return prepareAll(database, texts);
}
