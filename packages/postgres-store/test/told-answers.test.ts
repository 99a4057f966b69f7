import { createRuntime, pipeline, stage, suspend } from '@stageflow/core';
import { postgresRunStore } from '@stageflow/postgres-store';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

let server: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url });
  await postgresRunStore({ pool }).migrate();
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
}, 60_000);

let release = (): void => {};
const asks = stage('asks', { run: (_, { answer }) => answer(z.string()) ?? suspend('Go on?') });
const slow = stage('slow', {
  run: () =>
    new Promise<void>((resolve) => {
      release = resolve;
    }),
});
const busy = pipeline('busy', { outputs: { asks, slow } });
const idle = pipeline('idle', { outputs: { asks } });

/** Two runtimes as two processes would have them; the second listens. */
function hosts(more: object = {}) {
  const options = { pipelines: [busy, idle] as const };
  const other = createRuntime({ ...options, store: postgresRunStore({ pool }) });
  const listening = createRuntime({ ...options, ...more, store: postgresRunStore({ pool, listen: pool }) });
  return { other, listening };
}

test('a run of one runtime goes on with an answer that was given through another', async () => {
  const { other, listening } = hosts();
  const handle = listening.start(busy, {}, { runId: 'live' });
  await expect.poll(() => other.waits({ runId: 'live' })).toHaveLength(1);
  await other.decide('live/asks#answer', 'yes');
  let resumed: string | undefined;
  for await (const event of handle.events()) {
    if (event.type !== 'stage.completed') continue;
    resumed ??= event.stage;
    release();
  }
  expect(resumed).toBe('asks');
  expect(await handle.result).toMatchObject({ status: 'completed', outputs: { asks: 'yes' } });
  await listening.close();
});

test('a run that rests is taken up as soon as it is answered, long before the next look', async () => {
  const { other, listening } = hosts({ recovery: { everyMs: 1_000_000 } });
  await other.run(idle, {}, { runId: 'resting' });
  await other.decide('resting/asks#answer', 'yes');
  const store = postgresRunStore({ pool });
  await expect.poll(async () => (await store.load('resting', undefined))?.status).toBe('completed');
  await listening.close();
});
