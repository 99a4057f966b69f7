import { createRuntime, inputs, pipeline, stage } from '@stageflow/core';
import type { Encoded, NewRun } from '@stageflow/core/ports';
import { type PgPool, postgresMigrations, postgresRunStore } from '@stageflow/postgres-store';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let server: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url, max: 10 });
  // Connections that are idle when the server is interrupted.
  pool.on('error', () => {});
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
}, 60_000);

const lease = { owner: 'one', until: 1, now: 0 };
const nothing = { at: 0, records: [], waits: [], status: undefined, outputs: undefined };

function newRun(runId: string): NewRun {
  return {
    runId,
    pipeline: 'p',
    version: undefined,
    identity: { runId, metadata: {} } as unknown as NewRun['identity'],
    input: {},
    createdAt: 0,
  };
}

/** The pool, the first word of each statement that is sent through it, and each statement that has values. */
function countingPool() {
  const seen: string[] = [];
  const asked: [text: string, values: unknown[]][] = [];
  const see = (text: string, values?: unknown[]): void => {
    seen.push(text.trimStart().split(/\s/, 1)[0] as string);
    if (values !== undefined) asked.push([text, values]);
  };
  const counting: PgPool = {
    query: (text, values) => {
      see(text, values);
      return pool.query(text, values);
    },
    connect: async () => {
      const client = await pool.connect();
      return {
        query: (text, values) => {
          see(text, values);
          return client.query(text, values);
        },
        release: (error) => client.release(error),
        on: (event, listener) => client.on(event, listener),
        off: (event, listener) => client.off(event, listener),
      };
    },
  };
  return { seen, asked, counting };
}

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: ({ text }) => text.length });
const second = stage('second', { needs: { first }, run: ({ first }) => first + 1 });
const counted = pipeline('counted', { outputs: { second } });

test('what is printed for a DBA makes what migrate() makes, which then finds nothing to do', async () => {
  for (const sql of postgresMigrations({ schema: 'by hand' })) await pool.query(sql);
  const store = postgresRunStore({ pool, schema: 'by hand' });
  await store.migrate();
  await store.create(newRun('r'), lease);
  expect(await store.load('r', undefined)).toMatchObject({ status: 'running' });
});

test('the schema is called stageflow where it is not named', async () => {
  await postgresRunStore({ pool }).migrate();
  expect((await pool.query('SELECT count(*)::int AS count FROM stageflow.runs')).rows).toEqual([{ count: 0 }]);
  expect(postgresMigrations()[0]).toContain('"stageflow".runs');
});

test('a schema is a name, whatever it holds', async () => {
  const schema = `"; DROP SCHEMA public; -- 'é`;
  const store = postgresRunStore({ pool, schema });
  await store.migrate();
  await store.create(newRun('r'), lease);
  expect(await store.load('r', undefined)).toMatchObject({ runId: 'r' });
});

test.each(['', 'a\0', 'é'.repeat(32)])('a schema that PostgreSQL cannot have is refused: %j', (schema) => {
  expect(() => postgresRunStore({ pool, schema })).toThrow(TypeError);
});

test('a schema that a later version made is refused', async () => {
  const store = postgresRunStore({ pool, schema: 'later' });
  await store.migrate();
  await pool.query('INSERT INTO later.migrations (version) VALUES (99)');
  await expect(store.migrate()).rejects.toThrow('The schema "later" is of version 99, and this package knows versions up to ');
});

test('a store that nobody has migrated says so', async () => {
  await expect(postgresRunStore({ pool, schema: 'none' }).load('r', undefined)).rejects.toThrow('Call migrate() of the store');
});

test('ids that PostgreSQL cannot keep as they are come back, and are told apart', async () => {
  const store = postgresRunStore({ pool, schema: 'ids' });
  await store.migrate();
  const ids = ['a\0', 'a\\0000', 'a\ud800', 'a\ud801', 'a\ufffd', '\ud83e\udd8a', 'a'];
  for (const id of ids) await store.create(newRun(id), lease);
  const due = await store.due(2, 10);
  expect(due.map(({ runId }) => runId).sort()).toEqual([...ids].sort());
  expect(await store.answer('a\0', '1' as Encoded, '\0')).toBe('unknown');
});

test('a batch of which one part cannot be written adds nothing', async () => {
  const store = postgresRunStore({ pool, schema: 'whole' });
  await store.migrate();
  await store.create(newRun('r'), lease);
  const record = { path: 'a', status: 'completed' as const, attempts: 1, fingerprint: '', at: 0 };
  const batch = { ...nothing, records: [record], status: 'completed' as const };
  await expect(store.commit('r', 1, { ...batch, outputs: 'a\0' as Encoded })).rejects.toThrow('invalid byte sequence');
  expect(await store.load('r', undefined)).toMatchObject({ status: 'running', records: [] });
  expect(await store.commit('r', 1, { ...batch, outputs: '1' as Encoded })).toBe(true);
});

test('a connection that breaks in a transaction fails its call alone', async () => {
  const store = postgresRunStore({ pool, schema: 'broken' });
  await store.migrate();
  await store.create(newRun('r'), lease);
  const other = new pg.Client({ connectionString: server.url });
  await other.connect();
  await other.query('BEGIN');
  await other.query('SELECT 1 FROM broken.runs FOR UPDATE');
  const delivered = store.deliver('r', 'paid', '1' as Encoded, undefined).then(
    () => 'delivered',
    () => 'failed',
  );
  const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"broken".runs%'`;
  await expect.poll(() => pool.query(kill).then(({ rowCount }) => rowCount)).toBe(1);
  expect(await delivered).toBe('failed');
  await other.end();
  expect(await store.deliver('r', 'paid', '2' as Encoded, undefined)).toEqual({ result: 'kept' });
  expect((await store.load('r', undefined))?.early).toEqual([{ type: 'paid', payload: '2' }]);
});

test('a stage that settles costs one statement, and the end of a run four', async () => {
  const store = postgresRunStore({ pool, schema: 'count' });
  await store.migrate();
  const { seen, counting } = countingPool();
  const runtime = createRuntime({ pipelines: [counted], store: postgresRunStore({ pool: counting, schema: 'count' }) });
  expect((await runtime.run(counted, { text: 'abc' })).status).toBe('completed');
  await runtime.close();
  expect(seen[0]).toBe('INSERT');
  expect(seen.slice(-4)).toEqual(['BEGIN', 'WITH', 'WITH', 'COMMIT']);
  expect(seen.length).toBeLessThanOrEqual(1 + 2 + 4);
});

test('an answer, a vote, a delivery and a rest that pauses cost four statements each, and a pause alone as many', async () => {
  const store = postgresRunStore({ pool, schema: 'count answers' });
  await store.migrate();
  const { seen, counting } = countingPool();
  const counted = postgresRunStore({ pool: counting, schema: 'count answers' });
  const wait = { waitId: 'r/a#answer', runId: 'r', path: 'a', type: 'answer', tenantId: undefined, pipeline: 'p', request: undefined };
  const open = { ...wait, openedAt: 0, expiresAt: undefined, status: 'open', answer: undefined } as const;
  await store.create(newRun('r'), lease);
  await store.commit('r', 1, { ...nothing, waits: [open] });
  const vote = { by: 'anna', answer: '1' as Encoded, at: 0 };
  const calls = [
    () => counted.vote(open.waitId, { vote, after: 0 }, undefined),
    () => counted.answer(open.waitId, '1' as Encoded, undefined),
    () => counted.deliver('r', 'paid', '1' as Encoded, undefined),
    () => counted.commit('r', 1, { ...nothing, isPaused: true }),
    () => counted.commit('r', 1, { ...nothing, status: 'suspended', isPaused: true }),
  ];
  for (const call of calls) {
    expect(['kept', 'answered', { result: 'kept' }, true]).toContainEqual(await call());
    expect(seen.splice(0)).toEqual(['BEGIN', expect.any(String), expect.any(String), 'COMMIT']);
  }
});

test('every statement finds its rows through an index', async () => {
  const { asked, counting } = countingPool();
  const store = postgresRunStore({ pool: counting, schema: 'indexes' });
  await store.migrate();
  asked.length = 0;
  const record = { path: 'a', status: 'completed' as const, attempts: 1, fingerprint: '', at: 0 };
  await store.create({ ...newRun('r'), records: [record] }, lease);
  const ids = { waitId: 'w', runId: 'r', path: 'a', type: 'answer', tenantId: undefined, pipeline: 'p', request: undefined };
  const wait = { ...ids, openedAt: 0, expiresAt: undefined, status: 'open', answer: undefined } as const;
  await store.commit('r', 1, { ...nothing, waits: [wait], isPaused: true });
  await store.commit('r', 1, { ...nothing, status: 'suspended' });
  await store.load('r', undefined);
  await store.acquire('r', lease);
  await store.renew('r', 2, lease);
  for (const filter of [{}, { tenantId: 't' }, { runId: 'r' }, { waitId: 'w' }, { type: 'answer' }]) await store.waits(filter);
  await store.answer('w', '1' as Encoded, undefined);
  await store.deliver('r', 'paid', '1' as Encoded, undefined);
  await store.due(0, 10);
  await store.ended(0, 10);
  await store.remove(['r']);
  const client = await pool.connect();
  // A table of a few rows is read from end to end all the same, unless that is made dear.
  await client.query('SET enable_seqscan = off');
  const plans = [];
  for (const [text, values] of asked) {
    const { rows } = await client.query(`EXPLAIN ${text}`, values);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  client.release(new Error('its settings are not those of others'));
  expect(plans.filter((plan) => plan.includes('Seq Scan'))).toEqual([]);
  for (const index of ['runs_leased', 'runs_woken', 'runs_ended', 'waits_of_run', 'waits_open', 'waits_expiring', 'waits_pkey']) {
    expect(plans.join('\n')).toContain(index);
  }
});

test('a server that goes away in the middle of a run fails it by code, and the run goes on when it is back', async () => {
  const store = postgresRunStore({ pool, schema: 'outage' });
  await store.migrate();
  let calls = 0;
  let isUp = true;
  const before = stage('before', { needs: { text }, run: ({ text }) => `${text} ${++calls}` });
  const during = stage('during', {
    needs: { before },
    run: async ({ before }) => {
      if (!isUp) return before;
      // What has settled is written while the next stage runs.
      await expect.poll(() => store.load('cut', undefined).then((run) => run?.records.length)).toBe(1);
      await server.interrupt();
      isUp = false;
      return before;
    },
  });
  const cut = pipeline('cut', { outputs: { during } });
  const runtime = createRuntime({ pipelines: [cut], store, leaseMs: 200 });
  await expect(runtime.run(cut, { text: 'a' }, { runId: 'cut' })).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
  expect(isUp).toBe(false);
  await server.restart();
  await expect.poll(() => store.due(Date.now(), 1).then((due) => due.length), { timeout: 5_000 }).toBe(1);
  expect(await runtime.resume('cut')).toMatchObject({ status: 'completed', outputs: { during: 'a 1' } });
  expect(calls).toBe(1);
  await runtime.close();
});
