import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRuntime, inputs, pipeline, type RunEvent, stage } from '@stageflow/core';
import { type SqliteDatabase, type SqliteEventSinkOptions, sqliteEventSink, sqliteRunStore } from '@stageflow/sqlite-store';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-events-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: ({ text }) => text.length });
const second = stage('second', { needs: { first }, run: ({ first }) => first + 1 });
const counted = pipeline('counted', { outputs: { second } });

function eventOf(seq: number, members: object = {}): RunEvent {
  const ids = { tenantId: undefined, traceId: undefined, correlationId: undefined, parentRunId: undefined };
  const envelope = { runId: 'r', pipeline: 'p', epoch: 1, seq, at: seq, elapsedMs: seq, ...ids };
  return { ...envelope, type: 'custom', stage: 's', path: 's', attempt: 1, name: 'n', payload: seq, ...members } as RunEvent;
}

const guardFailedOpen = (seq: number) => eventOf(seq, { type: 'guard.failed_open' });

/** A sink on a database whose writes can be made to fail, and how many there were. */
function subject(options: Omit<SqliteEventSinkOptions, 'file' | 'database'> = {}) {
  const [database, clock] = [new DatabaseSync(':memory:'), virtualClock()];
  const state = { isDown: false, failures: 0, batches: [] as number[] };
  const watched: SqliteDatabase = {
    exec: (sql) => database.exec(sql),
    prepare(sql) {
      const statement = database.prepare(sql);
      if (!sql.includes('INSERT INTO stageflow_events')) return statement;
      return {
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
        run(...values) {
          if (state.isDown) {
            state.failures++;
            throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR' });
          }
          state.batches.push((JSON.parse(String(values[0])) as unknown[]).length);
          return statement.run(...values);
        },
      };
    },
  };
  const sink = sqliteEventSink({ database: watched, clock, ...options });
  const kept = async () => (await sink.events('r', undefined)).map(({ seq }) => seq);
  return { sink, clock, state, kept };
}

test('the events of a run can be read when the file is opened again, as they were', async () => {
  const file = join(folder, 'history.sqlite');
  const [history, seen] = [sqliteEventSink({ file }), recordingSink()];
  const runtime = createRuntime({ pipelines: [counted], sinks: [history, seen], store: sqliteRunStore({ file }) });
  const { runId } = await runtime.run(counted, { text: 'abc' });
  await runtime.close();
  history.close();
  const reopened = sqliteEventSink({ file });
  expect(await reopened.events(runId, undefined)).toEqual(JSON.parse(JSON.stringify(seen.events)));
  expect(seen.events.at(-1)?.type).toBe('run.completed');
  reopened.close();
});

test('events that come within the time to linger are one statement', async () => {
  const { sink, clock, state, kept } = subject({ lingerMs: 50 });
  for (const seq of [1, 2, 3]) sink.emit(eventOf(seq));
  await clock.advance(49);
  expect(state.batches).toEqual([]);
  await clock.advance(1);
  expect(state.batches).toEqual([3]);
  expect(await kept()).toEqual([1, 2, 3]);
});

test('events may wait for a full batch for ever, and are written when they are flushed', async () => {
  const { sink, clock, state } = subject({ lingerMs: Number.POSITIVE_INFINITY });
  sink.emit(eventOf(1));
  await clock.advance(1_000_000);
  expect(state.batches).toEqual([]);
  await sink.flush();
  expect(state.batches).toEqual([1]);
});

test('a full batch is written at once', () => {
  const { sink, state } = subject({ batchSize: 2 });
  for (const seq of [1, 2, 3]) sink.emit(eventOf(seq));
  expect(state.batches).toEqual([2]);
  expect(sink.counters).toEqual({ received: 3, kept: 2, refused: 0, pending: 1 });
});

test('a thousand stages cost one statement for each batch', async () => {
  const { sink, state } = subject();
  const stages = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`s${at}`, stage(`s${at}`, { run: () => at })]));
  const wide = pipeline('wide', { outputs: stages });
  const runtime = createRuntime({ pipelines: [wide], sinks: [sink] });
  await runtime.run(wide, {});
  await runtime.close();
  const { kept } = sink.counters;
  expect(kept).toBeGreaterThan(2_000);
  expect(state.batches.length).toBeLessThanOrEqual(Math.ceil(kept / 200) + 1);
});

test('events that are large are written in batches of their own', async () => {
  const { sink, state, kept } = subject({ batchSize: 10 });
  for (const seq of [1, 2, 3]) sink.emit(eventOf(seq, { payload: 'x'.repeat(2_500_000) }));
  await sink.flush();
  expect(state.batches).toEqual([1, 1, 1]);
  expect(await kept()).toEqual([1, 2, 3]);
});

test('what was taken while the file could not be written is written when it can', async () => {
  const { sink, clock, state, kept } = subject();
  state.isDown = true;
  sink.emit(eventOf(1));
  await clock.advance(50);
  expect(state.failures).toBe(1);
  expect(sink.lastFailure).toMatchObject({ message: 'disk I/O error' });
  sink.emit(eventOf(2));
  state.isDown = false;
  await clock.advance(1_000);
  expect(await kept()).toEqual([1, 2]);
  expect(sink.lastFailure).toBeUndefined();
  expect(sink.counters).toEqual({ received: 2, kept: 2, refused: 0, pending: 0 });
});

test('a file that cannot be written is tried once a second, however many events come', async () => {
  const { sink, clock, state } = subject({ batchSize: 2 });
  state.isDown = true;
  for (let seq = 1; seq <= 100; seq++) sink.emit(eventOf(seq));
  expect(state.failures).toBe(1);
  await clock.advance(3_000);
  expect(state.failures).toBe(4);
});

test('where the buffer is full and the file cannot be written, events are refused and counted, but for those that must arrive', async () => {
  const { sink, clock, state, kept } = subject({ bufferSize: 2 });
  state.isDown = true;
  for (const seq of [1, 2]) sink.emit(eventOf(seq));
  expect(() => sink.emit(eventOf(3))).toThrow('has 2 events that it could not write (disk I/O error), and takes no more');
  sink.emit(guardFailedOpen(4));
  expect(sink.counters).toEqual({ received: 4, kept: 0, refused: 1, pending: 3 });
  state.isDown = false;
  await clock.advance(1_000);
  expect(await kept()).toEqual([1, 2, 4]);
});

test('a flush rejects with what went wrong, keeps what waits, and does not wait for the next try', async () => {
  const { sink, state, kept } = subject();
  state.isDown = true;
  sink.emit(eventOf(1));
  await expect(sink.flush()).rejects.toThrow('disk I/O error');
  await expect(sink.flush()).rejects.toThrow('disk I/O error');
  expect(state.failures).toBe(2);
  state.isDown = false;
  await sink.flush();
  expect(await kept()).toEqual([1]);
});

test('a sink that is closed has written what waited', async () => {
  const file = join(folder, 'closed.sqlite');
  const sink = sqliteEventSink({ file });
  sink.emit(eventOf(1));
  sink.close();
  const again = sqliteEventSink({ file });
  expect(await again.events('r', undefined)).toHaveLength(1);
  again.close();
});

test('a sink that cannot write what waits can be closed', () => {
  const { sink, clock, state } = subject();
  state.isDown = true;
  sink.emit(eventOf(1));
  sink.close();
  expect(state.failures).toBe(1);
  expect(sink.counters.pending).toBe(1);
  expect(clock.pending).toBe(0);
});

test('an event that cannot be written is refused, and integers that are too large for JSON are text', async () => {
  const { sink } = subject();
  const circle: Record<string, unknown> = {};
  circle['itself'] = circle;
  expect(() => sink.emit(eventOf(1, { payload: circle }))).toThrow(TypeError);
  expect(sink.counters).toMatchObject({ received: 1, refused: 1 });
  sink.emit(eventOf(2, { payload: 10n ** 20n }));
  await sink.flush();
  expect(await sink.events('r', undefined)).toMatchObject([{ seq: 2, payload: '100000000000000000000' }]);
});

test('a run is read on from an event, or from a place', async () => {
  const { sink } = subject();
  for (const seq of [1, 2]) sink.emit(eventOf(seq));
  sink.emit(eventOf(3, { type: 'events.dropped', sink: 's', count: 1 }));
  for (const seq of [3, 4]) sink.emit(eventOf(seq));
  await sink.flush();
  const read = async (options: Parameters<typeof sink.events>[2]) =>
    (await sink.events('r', undefined, options)).map(({ seq, type }) => `${seq} ${type}`);
  expect(await read({ limit: 2 })).toEqual(['1 custom', '2 custom']);
  expect(await read({ after: { epoch: 1, seq: 2 } })).toEqual(['3 events.dropped', '3 custom', '4 custom']);
  expect(await read({ after: { epoch: 1, seq: 3, type: 'events.dropped' } })).toEqual(['3 custom', '4 custom']);
  expect(await read({ after: { epoch: 1, seq: 3 } })).toEqual(['4 custom']);
  await expect(read({ limit: 0 })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID' });
});

test('the events of a run can be deleted, and those of no other', async () => {
  const { sink } = subject();
  for (const runId of ['r', 'r2']) for (const seq of [1, 2]) sink.emit(eventOf(seq, { runId }));
  await sink.flush();
  expect(await sink.removeRun({ runId: 'r', tenantId: 't' })).toBe(0);
  expect(await sink.removeRun({ runId: 'r', tenantId: undefined })).toBe(2);
  expect(await sink.events('r', undefined)).toEqual([]);
  expect(await sink.events('r2', undefined)).toHaveLength(2);
});

test.each([{ batchSize: 0 }, { bufferSize: 1.5 }, { lingerMs: 0 }])('an option that cannot be is refused: %j', (options) => {
  expect(() => sqliteEventSink({ database: new DatabaseSync(':memory:'), ...options })).toThrow(
    expect.objectContaining({ code: 'SF_OPTION_INVALID' }),
  );
});
