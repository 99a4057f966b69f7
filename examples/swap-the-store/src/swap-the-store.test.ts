import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryRunStore } from '@stageflow/core';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { orderOn } from './order-on.ts';

/** Runs the whole example with this environment, and none of a PostgreSQL that the machine may have. */
function start(environment: Readonly<Record<string, string>>) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', main], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...Object.fromEntries(inherited), ...environment },
  });
  return { status, lines: stdout.trimEnd().split('\n'), errors: stderr };
}

const outputs = "  { bought: { key: 'order-7/bought', cents: 4300n, articles: Set(2) { 'loom', 'shuttle' }, by: 'Ada' } }";

test('an order on SQLite is what it is in memory, with everything that JSON has no word for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'swap-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sqlite = sqliteRunStore({ file: join(folder, 'runs.sqlite') });
  onTestFinished(() => sqlite.close());
  const onSqlite = await orderOn(sqlite);
  expect(onSqlite).toEqual({
    asked: { status: 'suspended', requests: [{ question: 'Buy this?', cents: 4_300n }] },
    ended: {
      status: 'completed',
      outputs: { bought: { key: 'order-7/bought', cents: 4_300n, articles: new Set(['loom', 'shuttle']), by: 'Ada' } },
    },
    journal: expect.objectContaining({ 'prices[loom]/price': expect.stringMatching(/^completed /) }),
  });
  expect(onSqlite).toEqual(await orderOn(memoryRunStore()));
});

test('a store that changes a value is told apart', async () => {
  const store = memoryRunStore();
  const load = store.load.bind(store);
  const changing = Object.assign(store, {
    load: async (...which: Parameters<typeof load>) => {
      const run = await load(...which);
      return run && { ...run, records: run.records.map((record) => (record.path === 'total' ? { ...record, output: '4300' } : record)) };
    },
  });
  const [changed, right] = [await orderOn(changing), await orderOn(memoryRunStore())];
  expect(changed.ended.outputs).toMatchObject({ bought: { cents: 4_300 } });
  expect(changed).not.toEqual(right);
});

test('where no server is named, the example says what it needs, and compares the others', { timeout: 30_000 }, () => {
  const { status, lines, errors } = start({});
  expect({ status, errors }).toEqual({ status: 0, errors: '' });
  expect(lines.filter((line) => line === outputs)).toHaveLength(2);
  expect(lines.at(-3)).toBe('PostgreSQL: left out, since no server is named.');
  expect(lines.at(-2)).toContain('Name a server with PGHOST');
  expect(lines.at(-1)).toBe('The results on memory, SQLite are the same.');
});

describe('with a server', () => {
  let server: PostgresServer;
  let environment: Readonly<Record<string, string>>;

  beforeAll(async () => {
    server = await startPostgres();
    const { hostname, port, username } = new URL(server.url);
    environment = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGDATABASE: 'postgres' };
  }, 60_000);

  afterAll(() => server?.stop());

  test('the example compares all three, and leaves nothing on the server', { timeout: 30_000 }, async () => {
    const { status, lines, errors } = start(environment);
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
    expect(lines.filter((line) => line === outputs)).toHaveLength(3);
    expect(lines.at(-1)).toBe('The results on memory, SQLite, PostgreSQL are the same.');
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'swap%'");
    await client.end();
    expect(rows).toEqual([]);
  });

  test('the example fails where the server refuses it, and says what it needs', { timeout: 30_000 }, () => {
    const { status, lines, errors } = start({ ...environment, PGDATABASE: 'none' });
    expect(status).toBe(1);
    expect(errors).toContain('database "none" does not exist');
    expect(errors).toContain('Name a server with PGHOST');
    expect(lines.at(-1)).toBe('The results on memory, SQLite are the same.');
  });
});
