import type { AnsweredWait, Encoded, StoredWait } from '@stageflow/core/ports';
import { type PgListenPool, postgresRunStore } from '@stageflow/postgres-store';
import { startProgram } from '@stageflow-internal/killed-runs/program';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const one = '1' as Encoded;
const lease = { owner: 'one', until: 1, now: 0 };
const nothing = { at: 0, records: [], waits: [], status: undefined, outputs: undefined };
/** What is told where it is not known what was answered. */
const unknown = { runId: '', waitId: '' };

let server: PostgresServer;
let pool: pg.Pool;
let listen: pg.Pool;
let stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startPostgres();
  [pool, listen] = [new pg.Pool({ connectionString: server.url }), new pg.Pool({ connectionString: server.url, max: 3 })];
  // Connections that are idle when the server is interrupted.
  for (const each of [pool, listen]) each.on('error', () => {});
}, 60_000);

afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
});

afterAll(async () => {
  await pool?.end();
  await listen?.end();
  await server?.stop();
}, 60_000);

function waitOf(runId: string, path: string, members: Partial<StoredWait> = {}): StoredWait {
  const of = { waitId: `${runId}/${path}#answer`, runId, path, type: 'answer', tenantId: undefined, pipeline: 'p' };
  return { ...of, request: undefined, openedAt: 0, expiresAt: undefined, status: 'open', answer: undefined, ...members };
}

/** A run with open waits, and a store that answers and does not listen. */
async function waiting(schema: string, waits: readonly StoredWait[]) {
  const store = postgresRunStore({ pool, schema });
  await store.migrate();
  for (const runId of new Set(waits.map((wait) => wait.runId))) {
    const identity = { runId, metadata: {} } as never;
    await store.create({ runId, pipeline: 'p', version: undefined, identity, input: {}, createdAt: 0 }, lease);
    await store.commit(runId, 1, { ...nothing, waits: waits.filter((wait) => wait.runId === runId) });
  }
  return store;
}

/** What another store is told of, from now on. */
async function watched(schema: string, from: PgListenPool = listen) {
  const told: AnsweredWait[] = [];
  const stop = await postgresRunStore({ pool, schema, listen: from }).watch?.((answered) => void told.push(answered));
  if (stop === undefined) throw new Error('the store cannot watch');
  stops.push(stop);
  return { told, stop };
}

/** Which sessions of the server listen to a channel. */
async function listeners(schema: string): Promise<readonly number[]> {
  const { rows } = await pool.query('SELECT pid FROM pg_stat_activity WHERE query = $1', [`LISTEN "${schema}"`]);
  return rows.map(({ pid }) => pid);
}

test('an answer, a delivery and a vote that answers reach those who watch by another store; other votes and answers do not', async () => {
  const waits = [waitOf('r', 'a'), waitOf('r', 'b', { waitId: 'r/b#paid', type: 'paid' }), waitOf('r', 'c')] as const;
  const store = await waiting('all', waits);
  const { told } = await watched('all');
  const vote = { by: 'anna', answer: one, at: 0 };
  await store.vote(waits[2].waitId, { vote, after: 0 }, undefined);
  await store.vote(waits[2].waitId, { vote, after: 0, answer: one }, undefined);
  await store.answer('r/nowhere#answer', one, undefined);
  await store.deliver('r', 'nothing', one, undefined);
  await store.answer(waits[0].waitId, one, undefined);
  await store.answer(waits[0].waitId, one, undefined);
  await store.deliver('r', 'paid', one, undefined);
  await store.vote(waits[2].waitId, { vote, after: 1, answer: one }, undefined);
  // Notices come in the order of the transactions, so nothing can come after the last.
  await expect.poll(() => told.at(-1)).toEqual({ runId: 'r', waitId: waits[2].waitId });
  expect(told).toEqual(waits.map(({ runId, waitId }) => ({ runId, waitId })));
});

test('an answer that another process gives is told', async () => {
  const wait = waitOf('r', 'a');
  await waiting('processes', [wait]);
  const { told } = await watched('processes');
  const program = startProgram(new URL('programs/answer-wait.ts', import.meta.url), [server.url, 'processes', wait.waitId]);
  expect(await program.ended).toMatchObject({ code: 0, output: 'answered', errors: '' });
  await expect.poll(() => told).toEqual([{ runId: 'r', waitId: wait.waitId }]);
}, 20_000);

test('ids come back whole whatever they hold, and are left out where they are too long for a notice', async () => {
  const hostile = `"'\\ \0\ud800é🦊\n${'x'.repeat(1_000)}`;
  const waits = [waitOf(hostile, 'a'), waitOf('long', 'é'.repeat(4_000)), waitOf('last', 'a')] as const;
  const store = await waiting(`ids "'; é`, waits);
  const { told } = await watched(`ids "'; é`);
  for (const { waitId } of waits) expect(await store.answer(waitId, one, undefined)).toBe('answered');
  await expect.poll(() => told.length).toBe(3);
  expect(told).toEqual([{ runId: hostile, waitId: waits[0].waitId }, unknown, { runId: 'last', waitId: waits[2].waitId }]);
});

test('a schema of 63 bytes has a channel, and what is answered in another schema is not told', async () => {
  const [schema, other] = ['s'.repeat(63), `${'s'.repeat(62)}t`];
  const store = await waiting(schema, [waitOf('r', 'a')]);
  const stranger = await waiting(other, [waitOf('r', 'a')]);
  const { told } = await watched(schema);
  await stranger.answer('r/a#answer', one, undefined);
  await store.answer('r/a#answer', one, undefined);
  await expect.poll(() => told.length).toBe(1);
});

test('what others notify of on the channel is told as an answer that is not known', async () => {
  await waiting('others', []);
  const { told } = await watched('others');
  for (const payload of ['', 'hello', '{"a":1}', '["a"]', '[1,2]']) await pool.query('SELECT pg_notify($1, $2)', ['others', payload]);
  await expect.poll(() => told).toEqual(Array.from({ length: 5 }, () => unknown));
});

test('a connection that is ended is made again, and those who watch are called since answers may have been missed', async () => {
  const waits = [waitOf('r', 'a'), waitOf('r', 'b')] as const;
  const store = await waiting('killed', waits);
  const { told } = await watched('killed');
  const [pid] = await listeners('killed');
  expect((await pool.query('SELECT pg_terminate_backend($1) AS ended', [pid])).rows).toEqual([{ ended: true }]);
  await expect.poll(() => told).toEqual([unknown]);
  expect(await listeners('killed')).not.toContain(pid);
  await store.answer(waits[1].waitId, one, undefined);
  await expect.poll(() => told).toEqual([unknown, { runId: 'r', waitId: waits[1].waitId }]);
});

test('a server that was away is listened to again when it is back', async () => {
  const wait = waitOf('r', 'a');
  const store = await waiting('away', [wait]);
  let refused = 0;
  const counting: PgListenPool = {
    connect: () =>
      listen.connect().catch((error: unknown) => {
        refused++;
        throw error;
      }),
  };
  const { told } = await watched('away', counting);
  await server.interrupt();
  await expect.poll(() => refused, { timeout: 5_000 }).toBeGreaterThan(1);
  expect(told).toEqual([]);
  await server.restart();
  await expect.poll(() => told, { timeout: 10_000 }).toEqual([unknown]);
  await store.answer(wait.waitId, one, undefined);
  await expect.poll(() => told).toEqual([unknown, { runId: 'r', waitId: wait.waitId }]);
}, 20_000);

test('any number of those who watch share one connection, which is given back when the last has stopped', async () => {
  const store = await waiting('shared', [waitOf('r', 'a'), waitOf('r', 'b'), waitOf('r', 'c')]);
  const pools = { pool, listen: new pg.Pool({ connectionString: server.url, max: 1 }) };
  const watching = postgresRunStore({ ...pools, schema: 'shared' });
  const told: string[] = [];
  const watch = (name: string) => watching.watch?.(({ waitId }) => void told.push(`${name} ${waitId}`)) ?? Promise.reject(new Error('no'));
  const [first, second] = [await watch('first'), await watch('second')];
  await store.answer('r/a#answer', one, undefined);
  await expect.poll(() => told).toEqual(['first r/a#answer', 'second r/a#answer']);
  await first();
  await first();
  await store.answer('r/b#answer', one, undefined);
  await expect.poll(() => told.slice(2)).toEqual(['second r/b#answer']);
  await second();
  expect(pools.listen.idleCount).toBe(1);
  await store.answer('r/c#answer', one, undefined);
  const third = await watch('third');
  expect(told).toHaveLength(3);
  await third();
  await pools.listen.end();
});

test('one who stops while the connection is lost holds none afterwards', async () => {
  await waiting('stopped', []);
  const connections: Promise<unknown>[] = [];
  let goOn = (): void => {};
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const held: PgListenPool = {
    connect: () => {
      const connection = connections.length === 0 ? listen.connect() : gate.then(() => listen.connect());
      connections.push(connection);
      return connection;
    },
  };
  const { stop, told } = await watched('stopped', held);
  const [pid] = await listeners('stopped');
  await pool.query('SELECT pg_terminate_backend($1)', [pid]);
  await expect.poll(() => connections.length).toBe(2);
  await stop();
  goOn();
  await connections[1];
  await expect.poll(() => listen.idleCount).toBe(listen.totalCount);
  expect(await listeners('stopped')).toEqual([]);
  expect(told).toEqual([]);
});

test('watch() rejects where the first connection cannot be made, and a later one may be', async () => {
  await waiting('first', [waitOf('r', 'a')]);
  let isDown = true;
  const down: PgListenPool = { connect: () => (isDown ? Promise.reject(new Error('down')) : listen.connect()) };
  const store = postgresRunStore({ pool, schema: 'first', listen: down });
  await expect(store.watch?.(() => {})).rejects.toThrow('down');
  isDown = false;
  const told: AnsweredWait[] = [];
  stops.push((await store.watch?.((answered) => void told.push(answered))) as () => Promise<void>);
  await store.answer('r/a#answer', one, undefined);
  await expect.poll(() => told.length).toBe(1);
});

test('a store that was not told where to listen cannot watch', () => {
  expect(postgresRunStore({ pool }).watch).toBeUndefined();
  expect(postgresRunStore({ pool, listen }).watch).toBeTypeOf('function');
});
