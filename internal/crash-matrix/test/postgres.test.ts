import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import { afterAll, beforeAll } from 'vitest';
import { testCrashMatrix } from '../src/crash-matrix.ts';
import { postgresPlace, preparePostgres } from '../src/postgres-place.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await preparePostgres(server.url);
}, 60_000);

afterAll(() => server?.stop());

testCrashMatrix({
  program: new URL('../src/programs/postgres.ts', import.meta.url),
  targetOf: () => server.url,
  open: postgresPlace,
});
