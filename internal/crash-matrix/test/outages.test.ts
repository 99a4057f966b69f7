import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { isStageflowError } from '@stageflow/core';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { clockAhead } from '../src/clock-ahead.ts';
import { endedIn, whereOf } from '../src/ended-in.ts';
import { goOn } from '../src/go-on.ts';
import { type MemoryPlace, memoryPlace } from '../src/memory-place.ts';
import type { Place } from '../src/place.ts';
import { postgresPlace, preparePostgres } from '../src/postgres-place.ts';
import { prepareSqlite, sqlitePlace } from '../src/sqlite-place.ts';

let server: PostgresServer;
let host: pg.Pool;

beforeAll(async () => {
  server = await startPostgres({ smallDiskMegabytes: 4 });
  host = new pg.Pool({ connectionString: server.url, max: 1 });
  host.on('error', () => {});
}, 60_000);

afterAll(async () => {
  await host?.end();
  await server?.stop();
});

let databases = 0;

/** A database of its own, and what asks it as the host does. */
async function freshDatabase(): Promise<{
  readonly url: string;
  readonly sql: (text: string) => Promise<pg.QueryResult>;
  readonly close: () => Promise<void>;
}> {
  const name = `outages_${databases++}`;
  await host.query(`CREATE DATABASE ${name}`);
  const url = server.url.replace(/postgres$/, name);
  await preparePostgres(url);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  return { url, sql: (text) => pool.query(text), close: () => pool.end() };
}

const runIds = Array.from({ length: 24 }, (_, at) => `order-${at};`);

/** Settles runs at once, each as often as the store fails it; what was kept as ended is not called again. Resolves to what they failed with. */
async function settleAll(place: MemoryPlace, onFailure: (error: unknown) => void = () => {}): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const settle = async (runId: string): Promise<void> => {
    for (;;) {
      const kept = await vi.waitFor(() => endedIn(place, runId), { timeout: 30_000, interval: 20 });
      const from = (await place.calls(runId)).length;
      const failure = await goOn(place, runId, clockAhead(3_600_000)).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      const again = (await place.calls(runId)).slice(from).filter((call) => kept.has(whereOf(call)));
      expect(again, runId).toEqual([]);
      if (failure === undefined) return;
      failures.push(failure.error);
      onFailure(failure.error);
      // Timers have their turn, where the store is synchronous, too.
      await turn();
    }
  };
  await Promise.all(runIds.map(settle));
  return failures;
}

async function expectAllSettled(place: Place): Promise<void> {
  for (const runId of runIds) {
    const outputs = { summary: { paid: 209, notified: 'told of 104.5', total: 104 }, archived: 104, charged: [11, 21, 31, 41] };
    expect(await place.outputs(runId), runId).toEqual(outputs);
    expect(await place.effects(runId), runId).toHaveLength(8);
  }
  expect(await place.open('order-')).toEqual({ leases: 0, waits: 0 });
}

/** How often the store failed a run; whatever else went wrong is an error of the test. */
function storeFailures(failures: readonly unknown[]): number {
  // The next activation comes before the lease of the one that failed has run out, or finds it gone on with.
  const expected = ['SF_STORE_FAILED', 'SF_RUN_NOT_RESUMABLE', 'SF_RUN_TAKEN_OVER'];
  const typed = failures.filter((error) => isStageflowError(error));
  expect(typed.filter(({ code }) => !expected.includes(code))).toEqual([]);
  return typed.filter(({ code }) => code === 'SF_STORE_FAILED').length;
}

test('a server that stops under load, twice, and comes back: no settlement is lost, nothing that had ended is called again', {
  timeout: 120_000,
}, async () => {
  const { url, close } = await freshDatabase();
  const outages: Promise<void>[] = [];
  const interrupt = async (): Promise<void> => {
    await server.interrupt();
    await server.restart();
  };
  const place = memoryPlace(postgresPlace(url, false), (count) => {
    if (count === 100 || count === 300) outages.push(interrupt());
  });
  const failures = await settleAll(place);
  await Promise.all(outages);
  expect(outages).toHaveLength(2);
  expect(storeFailures(failures)).toBeGreaterThan(0);
  await expectAllSettled(place);
  await Promise.all([place.close(), close()]);
});

test('connections that are cut under load, again and again: no settlement is lost, nothing that had ended is called again', {
  timeout: 120_000,
}, async () => {
  const { url, sql, close } = await freshDatabase();
  const cuts: Promise<number>[] = [];
  const cut = async (): Promise<number> => {
    const { rowCount } = await sql(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    return Number(rowCount);
  };
  const place = memoryPlace(postgresPlace(url, false), (count) => {
    if (count % 50 === 0 && cuts.length < 8) cuts.push(cut());
  });
  const failures = await settleAll(place);
  expect((await Promise.all(cuts)).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(8);
  expect(storeFailures(failures)).toBeGreaterThan(0);
  await expectAllSettled(place);
  await Promise.all([place.close(), close()]);
});

/** Has every so-many-th write of a record undone, as PostgreSQL does where transactions conflict; the sequence counts them. */
function undoing(isUndone: string): string {
  return `
    CREATE SEQUENCE matrix.writes;
    CREATE SEQUENCE matrix.undone;
    CREATE FUNCTION matrix.undo() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE nth bigint := nextval('matrix.writes');
      BEGIN
        IF ${isUndone} THEN
          PERFORM nextval('matrix.undone');
          RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
        END IF;
        RETURN NEW;
      END $$;
    CREATE TRIGGER undo BEFORE INSERT ON matrix.records FOR EACH STATEMENT EXECUTE FUNCTION matrix.undo();
  `;
}

async function undoneCount(sql: (text: string) => Promise<pg.QueryResult>): Promise<number> {
  const { rows } = await sql('SELECT last_value, is_called FROM matrix.undone');
  return rows[0].is_called ? Number(rows[0].last_value) : 0;
}

test('writes that are undone as conflicts are done once more, on a server whose transactions are serializable: no run fails', {
  timeout: 120_000,
}, async () => {
  const { url, sql, close } = await freshDatabase();
  await sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$");
  await sql(undoing('nth % 23 = 0'));
  const place = memoryPlace(postgresPlace(url, false));
  expect(await settleAll(place)).toEqual([]);
  expect(await undoneCount(sql)).toBeGreaterThan(10);
  await expectAllSettled(place);
  await Promise.all([place.close(), close()]);
});

test('a write that is undone again and again fails its run by code, and the run goes on', { timeout: 120_000 }, async () => {
  const { url, sql, close } = await freshDatabase();
  await sql(undoing('nth BETWEEN 100 AND 300'));
  const place = memoryPlace(postgresPlace(url, false));
  const failures = await settleAll(place);
  expect(await undoneCount(sql)).toBe(201);
  expect(storeFailures(failures)).toBeGreaterThan(0);
  await expectAllSettled(place);
  await Promise.all([place.close(), close()]);
});

test('a disk that is full fails runs by code and keeps nothing by halves; they go on when there is space', {
  timeout: 120_000,
}, async () => {
  const { url, sql, close } = await freshDatabase();
  await sql(`CREATE TABLESPACE small LOCATION '${server.smallDisk}'`);
  await sql('ALTER TABLE matrix.records SET TABLESPACE small');
  await sql('ALTER INDEX matrix.records_pkey SET TABLESPACE small');
  await sql('CREATE TABLE ballast (text text) TABLESPACE small');
  // In ever smaller steps, until not one page is left.
  for (const rows of [1_000, 100, 10, 1]) {
    const grow = () => sql(`INSERT INTO ballast SELECT repeat('x', 1500) FROM generate_series(1, ${rows})`);
    const full = await fillWith(grow);
    expect(full).toMatchObject({ code: '53100' });
  }
  let fullCount = 0;
  let freed: Promise<unknown> | undefined;
  const place = memoryPlace(postgresPlace(url, false));
  const failures = await settleAll(place, (error) => {
    if (isFull(error) && ++fullCount === 10) freed = sql('DROP TABLE ballast');
  });
  await freed;
  expect(fullCount).toBeGreaterThanOrEqual(10);
  expect(storeFailures(failures)).toBeGreaterThanOrEqual(fullCount);
  await expectAllSettled(place);
  const path = "record::json ->> 'path'";
  const twice = await sql(
    `SELECT 1 FROM matrix.records WHERE record::json ->> 'status' <> 'intent' GROUP BY run_id, ${path} HAVING count(*) > 1`,
  );
  expect(twice.rowCount).toBe(0);
  await Promise.all([place.close(), close()]);
});

test('a SQLite file that may not grow fails runs by code and keeps nothing by halves; they go on when it may', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-full-'));
  const file = join(folder, 'runs.sqlite');
  prepareSqlite(file);
  const database = new DatabaseSync(file);
  const kept = sqlitePlace(file);
  const place = memoryPlace({ ...kept, store: sqliteRunStore({ database }) });
  const pages = (): number => Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  let limit = pages() + 3;
  database.exec(`PRAGMA max_page_count = ${limit}`);
  // A page more at a time: what the runs below fail with, too, must find one at last, and is told to nobody but those above.
  const grow = setInterval(() => database.exec(`PRAGMA max_page_count = ${++limit}`), 10);
  let fullCount = 0;
  const failures = await settleAll(place, (error) => {
    if (!isStageflowError(error, 'SF_STORE_FAILED')) return;
    expect(error.message).toContain('database or disk is full');
    expect(database.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
    fullCount++;
  });
  clearInterval(grow);
  expect(fullCount).toBeGreaterThanOrEqual(runIds.length);
  expect(storeFailures(failures)).toBe(fullCount);
  await expectAllSettled(place);
  const twice = database.prepare(
    "SELECT 1 FROM stageflow_records WHERE record ->> 'status' <> 'intent' GROUP BY run_id, record ->> 'path' HAVING count(*) > 1",
  );
  expect(twice.all()).toEqual([]);
  await place.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function isFull(error: unknown): boolean {
  return isStageflowError(error, 'SF_STORE_FAILED') && error.message.includes('No space left on device');
}

async function fillWith(grow: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      await grow();
    } catch (error) {
      return error;
    }
  }
}
