import type { Encoded } from '@stageflow/core/ports';
import { type PostgresIdempotencyStore, postgresIdempotencyStore } from '@stageflow/postgres-store';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countingPool } from './counting-pool.ts';

let server: PostgresServer;
let pool: pg.Pool;
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url, max: 20 });
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
}, 60_000);

const call = { tenantId: 't', scope: 's', key: 'k' };
const claim = { paramsHash: undefined, leaseMs: 600_000 };
const record = '"paid"' as Encoded;

async function freshStore(): Promise<{ readonly store: PostgresIdempotencyStore; readonly schema: string }> {
  const schema = `effects_${schemas++}`;
  const store = postgresIdempotencyStore({ pool, schema });
  await store.migrate();
  return { store, schema };
}

async function countIn(schema: string): Promise<number> {
  const { rows } = await pool.query(`SELECT count(*)::int AS count FROM ${schema}.effects`);
  return rows[0].count;
}

test('tokens grow where every row was deleted', async () => {
  const { store, schema } = await freshStore();
  const tokens: number[] = [];
  for (let claims = 0; claims < 3; claims++) {
    const result = await store.claim(call, claim);
    if (result.status === 'claimed') tokens.push(result.token);
    await pool.query(`DELETE FROM ${schema}.effects`);
  }
  expect(tokens).toEqual([1, 2, 3]);
});

test('of many that take a call and give it back, one has it at a time, and tokens grow in the order in which they had it', async () => {
  const { schema } = await freshStore();
  const pools = Array.from({ length: 8 }, () => new pg.Pool({ connectionString: server.url, max: 1 }));
  const tokens: number[] = [];
  let holders = 0;
  let most = 0;
  let refusals = 0;
  await Promise.all(
    pools.map(async (pool) => {
      const store = postgresIdempotencyStore({ pool, schema });
      for (let turns = 0; turns < 40; ) {
        const result = await store.claim(call, claim);
        if (result.status !== 'claimed') {
          refusals++;
          continue;
        }
        turns++;
        most = Math.max(most, ++holders);
        tokens.push(result.token);
        holders--;
        await store.release(call, result.token);
      }
    }),
  );
  await Promise.all(pools.map((pool) => pool.end()));
  expect(most).toBe(1);
  expect(refusals).toBeGreaterThan(0);
  expect(tokens).toHaveLength(320);
  expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
  expect(new Set(tokens).size).toBe(320);
});

test('a claim that is slow between its token and its row lets no other have the call with a greater one meanwhile', async () => {
  const { store, schema } = await freshStore();
  await pool.query(`CREATE FUNCTION ${schema}.wait() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF current_setting('application_name') = 'slow' THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN new; END$$`);
  await pool.query(`CREATE TRIGGER wait BEFORE INSERT ON ${schema}.effects FOR EACH ROW EXECUTE FUNCTION ${schema}.wait()`);
  const gate = new pg.Client({ connectionString: server.url });
  await gate.connect();
  await gate.query('SELECT pg_advisory_lock(7)');
  const slowPool = new pg.Pool({ connectionString: server.url, max: 1, application_name: 'slow' });
  const told: string[] = [];
  const waiting = (count: number) => {
    const text = `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE '%"${schema}".effects%'`;
    return expect.poll(() => pool.query(text).then(({ rowCount }) => rowCount)).toBe(count);
  };
  const claimed = async (by: string, claiming: PostgresIdempotencyStore) =>
    told.push(`${by} ${(await claiming.claim(call, claim)).status}`);
  const slow = claimed('slow', postgresIdempotencyStore({ pool: slowPool, schema }));
  await waiting(1);
  const quick = claimed('quick', store);
  await waiting(2);
  await gate.end();
  await Promise.all([slow, quick]);
  expect(told).toEqual(['slow claimed', 'quick held']);
  await slowPool.end();
});

test('a claim that waits while another takes the call is told that it is held', async () => {
  const { store, schema } = await freshStore();
  const other = new pg.Client({ connectionString: server.url });
  await other.connect();
  await other.query('BEGIN');
  // As a claim that has not committed yet.
  await other.query(
    `INSERT INTO ${schema}.effects (id, identity, ends_at) VALUES (sha256(convert_to($1, 'UTF8')), $1, now() + interval '1 hour')`,
    [JSON.stringify(['t', 's', 'k'])],
  );
  const waiting = store.claim(call, claim);
  const locked = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"${schema}".effects%'`;
  await expect.poll(() => pool.query(locked).then(({ rowCount }) => rowCount)).toBe(1);
  await other.query('COMMIT');
  await other.end();
  expect(await waiting).toMatchObject({ status: 'held' });
});

test('what has run out is deleted as other calls are taken, and nothing else', async () => {
  const { store, schema } = await freshStore();
  const told: string[] = [];
  for (let key = 0; key < 20; key++) told.push((await store.claim({ ...call, key: `old ${key}` }, claim)).status);
  expect(new Set(told)).toEqual(new Set(['claimed']));
  expect(await countIn(schema)).toBe(20);
  await pool.query(`UPDATE ${schema}.effects SET ends_at = now() - interval '1 second' WHERE identity NOT LIKE '%old 7"%'`);
  for (let key = 0; key < 9; key++) await store.claim({ ...call, key: `new ${key}` }, claim);
  expect(await countIn(schema)).toBe(20 + 9 - 18);
  // A call that is held deletes nothing.
  await store.claim({ ...call, key: 'new 0' }, claim);
  expect(await countIn(schema)).toBe(11);
  await store.claim({ ...call, key: 'new 9' }, claim);
  expect(await countIn(schema)).toBe(11);
  expect((await store.claim({ ...call, key: 'old 7' }, claim)).status).toBe('held');
});

test('every method is one statement, and finds its rows through an index', async () => {
  const { schema } = await freshStore();
  const { pool: counted, seen } = countingPool(pool);
  const store = postgresIdempotencyStore({ pool: counted, schema });
  const taken = await store.claim(call, claim);
  if (taken.status !== 'claimed') throw new Error(taken.status);
  await store.claim(call, claim);
  await store.renew(call, taken.token, { leaseMs: 1_000 });
  await store.settle(call, taken.token, { record, ttlMs: 1_000 });
  await store.release(call, taken.token);
  await store.forget(call);
  expect(seen).toHaveLength(6);
  const client = await pool.connect();
  await client.query('SET enable_seqscan = off');
  for (const { text, values } of seen) {
    const { rows } = await client.query(`EXPLAIN ${text}`, values);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toContain('Seq Scan');
    expect(plan).toContain('Index');
  }
  client.release(true);
});

test('a key may be longer than an index takes', async () => {
  const { store } = await freshStore();
  const long = (end: string) => ({ ...call, key: Array.from({ length: 5_000 }, (_, at) => at.toString(36)).join(end) });
  expect((await store.claim(long('-'), claim)).status).toBe('claimed');
  expect((await store.claim(long('-'), claim)).status).toBe('held');
  expect((await store.claim(long('_'), claim)).status).toBe('claimed');
});

test('what is to be kept for ever is kept', async () => {
  const { store } = await freshStore();
  expect((await store.claim(call, { ...claim, leaseMs: Number.POSITIVE_INFINITY })).status).toBe('claimed');
  expect(await store.claim(call, claim)).toMatchObject({ status: 'held' });
});

test.each([0, -1, Number.NaN])('a time of %d ms is refused by its name', async (ms) => {
  const { store } = await freshStore();
  const invalid = { code: 'SF_OPTION_INVALID' };
  await expect(store.claim(call, { ...claim, leaseMs: ms })).rejects.toMatchObject(invalid);
  await expect(store.renew(call, 1, { leaseMs: ms })).rejects.toMatchObject(invalid);
  await expect(store.settle(call, 1, { record, ttlMs: ms })).rejects.toMatchObject(invalid);
});

test('who does not wait any longer is told its reason at once', async () => {
  const { store, schema } = await freshStore();
  const other = new pg.Client({ connectionString: server.url });
  await other.connect();
  await other.query('BEGIN');
  await other.query(`LOCK TABLE ${schema}.effects`);
  const controller = new AbortController();
  const waiting = store.claim(call, { ...claim, signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(store.forget(call, { signal: controller.signal })).rejects.toBe(reason);
  await other.query('ROLLBACK');
  await other.end();
});
