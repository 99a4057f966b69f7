import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Encoded } from '@stageflow/core/ports';
import { type SqliteDatabase, type SqliteValue, sqliteIdempotencyStore } from '@stageflow/sqlite-store';
import { virtualClock } from '@stageflow/testing';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-effects-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const call = { tenantId: 't', scope: 's', key: 'k' };
const claim = { paramsHash: undefined, leaseMs: 1_000 };
const record = '"paid"' as Encoded;

/** A database that tells which statements it is given, by their first word. */
function counting(database: DatabaseSync): { readonly database: SqliteDatabase; readonly seen: string[] } {
  const seen: string[] = [];
  const noted =
    <Values extends unknown[], Result>(sql: string, call: (...values: Values) => Result) =>
    (...values: Values): Result => {
      seen.push(sql.trimStart().split(/\s/, 1)[0] as string);
      return call(...values);
    };
  const prepare: SqliteDatabase['prepare'] = (sql) => {
    const statement = database.prepare(sql);
    return {
      run: noted(sql, (...values: SqliteValue[]) => statement.run(...values)),
      get: noted(sql, (...values: SqliteValue[]) => statement.get(...values)),
      all: noted(sql, (...values: SqliteValue[]) => statement.all(...values)),
    };
  };
  return { database: { exec: (sql) => noted(sql, () => database.exec(sql))(), prepare }, seen };
}

test('what was kept is there when the file is opened again, and the next token is greater', async () => {
  const file = join(folder, 'again.sqlite');
  const first = sqliteIdempotencyStore({ file });
  const kept = await first.claim(call, claim);
  if (kept.status !== 'claimed') throw new Error(kept.status);
  await first.settle(call, kept.token, { record, ttlMs: 60_000 });
  first.close();
  const second = sqliteIdempotencyStore({ file });
  expect(await second.claim(call, claim)).toEqual({ status: 'settled', record });
  await second.forget(call);
  expect(await second.claim(call, claim)).toEqual({ status: 'claimed', token: kept.token + 1 });
  second.close();
});

test('tokens grow where every row was deleted', async () => {
  const database = new DatabaseSync(':memory:');
  const store = sqliteIdempotencyStore({ database });
  await store.claim(call, claim);
  database.exec('DELETE FROM stageflow_effects');
  expect(await store.claim(call, claim)).toEqual({ status: 'claimed', token: 2 });
  database.close();
});

test('what has run out is deleted as other calls are taken', async () => {
  const database = new DatabaseSync(':memory:');
  const clock = virtualClock();
  const store = sqliteIdempotencyStore({ database, clock });
  const count = () => database.prepare('SELECT count(*) AS count FROM stageflow_effects').get()?.['count'];
  for (let key = 0; key < 100; key++) await store.claim({ ...call, key: `old ${key}` }, claim);
  await store.claim({ ...call, key: 'long' }, { ...claim, leaseMs: 1_000_000 });
  expect(count()).toBe(101);
  await clock.advance(1_000);
  for (let key = 0; key < 100; key++) await store.claim({ ...call, key: `new ${key}` }, claim);
  expect(count()).toBe(101);
  expect(await store.claim({ ...call, key: 'long' }, claim)).toMatchObject({ status: 'held' });
  database.close();
});

test('a call costs two looks, two deletions and an insertion; asking for one that is held is one look, and writes nothing', async () => {
  const { database, seen } = counting(new DatabaseSync(':memory:'));
  const store = sqliteIdempotencyStore({ database });
  seen.length = 0;
  const taken = await store.claim(call, claim);
  expect(seen.splice(0)).toEqual(['SELECT', 'BEGIN', 'SELECT', 'DELETE', 'DELETE', 'INSERT', 'COMMIT']);
  expect((await store.claim(call, claim)).status).toBe('held');
  expect(seen.splice(0)).toEqual(['SELECT']);
  const { token } = taken as { readonly token: number };
  expect(await store.renew(call, token, { leaseMs: 1_000 })).toBe(true);
  expect(await store.settle(call, token, { record, ttlMs: 1_000 })).toBe(true);
  expect(await store.forget(call)).toBe(true);
  expect(seen).toEqual(['UPDATE', 'UPDATE', 'DELETE']);
});

test.each([0, -1, Number.NaN])('a time of %d ms is refused by its name', async (ms) => {
  const store = sqliteIdempotencyStore({ database: new DatabaseSync(':memory:') });
  const invalid = { code: 'SF_OPTION_INVALID' };
  await expect(store.claim(call, { ...claim, leaseMs: ms })).rejects.toMatchObject(invalid);
  await expect(store.renew(call, 1, { leaseMs: ms })).rejects.toMatchObject(invalid);
  await expect(store.settle(call, 1, { record, ttlMs: ms })).rejects.toMatchObject(invalid);
});

test('what is to be kept for ever is kept', async () => {
  const clock = virtualClock();
  const store = sqliteIdempotencyStore({ database: new DatabaseSync(':memory:'), clock });
  expect(await store.claim(call, { ...claim, leaseMs: Number.POSITIVE_INFINITY })).toMatchObject({ status: 'claimed' });
  await clock.advance(1e12);
  expect(await store.claim(call, claim)).toMatchObject({ status: 'held' });
});
