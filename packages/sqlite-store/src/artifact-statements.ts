import { prepareAll, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';

/** Every statement of the artifact store, by what it is for. */
const texts = {
  put: `INSERT INTO stageflow_artifacts (run_key, artifact_key, value) VALUES (?, ?, ?)
    ON CONFLICT (run_key, artifact_key) DO UPDATE SET value = excluded.value`,
  get: 'SELECT value FROM stageflow_artifacts WHERE run_key = ? AND artifact_key = ?',
  removeRun: 'DELETE FROM stageflow_artifacts WHERE run_key = ?',
} as const;

/** Compiled once for each connection. */
export type ArtifactStatements = Readonly<Record<keyof typeof texts, SqliteStatement>>;

/** @param database - Migrated. */
export function prepareArtifactStatements(database: SqliteDatabase): ArtifactStatements {
  return prepareAll(database, texts);
}
