import { postgresRunStore } from '@stageflow/postgres-store';
import { testKilledRuns } from '@stageflow-internal/killed-runs/killed-runs';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';

let server: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url });
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
}, 60_000);

testKilledRuns({
  program: new URL('programs/charge-invoices.ts', import.meta.url),
  targetOf: () => server.url,
  load: (_, runId) => postgresRunStore({ pool, schema: 'kill' }).load(runId, undefined),
});
