import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Encoded, NewRun, StoredWait } from '@stageflow/core/ports';
import { sqliteArtifactStore, sqliteEventSink, sqliteIdempotencyStore, sqliteRunStore } from '@stageflow/sqlite-store';
import { startProgram } from '@stageflow-internal/killed-runs/program';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-processes-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  readonly accepted: number;
  readonly answer: string;
  readonly acquired?: number;
}

/** Starts programs that all open the file at one moment. */
function openFromProcesses(file: string, count: number): Promise<readonly Report[]> {
  return reportsOf<Report>('open-and-write', count, (at, startAt) => [file, `run ${at}`, startAt]);
}

async function reportsOf<T>(program: string, count: number, argumentsOf: (at: number, startAt: string) => string[]): Promise<readonly T[]> {
  const startAt = String(Date.now() + 4_000);
  const programs = Array.from({ length: count }, (_, at) =>
    startProgram(new URL(`programs/${program}.ts`, import.meta.url), argumentsOf(at, startAt)),
  );
  const endings = await Promise.all(programs.map(({ ended }) => ended));
  return endings.map(({ code, output, errors }) => {
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    return JSON.parse(output) as T;
  });
}

test('twenty processes that make one file at once all find it whole, and lose no write', { timeout: 120_000 }, async () => {
  const file = join(folder, 'new.sqlite');
  const reports = await openFromProcesses(file, 20);
  expect(reports.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 20 }, () => 10));
  expect(reports.map(({ answer }) => answer)).toEqual(Array.from({ length: 20 }, () => 'unknown'));
  const database = new DatabaseSync(file);
  expect(database.prepare('SELECT count(*) AS count FROM stageflow_records').get()).toMatchObject({ count: 200 });
  expect(database.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
  database.close();
});

test('of processes that answer one wait and take one run at once, one does each', { timeout: 120_000 }, async () => {
  const file = join(folder, 'shared.sqlite');
  const store = sqliteRunStore({ file });
  const identity = { runId: 'shared', tenantId: undefined, metadata: {} } as NewRun['identity'];
  const run = { runId: 'shared', pipeline: 'p', version: undefined, identity, input: {}, createdAt: 0 };
  await store.create(run, { owner: 'dead', until: 1, now: 0 });
  const wait: StoredWait = {
    waitId: 'shared',
    runId: 'shared',
    tenantId: undefined,
    pipeline: 'p',
    path: 'a',
    type: 'answer',
    request: undefined,
    openedAt: 0,
    expiresAt: undefined,
    status: 'open',
    answer: undefined,
  };
  await store.commit('shared', 1, { at: 0, records: [], waits: [wait], status: undefined, outputs: undefined });
  const reports = await openFromProcesses(file, 8);
  expect(reports.map(({ answer }) => answer).sort()).toEqual([
    'already answered',
    'already answered',
    'already answered',
    'already answered',
    'already answered',
    'already answered',
    'already answered',
    'answered',
  ]);
  expect(reports.flatMap(({ acquired }) => acquired ?? [])).toEqual([2]);
  const winner = reports.findIndex(({ answer }) => answer === 'answered');
  expect((await store.load('shared', undefined))?.waits[0]?.answer).toBe(JSON.stringify(`run ${winner}`) as Encoded);
  store.close();
});

test('of processes that make one file and claim the same calls at once, one has each, and nothing that they keep is lost', {
  timeout: 120_000,
}, async () => {
  const file = join(folder, 'claimed.sqlite');
  const [count, calls] = [8, 20];
  const reports = await reportsOf<readonly { readonly key: number; readonly token: number }[]>('claim-and-keep', count, (at, startAt) => [
    file,
    String(at + 1),
    startAt,
    String(calls),
  ]);
  const claimed = reports
    .flatMap((report, at) => report.map((call) => ({ ...call, by: at + 1 })))
    .sort((one, other) => one.key - other.key);
  expect(claimed.map(({ key }) => key)).toEqual(Array.from({ length: calls }, (_, key) => key));
  expect(new Set(claimed.map(({ token }) => token)).size).toBe(calls);
  const effects = sqliteIdempotencyStore({ file });
  for (const { key, by } of claimed) {
    const told = await effects.claim({ tenantId: 't', scope: 's', key: String(key) }, { paramsHash: undefined, leaseMs: 1 });
    expect(told).toEqual({ status: 'settled', record: JSON.stringify(String(by)) });
  }
  const artifacts = sqliteArtifactStore({ file });
  const artifact = await artifacts.get({ tenantId: 't', runId: 'r', artifactId: 'shared' });
  expect(artifact).toHaveLength(100_002);
  expect(new Set(artifact?.slice(1, -1)).size).toBe(1);
  const events = sqliteEventSink({ file });
  const kept = await events.events('r', 't');
  expect(kept.map(({ epoch, seq }) => epoch * 100 + seq)).toEqual(
    Array.from({ length: count * 10 }, (_, at) => (Math.floor(at / 10) + 1) * 100 + (at % 10) + 1),
  );
  effects.close();
  artifacts.close();
  events.close();
});
