import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-store-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = { runId: 'r', pipeline: 'p', version: undefined, identity: { runId: 'r' } as never, input: {}, createdAt: 0 };
const lease = { owner: 'one', until: 1, now: 0 };

test('a file keeps what was written when it is closed and opened again', async () => {
  const file = join(folder, 'again.sqlite');
  const first = sqliteRunStore({ file });
  await first.create(run, lease);
  first.close();
  const second = sqliteRunStore({ file });
  expect(await second.load('r', undefined)).toMatchObject({ runId: 'r', status: 'running' });
  second.close();
});

test('a file is in WAL mode and synced at each commit', () => {
  const file = join(folder, 'modes.sqlite');
  const database = new DatabaseSync(file);
  sqliteRunStore({ database });
  expect(database.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
  expect(database.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
  database.close();
});

test('a connection of the host is not closed', () => {
  const database = new DatabaseSync(':memory:');
  sqliteRunStore({ database }).close();
  expect(database.prepare('SELECT 1 AS one').get()).toMatchObject({ one: 1 });
  database.close();
});

test('tables of the host stay as they are', async () => {
  const database = new DatabaseSync(':memory:');
  database.exec("CREATE TABLE runs (id TEXT); INSERT INTO runs VALUES ('mine')");
  await sqliteRunStore({ database }).create(run, lease);
  expect(database.prepare('SELECT id FROM runs').all()).toMatchObject([{ id: 'mine' }]);
  database.close();
});

test('a file that a later version made is refused, and stays as it is', () => {
  const file = join(folder, 'later.sqlite');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 99');
  expect(() => sqliteRunStore({ file })).toThrow('The file is of version 99, and this package knows versions up to 4.');
  expect(database.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: 99 });
  expect(database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()).toMatchObject({ count: 0 });
  database.close();
});

test('what is no SQLite file is refused', () => {
  const file = join(folder, 'text.sqlite');
  writeFileSync(
    file,
    'this is no database, and it is longer than the header of one would be, which is 100 bytes; so it is read and refused',
  );
  expect(() => sqliteRunStore({ file })).toThrow('file is not a database');
});

test('a batch of which one part cannot be written adds nothing', async () => {
  const database = new DatabaseSync(':memory:');
  const store = sqliteRunStore({ database });
  await store.create(run, lease);
  database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON stageflow_records WHEN new.record LIKE '%last%' BEGIN SELECT RAISE(FAIL, 'the disk is full'); END",
  );
  const record = { status: 'completed' as const, attempts: 1, fingerprint: '', at: 0 };
  const batch = {
    at: 0,
    records: [
      { ...record, path: 'first' },
      { ...record, path: 'last' },
    ],
    waits: [],
    status: undefined,
    outputs: undefined,
  };
  await expect(store.commit('r', 1, batch)).rejects.toThrow('the disk is full');
  expect((await store.load('r', undefined))?.records).toEqual([]);
  database.exec('DROP TRIGGER full');
  expect(await store.commit('r', 1, batch)).toBe(true);
  database.close();
});

test('the error that broke a transaction is told, also where it has been rolled back already', async () => {
  const database = new DatabaseSync(':memory:');
  const store = sqliteRunStore({ database });
  await store.create(run, lease);
  database.exec("CREATE TRIGGER full BEFORE INSERT ON stageflow_records BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END");
  const record = { path: 'a', status: 'completed' as const, attempts: 1, fingerprint: '', at: 0 };
  await expect(store.commit('r', 1, { at: 0, records: [record], waits: [], status: undefined, outputs: undefined })).rejects.toThrow(
    'the disk is full',
  );
  database.close();
});

describe('a file that another process holds at the moment it is opened', () => {
  /** A connection whose first changes of mode fail. */
  function refusing(times: number, errcode: number) {
    const database = new DatabaseSync(':memory:');
    let refused = 0;
    const exec = (sql: string): void => {
      if (sql.includes('journal_mode') && refused++ < times) throw Object.assign(new Error('no'), { errcode });
      database.exec(sql);
    };
    return { refusals: () => Math.min(refused, times), database: { exec, prepare: (sql: string) => database.prepare(sql) } };
  }

  test.each([5, 6, 5 | (2 << 8)])('is tried again (code %i)', (errcode) => {
    const { database, refusals } = refusing(3, errcode);
    sqliteRunStore({ database });
    expect(refusals()).toBe(3);
  });

  test('is given up where the reason is another', () => {
    const { database, refusals } = refusing(3, 14);
    expect(() => sqliteRunStore({ database })).toThrow('no');
    expect(refusals()).toBe(1);
  });
});

test('lists and journals are read through indexes', async () => {
  const database = new DatabaseSync(':memory:');
  const seen: string[] = [];
  const recording = {
    exec: (sql: string) => database.exec(sql),
    prepare(sql: string) {
      seen.push(sql);
      return database.prepare(sql);
    },
  };
  sqliteRunStore({ database: recording });
  const plans = seen
    .filter((sql) => /^(SELECT|UPDATE|DELETE)/.test(sql))
    .flatMap((sql) => database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
  const details = plans.map((row) => String((row as { detail: unknown }).detail));
  expect(details.filter((detail) => detail.startsWith('SCAN'))).toEqual([]);
  expect(details.length).toBeGreaterThan(12);
  database.close();
});
