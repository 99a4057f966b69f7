import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRuntime, pipeline, type Runtime, type Schema, stage, suspend } from '@stageflow/core';
import type { RunStore } from '@stageflow/core/ports';
import { postgresRunStore } from '@stageflow/postgres-store';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const yes: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

let calls = 0;
const first = stage('first', {
  run: () => {
    calls++;
    return { sum: 1n, at: 'the first' };
  },
});
const ask = stage('ask', {
  needs: { first },
  run: ({ first }, { answer }) => {
    calls++;
    return answer(yes) ?? suspend({ question: `Send ${first.at}?` });
  },
});
const mail = pipeline('mail', { outputs: { ask } });

/** A store, and the tables under it. */
interface Opened {
  readonly store: RunStore;
  /** Runs SQL in which `{records}` stands for a table. */
  alter(sql: string): Promise<number>;
  close(): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'stageflow-journals-'));
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let opened = 0;

async function openSqlite(): Promise<Opened> {
  const database = new DatabaseSync(join(folder, `${opened++}.sqlite`));
  return {
    store: sqliteRunStore({ database }),
    alter: async (sql) => Number(database.prepare(sql.replace(/\{(\w+)\}/g, 'stageflow_$1')).run().changes),
    close: async () => database.close(),
  };
}

async function openPostgres(): Promise<Opened> {
  const schema = `journals_${opened++}`;
  const pool = new pg.Pool({ connectionString: server.url, max: 2 });
  const store = postgresRunStore({ pool, schema });
  await store.migrate();
  return {
    store,
    alter: async (sql) => Number((await pool.query(sql.replace(/\{(\w+)\}/g, `${schema}.$1`))).rowCount),
    close: () => pool.end(),
  };
}

/** A run that waits, its answer given, in a store that has been closed and altered since. */
async function suspended({ store }: Opened): Promise<Runtime> {
  const runtime = createRuntime({ pipelines: [mail], store });
  await runtime.run(mail, {}, { runId: 'order-7' });
  calls = 0;
  return runtime;
}

const ofFirst = `record LIKE '%"path":"first"%'`;

/** What is done to the tables, which part is then refused, and the path where that is known. */
const damages: readonly (readonly [string, string, string, string | undefined])[] = [
  ['a record that has been cut off', `UPDATE {records} SET record = substr(record, 1, 40) WHERE ${ofFirst}`, 'record 1', 'first'],
  ['a record that is no JSON', `UPDATE {records} SET record = 'rubbish' WHERE ${ofFirst}`, 'record 1', undefined],
  ['a record that is JSON and no record', `UPDATE {records} SET record = 'null' WHERE ${ofFirst}`, 'record 1', undefined],
  [
    'a value that has been cut off',
    `UPDATE {records} SET record = replace(record, 'the first\\"}', 'the fir') WHERE ${ofFirst}`,
    'the record of "first"',
    'first',
  ],
  [
    'a value with a tag of a later version',
    `UPDATE {records} SET record = replace(record, 'bigint', 'decimal') WHERE ${ofFirst}`,
    'the record of "first"',
    'first',
  ],
  [
    'a record with a status of a later version',
    `UPDATE {records} SET record = replace(record, '"completed"', '"undone"') WHERE ${ofFirst}`,
    'the record of "first"',
    'first',
  ],
  ['a run that has been cut off', 'UPDATE {runs} SET run = substr(run, 1, 30)', 'the run', undefined],
  ['a run with a status of a later version', `UPDATE {runs} SET status = 'paused'`, 'the run', undefined],
  ['a wait that has been cut off', 'UPDATE {waits} SET wait = substr(wait, 1, 30)', 'wait "order-7/ask#answer"', undefined],
  ['a wait with a status of a later version', `UPDATE {waits} SET status = 'voted'`, 'wait "order-7/ask#answer"', 'ask'],
  ['an answer that has been cut off', `UPDATE {waits} SET status = 'answered', answer = '{"yes'`, 'wait "order-7/ask#answer"', 'ask'],
];

describe.each([
  ['SQLite', openSqlite],
  ['PostgreSQL', openPostgres],
])('a journal in %s', (_, open) => {
  test('that nobody touched is gone on with, so that a refusal means something', async () => {
    const place = await open();
    const runtime = await suspended(place);
    for (const { waitId } of await runtime.waits({ runId: 'order-7' })) await runtime.decide(waitId, 'yes');
    expect(await runtime.resume('order-7')).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
    expect(calls).toBe(1);
    await place.close();
  });

  test.each(damages)('that has %s is refused with a code, the run and the path, and nothing is called', async (_damage, sql, at, path) => {
    const place = await open();
    const runtime = await suspended(place);
    expect(await place.alter(sql)).toBe(1);
    const refusal = { code: 'SF_JOURNAL_CORRUPT', details: { runId: 'order-7', at }, runId: 'order-7', path, retryable: false };
    await expect(runtime.resume('order-7')).rejects.toMatchObject(refusal);
    await expect(runtime.fork('order-7')).rejects.toMatchObject(refusal);
    await expect(runtime.replay('order-7')).rejects.toMatchObject(refusal);
    expect(calls).toBe(0);
    await place.close();
  });

  test('whose open wait has been cut off is refused where waits are listed', async () => {
    const place = await open();
    const runtime = await suspended(place);
    expect(await place.alter('UPDATE {waits} SET wait = substr(wait, 1, 30)')).toBe(1);
    await expect(runtime.waits()).rejects.toMatchObject({ code: 'SF_JOURNAL_CORRUPT', runId: 'order-7' });
    await place.close();
  });

  test('that is refused is gone on with once what was damaged is restored', async () => {
    const place = await open();
    const runtime = await suspended(place);
    const swap = (one: string, other: string) =>
      place.alter(`UPDATE {records} SET record = replace(record, '${one}', '${other}') WHERE ${ofFirst}`);
    await swap('bigint', 'decimal');
    await expect(runtime.resume('order-7')).rejects.toMatchObject({ code: 'SF_JOURNAL_CORRUPT' });
    await swap('decimal', 'bigint');
    expect(await runtime.resume('order-7')).toMatchObject({ status: 'suspended' });
    expect(calls).toBe(1);
    await place.close();
  });
});

test('recover() names a run whose journal is refused, and goes on with the others', async () => {
  const place = await openSqlite();
  const runtime = await suspended(place);
  await runtime.run(mail, {}, { runId: 'order-8' });
  for (const { waitId } of await runtime.waits()) await runtime.decide(waitId, 'yes');
  expect(await place.alter(`UPDATE {records} SET record = 'rubbish' WHERE run_id = 'order-7' AND ${ofFirst}`)).toBe(1);
  expect(await runtime.recover()).toMatchObject({
    resumed: [{ runId: 'order-8', status: 'completed' }],
    refused: [{ runId: 'order-7', error: { code: 'SF_JOURNAL_CORRUPT' } }],
  });
  await place.close();
});

test('tables that a later version made are refused with a code on both stores', async () => {
  const database = new DatabaseSync(':memory:');
  database.exec('PRAGMA user_version = 99');
  expect(() => sqliteRunStore({ database })).toThrow(
    expect.objectContaining({
      code: 'SF_STORE_VERSION',
      details: expect.objectContaining({ version: 99, package: '@stageflow/sqlite-store' }),
    }),
  );
  database.close();
  const pool = new pg.Pool({ connectionString: server.url, max: 1 });
  const store = postgresRunStore({ pool, schema: 'later' });
  await store.migrate();
  await pool.query('INSERT INTO later.migrations (version) VALUES (99)');
  await expect(store.migrate()).rejects.toMatchObject({
    code: 'SF_STORE_VERSION',
    details: { version: 99, package: '@stageflow/postgres-store' },
  });
  await pool.end();
});

test('a SQLite file of which the end is missing is refused as it is opened, with the code of SQLite', async () => {
  const file = join(folder, 'torn.sqlite');
  const whole = sqliteRunStore({ file });
  const runtime = createRuntime({ pipelines: [mail], store: whole });
  for (let at = 0; at < 40; at++) await runtime.run(mail, {}, { runId: `order-${at}` });
  whole.close();
  sqliteRunStore({ file }).close();
  truncateSync(file, Math.floor(statSync(file).size / 2));
  expect(() => sqliteRunStore({ file })).toThrow(
    expect.objectContaining({ code: 'ERR_SQLITE_ERROR', message: 'database disk image is malformed' }),
  );
});
