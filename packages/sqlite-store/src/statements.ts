import { prepareAll, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';

/**
 * Every statement of the store, by what it is for. `IS` compares tenants, of which there may be none. Parameters have no
 * numbers: node:sqlite of Node 22.13 takes no values for numbered ones.
 */
const texts = {
  createRun:
    "INSERT INTO stageflow_runs (run_id, tenant_id, run, status, epoch, owner, leased_until) VALUES (?, ?, ?, 'running', 1, ?, ?) ON CONFLICT DO NOTHING",
  run: 'SELECT run, status, epoch, is_paused FROM stageflow_runs WHERE run_id = ? AND tenant_id IS ?',
  acquire: `UPDATE stageflow_runs SET owner = ?, leased_until = ?, status = 'running', is_woken = 0, is_paused = 0, epoch = epoch + 1
    WHERE run_id = ? AND status IN ('running', 'suspended') AND (owner IS NULL OR leased_until <= ?)
    RETURNING epoch`,
  renew: 'UPDATE stageflow_runs SET leased_until = ? WHERE run_id = ? AND epoch = ? AND owner IS NOT NULL',
  isHeld: 'SELECT 1 FROM stageflow_runs WHERE run_id = ? AND epoch = ? AND owner IS NOT NULL',
  settle: 'UPDATE stageflow_runs SET status = ?, owner = NULL, outputs = ?, ended_at = ? WHERE run_id = ?',
  ended: 'SELECT run_id, tenant_id FROM stageflow_runs WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?',
  deleteRun: 'DELETE FROM stageflow_runs WHERE run_id = ? AND ended_at IS NOT NULL',
  deleteRecords: 'DELETE FROM stageflow_records WHERE run_id = ?',
  deleteWaits: 'DELETE FROM stageflow_waits WHERE run_id = ?',
  deleteEarly: 'DELETE FROM stageflow_early WHERE run_id = ?',
  // Parameters: the id after which to begin and the time, three times; how many. The planner would walk the ids of all runs:
  // it is told which index holds only what may be due.
  due: `SELECT run_id, tenant_id, run ->> 'pipeline' AS pipeline FROM stageflow_runs INDEXED BY stageflow_runs_leased
    WHERE run_id > ? AND status = 'running' AND is_paused = 0 AND leased_until <= ?
    UNION SELECT run_id, tenant_id, run ->> 'pipeline' FROM stageflow_runs INDEXED BY stageflow_runs_woken
    WHERE run_id > ? AND status = 'suspended' AND is_paused = 0 AND is_woken = 1
    UNION SELECT run_id, tenant_id, run ->> 'pipeline' FROM stageflow_runs
    WHERE +run_id > ? AND status = 'suspended' AND is_paused = 0 AND run_id IN
      (SELECT run_id FROM stageflow_waits WHERE status = 'open' AND expires_at IS NOT NULL AND expires_at <= ?)
    ORDER BY run_id LIMIT ?`,
  pause: 'UPDATE stageflow_runs SET is_paused = ? WHERE run_id = ?',
  wake: "UPDATE stageflow_runs SET is_woken = 1 WHERE run_id = ? AND status = 'suspended'",

  nextRecord: 'SELECT coalesce(max(position), 0) + 1 AS position FROM stageflow_records WHERE run_id = ?',
  addRecord: 'INSERT INTO stageflow_records (run_id, position, record) VALUES (?, ?, ?)',
  records: 'SELECT record FROM stageflow_records WHERE run_id = ? ORDER BY position',

  openWait: `INSERT INTO stageflow_waits (wait_id, run_id, tenant_id, type, opened_at, expires_at, status, wait, answer)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  waitsOfRun: 'SELECT wait_id, run_id, wait, status, answer, votes FROM stageflow_waits WHERE run_id = ? ORDER BY position',
  openWaitsOfRun: `SELECT wait_id, run_id, wait, status, answer, votes FROM stageflow_waits
    WHERE run_id = ? AND tenant_id IS ? AND status = 'open' AND (? IS NULL OR type = ?) ORDER BY opened_at, position`,
  openWaitsOfTenant: `SELECT wait_id, run_id, wait, status, answer, votes FROM stageflow_waits
    WHERE tenant_id IS ? AND status = 'open' AND (? IS NULL OR type = ?) ORDER BY opened_at, position`,
  openWaitOfId: `SELECT wait_id, run_id, wait, status, answer, votes FROM stageflow_waits
    WHERE wait_id = ? AND tenant_id IS ? AND status = 'open' AND (? IS NULL OR run_id = ?) AND (? IS NULL OR type = ?)`,
  keepVotes: 'UPDATE stageflow_waits SET votes = ? WHERE wait_id = ?',
  answer: `UPDATE stageflow_waits SET status = 'answered', answer = ? WHERE wait_id = ? AND tenant_id IS ? AND status = 'open'
    RETURNING run_id`,
  wait: 'SELECT status, votes FROM stageflow_waits WHERE wait_id = ? AND tenant_id IS ?',
  isAnswered: "SELECT 1 FROM stageflow_waits WHERE wait_id = ? AND status = 'answered'",
  oldestOpen: "SELECT wait_id FROM stageflow_waits WHERE run_id = ? AND type = ? AND status = 'open' ORDER BY opened_at, position LIMIT 1",
  withdraw: "UPDATE stageflow_waits SET status = 'withdrawn' WHERE run_id = ? AND status = 'open'",
  isOpened: 'SELECT 1 FROM stageflow_waits WHERE wait_id = ?',

  keepEarly: 'INSERT INTO stageflow_early (run_id, type, payload) VALUES (?, ?, ?)',
  countEarly: 'SELECT count(*) AS count FROM stageflow_early WHERE run_id = ?',
  early: 'SELECT type, payload FROM stageflow_early WHERE run_id = ? ORDER BY position',
  takeEarly: `DELETE FROM stageflow_early WHERE position =
    (SELECT position FROM stageflow_early WHERE run_id = ? AND type = ? ORDER BY position LIMIT 1) RETURNING payload`,
} as const;

/** Compiled once for each connection. */
export type Statements = Readonly<Record<keyof typeof texts, SqliteStatement>>;

/** @param database - Migrated. */
export function prepareStatements(database: SqliteDatabase): Statements {
  return prepareAll(database, texts);
}
