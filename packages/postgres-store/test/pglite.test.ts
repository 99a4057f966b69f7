import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { AnsweredWait, Encoded, NewRun, RunStore, StoredWait } from '@stageflow/core/ports';
import { pglitePool, postgresRunStore } from '@stageflow/postgres-store';
import { runStoreContract } from '@stageflow/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let database: PGlite;
let schemas = 0;

beforeAll(async () => {
  database = await PGlite.create();
}, 60_000);

afterAll(async () => {
  await database?.close();
}, 60_000);

const identity = { runId: 'r', metadata: {} } as never;
const newRun: NewRun = { runId: 'r', pipeline: 'p', version: undefined, identity, input: {}, createdAt: 0 };
const lease = { owner: 'one', until: 1, now: 0 };
const nothing = { at: 0, records: [], waits: [], status: undefined, outputs: undefined };

function openWait(path: string): StoredWait {
  const of = { waitId: `r/${path}#answer`, runId: 'r', path, type: 'answer', tenantId: undefined, pipeline: 'p', request: undefined };
  return { ...of, openedAt: 0, expiresAt: undefined, status: 'open', answer: undefined };
}

describe('the contract', () => {
  test.each(runStoreContract)('$name', async ({ run }) => run(await freshStore()));
});

test('a batch of which one part cannot be written adds nothing, and the next is written', async () => {
  const store = await freshStore();
  await store.create(newRun, lease);
  const records = [{ path: 'a', status: 'completed' as const, attempts: 1, fingerprint: '', at: 0 }];
  const batch = { ...nothing, records, status: 'completed' as const };
  await expect(store.commit('r', 1, { ...batch, outputs: 'a\0' as Encoded })).rejects.toThrow('invalid byte sequence');
  expect(await store.load('r', undefined)).toMatchObject({ status: 'running', records: [] });
  expect(await store.commit('r', 1, { ...batch, outputs: '1' as Encoded })).toBe(true);
});

test('a transaction that cannot begin says why', async () => {
  const closed = await PGlite.create();
  const store = postgresRunStore({ pool: pglitePool(closed) });
  await store.migrate();
  await closed.close();
  await expect(store.answer('r/a#answer', '1' as Encoded, undefined)).rejects.toThrow('PGlite is closed');
});

test('what the host asks in between is no part of a transaction of the store', async () => {
  await database.exec('CREATE TABLE mine (n integer)');
  const client = await pglitePool(database).connect();
  await client.query('BEGIN');
  await client.query('INSERT INTO mine VALUES ($1)', [1]);
  const asked = database.query('INSERT INTO mine VALUES (2)');
  await client.query('ROLLBACK');
  client.release();
  await asked;
  expect((await database.query('SELECT n FROM mine')).rows).toEqual([{ n: 2 }]);
});

test('answers are told to those who watch in this process, until they stop', async () => {
  const store = await freshStore();
  const [first, second] = [openWait('a'), openWait('b')];
  await store.create(newRun, lease);
  await store.commit('r', 1, { ...nothing, waits: [first, second] });
  const told: AnsweredWait[] = [];
  const stop = await store.watch?.((answered) => void told.push(answered));
  await store.answer(first.waitId, '1' as Encoded, undefined);
  await expect.poll(() => told).toEqual([{ runId: 'r', waitId: 'r/a#answer' }]);
  await stop?.();
  expect(await store.answer(second.waitId, '1' as Encoded, undefined)).toBe('answered');
  await database.query('SELECT 1');
  expect(told).toHaveLength(1);
});

test('a run that waits is found in a folder that was closed and opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-pglite-'));
  const first = await PGlite.create(join(folder, 'data'));
  const before = postgresRunStore({ pool: pglitePool(first) });
  await before.migrate();
  await before.create(newRun, lease);
  await before.commit('r', 1, { ...nothing, waits: [openWait('a')], status: 'suspended' });
  await first.close();
  const second = await PGlite.create(join(folder, 'data'));
  const after = postgresRunStore({ pool: pglitePool(second) });
  await after.migrate();
  expect(await after.waits({})).toEqual([openWait('a')]);
  expect(await after.answer('r/a#answer', '1' as Encoded, undefined)).toBe('answered');
  expect(await after.due(0, 1)).toEqual([{ runId: 'r', tenantId: undefined, pipeline: 'p' }]);
  await second.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function freshStore(): Promise<RunStore> {
  const pool = pglitePool(database);
  const store = postgresRunStore({ pool, listen: pool, schema: `pglite ${schemas++}` });
  await store.migrate();
  return store;
}
