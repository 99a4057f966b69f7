import {
  postgresArtifactStore,
  postgresEventSink,
  postgresIdempotencyStore,
  postgresMigrations,
  postgresRunStore,
} from '@stageflow/postgres-store';
import { startProgram } from '@stageflow-internal/killed-runs/program';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url, max: 10 });
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
}, 60_000);

const makers = [postgresRunStore, postgresIdempotencyStore, postgresArtifactStore, postgresEventSink];
const versions = postgresMigrations().map((_, at) => ({ version: at + 1 }));

async function versionsOf(schema: string): Promise<readonly unknown[]> {
  return (await pool.query(`SELECT version FROM ${schema}.migrations ORDER BY version`)).rows;
}

test('twenty pools that make one schema at once, by stores of every kind, all find it whole, and it is made once', async () => {
  const pools = Array.from({ length: 20 }, () => new pg.Pool({ connectionString: server.url, max: 1 }));
  await Promise.all(pools.map((pool, at) => makers[at % 4]?.({ pool, schema: 'twenty' }).migrate()));
  await Promise.all(pools.map((pool) => pool.end()));
  expect(await versionsOf('twenty')).toEqual(versions);
});

test('twenty processes that make one schema at once each use it, and one of them has the call', { timeout: 120_000 }, async () => {
  const startAt = String(Date.now() + 4_000);
  const programs = Array.from({ length: 20 }, (_, at) =>
    startProgram(new URL('programs/migrate-and-claim.ts', import.meta.url), [server.url, String(at), startAt]),
  );
  const endings = await Promise.all(programs.map(({ ended }) => ended));
  expect(endings.map(({ code, errors }) => ({ code, errors }))).toEqual(endings.map(() => ({ code: 0, errors: '' })));
  expect(endings.map(({ output }) => output.trim()).sort()).toEqual(['claimed', ...Array.from({ length: 19 }, () => 'held')]);
  expect(await versionsOf('processes')).toEqual(versions);
});

test('the store of any kind brings a schema of the version before up to date', async () => {
  for (const [at, make] of makers.entries()) {
    const schema = `before_${at}`;
    await pool.query(postgresMigrations({ schema })[0] as string);
    await make({ pool, schema }).migrate();
    expect(await versionsOf(schema)).toEqual(versions);
  }
});
