import { StageflowError } from '@stageflow/core';
import { type SqliteDatabase, transaction } from './sqlite-database.ts';

/**
 * Each brings the file from the version that is its place to the next. Append only: files of every version exist.
 *
 * Times are REAL, since clocks of tests have fractions. What is asked for is a column; what is only handed back is JSON.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE stageflow_runs (
    run_id TEXT PRIMARY KEY,
    tenant_id TEXT,
    run TEXT NOT NULL,
    status TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    owner TEXT,
    leased_until REAL NOT NULL,
    outputs TEXT
  ) STRICT, WITHOUT ROWID;

  -- Runs whose process may have died. Only running ones are in it, so it stays as small as what is going on.
  CREATE INDEX stageflow_runs_leased ON stageflow_runs (leased_until) WHERE status = 'running';

  -- In the order of the key, so that the journal of a run lies together and is read from end to end.
  CREATE TABLE stageflow_records (
    run_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE stageflow_waits (
    position INTEGER PRIMARY KEY,
    wait_id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    tenant_id TEXT,
    type TEXT NOT NULL,
    opened_at REAL NOT NULL,
    status TEXT NOT NULL,
    wait TEXT NOT NULL,
    answer TEXT
  ) STRICT;

  -- What one run waits for: when it is loaded, delivered to, or ends.
  CREATE INDEX stageflow_waits_of_run ON stageflow_waits (run_id, position);
  -- What a tenant has to decide, oldest first. Only open ones are in it, so it does not grow with history.
  CREATE INDEX stageflow_waits_open ON stageflow_waits (tenant_id, opened_at, position) WHERE status = 'open';

  CREATE TABLE stageflow_early (
    position INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL
  ) STRICT;

  -- Answers that came before their wait, in the order they came.
  CREATE INDEX stageflow_early_of_run ON stageflow_early (run_id, type, position);
  `,
  `
  -- Whether a run that rests has been answered since.
  ALTER TABLE stageflow_runs ADD COLUMN is_woken INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE stageflow_waits ADD COLUMN expires_at REAL;

  -- What is due, by id. Each has only what may be due in it, so that history costs nothing.
  CREATE INDEX stageflow_runs_woken ON stageflow_runs (run_id) WHERE status = 'suspended' AND is_woken = 1;
  ALTER TABLE stageflow_runs ADD COLUMN ended_at REAL;
  -- What may be pruned, the oldest first. Runs that have not ended are not in it.
  CREATE INDEX stageflow_runs_ended ON stageflow_runs (ended_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX stageflow_waits_expiring ON stageflow_waits (expires_at) WHERE status = 'open' AND expires_at IS NOT NULL;
  `,
  // Idempotency, artifacts, events. Keys are JSON, which has a word for no tenant and letters for every text.
  `
  -- A call that somebody holds, or what was kept of it: the former has no record. AUTOINCREMENT gives no token twice, also
  -- where nothing is left of those that were given.
  CREATE TABLE stageflow_effects (
    token INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    params_hash TEXT,
    record TEXT,
    ends_at REAL NOT NULL
  ) STRICT;
  -- What has run out, the oldest first: each claim deletes some of it.
  CREATE INDEX stageflow_effects_ends ON stageflow_effects (ends_at);

  -- With row ids, so that the keys lie apart from the values, which may be large.
  CREATE TABLE stageflow_artifacts (
    run_key TEXT NOT NULL,
    artifact_key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_key, artifact_key)
  ) STRICT;

  -- In the order of the key, which is the order in which a run is read. The announcement of drops has the number of the
  -- event that follows it, and is in place 0; all others are in place 1.
  CREATE TABLE stageflow_events (
    run_key TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    place INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_key, epoch, seq, place)
  ) STRICT, WITHOUT ROWID;
  `,
  // Pauses and votes.
  `
  ALTER TABLE stageflow_runs ADD COLUMN is_paused INTEGER NOT NULL DEFAULT 0;
  -- A JSON array in the order of the votes; NULL while there are none.
  ALTER TABLE stageflow_waits ADD COLUMN votes TEXT;
  `,
];

/**
 * Brings the file to the version of this package. Several processes may do so at once: the first does the work while the
 * others wait for its transaction, and find it done.
 *
 * @throws SF_STORE_VERSION
 */
export function migrate(database: SqliteDatabase): void {
  if (versionOf(database) === migrations.length) return;
  transaction(database, 'IMMEDIATE', () => {
    const version = versionOf(database);
    if (version > migrations.length) {
      const details = { subject: 'The file', version, known: migrations.length, package: '@stageflow/sqlite-store' };
      throw new StageflowError('SF_STORE_VERSION', details);
    }
    for (const statements of migrations.slice(version)) database.exec(statements);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

function versionOf(database: SqliteDatabase): number {
  return (database.prepare('PRAGMA user_version').get() as { readonly user_version: number }).user_version;
}
