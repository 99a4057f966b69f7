import type { AnsweredWait, Encoded, RunStore } from '@stageflow/core/ports';
import { postgresMigrations, postgresRunStore } from '@stageflow/postgres-store';
import { runStoreContract } from '@stageflow/testing';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import { type PgBouncer, startPgBouncer } from '@stageflow-internal/postgres/pgbouncer';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Of the pooler to the server: fewer than a case of the contract uses at once. */
const connections = 4;

let server: PostgresServer;
let bouncer: PgBouncer;
let pooled: pg.Pool;
let direct: pg.Pool;
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres();
  bouncer = await startPgBouncer(server.url, connections);
  pooled = new pg.Pool({ connectionString: bouncer.url, max: 20 });
  direct = new pg.Pool({ connectionString: server.url, max: 1 });
}, 60_000);

afterAll(async () => {
  await pooled?.end();
  await direct?.end();
  await bouncer?.stop();
  await server?.stop();
}, 60_000);

test('sessions are shared: twenty clients have four of the server, and find there what others have set', async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => pooled.connect()));
  const seen = await Promise.all(clients.map((client) => client.query('SELECT pg_backend_pid() AS pid')));
  const pids = new Set(seen.map(({ rows }) => rows[0].pid));
  expect(pids.size).toBeGreaterThan(0);
  expect(pids.size).toBeLessThanOrEqual(connections);
  await clients[0]?.query('PREPARE mine AS SELECT 1');
  const executed = await Promise.allSettled(clients.slice(1).map((client) => client.query('EXECUTE mine')));
  expect(executed.some(({ status }) => status === 'fulfilled')).toBe(true);
  for (const client of clients) client.release();
});

test('twenty stores that make one schema at once all find it whole', async () => {
  await Promise.all(Array.from({ length: 20 }, () => postgresRunStore({ pool: pooled, schema: 'twenty' }).migrate()));
  const { rows } = await pooled.query('SELECT version FROM twenty.migrations ORDER BY version');
  expect(rows).toEqual(postgresMigrations().map((_, at) => ({ version: at + 1 })));
});

describe('the contract through the pooler', () => {
  test.each(runStoreContract)('$name', async ({ run }) => run(await freshStore()));
});

describe('the contract through the pooler, three of each case at once', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const stores = await Promise.all(Array.from({ length: 3 }, () => freshStore()));
    await Promise.all(stores.map((store) => run(store)));
  });
});

test('answers that are given through the pooler reach those who listen at the server', async () => {
  const store = postgresRunStore({ pool: pooled, schema: 'watched', listen: direct });
  await store.migrate();
  const wait = { waitId: 'r/a#answer', runId: 'r', path: 'a', type: 'answer', tenantId: undefined, pipeline: 'p', request: undefined };
  const open = { ...wait, openedAt: 0, expiresAt: undefined, status: 'open', answer: undefined } as const;
  const identity = { runId: 'r', metadata: {} } as never;
  await store.create(
    { runId: 'r', pipeline: 'p', version: undefined, identity, input: {}, createdAt: 0 },
    { owner: 'one', until: 1, now: 0 },
  );
  await store.commit('r', 1, { at: 0, records: [], waits: [open], status: undefined, outputs: undefined });
  const told: AnsweredWait[] = [];
  const stop = await store.watch?.((answered) => void told.push(answered));
  await store.answer(wait.waitId, '1' as Encoded, undefined);
  await expect.poll(() => told).toEqual([{ runId: 'r', waitId: wait.waitId }]);
  await stop?.();
});

async function freshStore(): Promise<RunStore> {
  const store = postgresRunStore({ pool: pooled, schema: `bouncer ${schemas++}` });
  await store.migrate();
  return store;
}
