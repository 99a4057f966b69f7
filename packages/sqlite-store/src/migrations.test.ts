import { DatabaseSync } from 'node:sqlite';
import { sqliteArtifactStore, sqliteEventSink, sqliteIdempotencyStore, sqliteRunStore } from '@stageflow/sqlite-store';
import { expect, test } from 'vitest';

const run = { runId: 'r', pipeline: 'p', version: undefined, identity: { runId: 'r' } as never, input: {}, createdAt: 0 };

test('a file of the version before is brought up to date by whatever opens it first, and keeps its runs', async () => {
  for (const open of [sqliteRunStore, sqliteIdempotencyStore, sqliteArtifactStore, sqliteEventSink]) {
    const database = new DatabaseSync(':memory:');
    await sqliteRunStore({ database }).create(run, { owner: 'one', until: 1, now: 0 });
    database.exec(
      'DROP TABLE stageflow_effects; DROP TABLE stageflow_artifacts; DROP TABLE stageflow_events; ALTER TABLE stageflow_runs DROP COLUMN is_paused; ALTER TABLE stageflow_waits DROP COLUMN votes; PRAGMA user_version = 2',
    );
    open({ database });
    for (const table of ['effects', 'artifacts', 'events']) {
      expect(database.prepare(`SELECT count(*) AS count FROM stageflow_${table}`).get()).toMatchObject({ count: 0 });
    }
    expect(await sqliteRunStore({ database }).load('r', undefined)).toMatchObject({ runId: 'r' });
    database.close();
  }
});

test('every statement finds its rows through an index', () => {
  const database = new DatabaseSync(':memory:');
  const seen: string[] = [];
  const recording = {
    exec: (sql: string) => database.exec(sql),
    prepare(sql: string) {
      seen.push(sql);
      return database.prepare(sql);
    },
  };
  for (const open of [sqliteIdempotencyStore, sqliteArtifactStore, sqliteEventSink]) open({ database: recording });
  const plans = seen
    .filter((sql) => /^(SELECT|UPDATE|DELETE)/.test(sql))
    .flatMap((sql) => database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
  const details = plans.map((row) => String((row as { detail: unknown }).detail));
  expect(details.filter((detail) => detail.startsWith('SCAN') || detail.includes('TEMP B-TREE'))).toEqual([]);
  expect(details.length).toBeGreaterThan(10);
  database.close();
});
