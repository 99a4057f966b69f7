import { createRuntime, pipeline, type RunEvent, stage } from '@stageflow/core';
import { type PostgresEventSinkOptions, postgresEventSink } from '@stageflow/postgres-store';
import { recordingSink } from '@stageflow/testing';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countingPool } from './counting-pool.ts';

let server: PostgresServer;
let pool: pg.Pool;
let schemas = 0;

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

async function subject(options: Partial<PostgresEventSinkOptions> = {}) {
  const schema = `events_${schemas++}`;
  const { pool: counted, seen } = countingPool(pool);
  const sink = postgresEventSink({ pool: counted, schema, ...options });
  await sink.migrate();
  seen.length = 0;
  return { sink, seen, schema };
}

function eventOf(seq: number, members: object = {}): RunEvent {
  const ids = { tenantId: undefined, traceId: undefined, correlationId: undefined, parentRunId: undefined };
  const envelope = { runId: 'r', pipeline: 'p', epoch: 1, seq, at: seq, elapsedMs: seq, ...ids };
  return { ...envelope, type: 'custom', stage: 's', path: 's', attempt: 1, name: 'n', payload: seq, ...members } as RunEvent;
}

const stages = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`s${at}`, stage(`s${at}`, { run: () => at })]));
const wide = pipeline('wide', { outputs: stages });

test('the events of a run of a thousand stages can be read as they were, and cost one statement for each batch', async () => {
  const { sink, seen } = await subject();
  const recorded = recordingSink();
  const runtime = createRuntime({ pipelines: [wide], sinks: [sink, recorded] });
  const { runId } = await runtime.run(wide, {});
  await runtime.close();
  expect(recorded.events.length).toBeGreaterThan(2_000);
  expect(sink.counters).toEqual({ received: recorded.events.length, kept: recorded.events.length, refused: 0, pending: 0 });
  expect(seen.length).toBeLessThanOrEqual(Math.ceil(recorded.events.length / 200) + 1);
  const kept = [...(await sink.events(runId, undefined))];
  while (kept.length % 1_000 === 0) kept.push(...(await sink.events(runId, undefined, { after: kept.at(-1) })));
  expect(kept).toEqual(JSON.parse(JSON.stringify(recorded.events)));
});

test('events that come while the server is away are written when it is back', async () => {
  const { sink } = await subject({ lingerMs: 1 });
  await sink.emit(eventOf(1));
  await sink.flush();
  await server.interrupt();
  await sink.emit(eventOf(2));
  await expect(sink.flush()).rejects.toThrow();
  await sink.emit(eventOf(3));
  expect(sink.lastFailure).toBeDefined();
  expect(sink.counters).toMatchObject({ kept: 1, pending: 2 });
  await server.restart();
  await expect.poll(() => sink.counters.pending, { timeout: 10_000 }).toBe(0);
  expect((await sink.events('r', undefined)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test('an event that the server refuses for what it is takes no other with it', async () => {
  const { sink } = await subject();
  // Longer than an index takes, and nothing that could be compressed.
  const runId = Array.from({ length: 5_000 }, (_, at) => (at * 7_919).toString(36)).join('');
  for (const event of [eventOf(1), eventOf(2, { runId }), eventOf(3)]) await sink.emit(event);
  await sink.flush();
  expect(sink.counters).toEqual({ received: 3, kept: 2, refused: 1, pending: 0 });
  expect((await sink.events('r', undefined)).map(({ seq }) => seq)).toEqual([1, 3]);
});

test('an event that cannot be written as JSON is refused, and integers that are too large for it are text', async () => {
  const { sink } = await subject();
  const circle: Record<string, unknown> = {};
  circle['itself'] = circle;
  expect(() => sink.emit(eventOf(1, { payload: circle }))).toThrow(TypeError);
  expect(sink.counters).toMatchObject({ received: 1, refused: 1 });
  await sink.emit(eventOf(2, { payload: 10n ** 20n }));
  await sink.flush();
  expect(await sink.events('r', undefined)).toMatchObject([{ seq: 2, payload: '100000000000000000000' }]);
});

test('a sink whose tables nobody has made says so, and writes when they are there', async () => {
  const sink = postgresEventSink({ pool, schema: 'late' });
  await sink.emit(eventOf(1));
  await expect(sink.flush()).rejects.toThrow('Call migrate() of the store');
  await sink.migrate();
  await sink.flush();
  expect(await sink.events('r', undefined)).toHaveLength(1);
});

test('a run is read on from an event, or from a place, through the index', async () => {
  const { sink, seen } = await subject();
  for (const seq of [1, 2]) await sink.emit(eventOf(seq));
  await sink.emit(eventOf(3, { type: 'events.dropped', sink: 's', count: 1 }));
  for (const seq of [3, 4]) await sink.emit(eventOf(seq));
  await sink.flush();
  const read = async (options: Parameters<typeof sink.events>[2]) =>
    (await sink.events('r', undefined, options)).map(({ seq, type }) => `${seq} ${type}`);
  expect(await read({ limit: 2 })).toEqual(['1 custom', '2 custom']);
  expect(await read({ after: { epoch: 1, seq: 2 } })).toEqual(['3 events.dropped', '3 custom', '4 custom']);
  expect(await read({ after: { epoch: 1, seq: 3, type: 'events.dropped' } })).toEqual(['3 custom', '4 custom']);
  expect(await read({ after: { epoch: 1, seq: 3 } })).toEqual(['4 custom']);
  await expect(read({ limit: 0 })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID' });
  const client = await pool.connect();
  await client.query('SET enable_seqscan = off');
  const { text, values } = seen.at(-1) ?? { text: '', values: [] };
  const { rows } = await client.query(`EXPLAIN ${text}`, values);
  client.release(true);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('Index Scan using events_pkey');
  expect(plan).not.toContain('Sort');
});

test('the events of a run can be deleted, and those of no other', async () => {
  const { sink } = await subject();
  for (const runId of ['r', 'r2']) for (const seq of [1, 2]) await sink.emit(eventOf(seq, { runId }));
  await sink.flush();
  expect(await sink.removeRun({ runId: 'r', tenantId: 't' })).toBe(0);
  expect(await sink.removeRun({ runId: 'r', tenantId: undefined })).toBe(2);
  expect(await sink.events('r', undefined)).toEqual([]);
  expect(await sink.events('r2', undefined)).toHaveLength(2);
});

test.each([{ batchSize: 0 }, { bufferSize: 1.5 }, { lingerMs: 0 }])('an option that cannot be is refused: %j', (options) => {
  expect(() => postgresEventSink({ pool, ...options })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
});
