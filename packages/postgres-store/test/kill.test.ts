import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresRunStore } from '@stageflow/postgres-store';
import { seededRandom } from '@stageflow/testing';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProgram } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-kill-'));

let server: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url });
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Call {
  readonly pid: number;
  readonly path: string;
  readonly key: string;
  readonly attempt: number;
}

const stageCount = 20 * 2 + 1;
const expected = { status: 'completed', outputs: { charged: Array.from({ length: 20 }, (_, at) => (at + 1) * 10 + 1), report: 2120 } };

interface Files {
  readonly runId: string;
  readonly log: string;
}

/** Runs the program and kills it as soon as it has called so many stages; the last of them does not end before. */
async function runAndKill(begin: 'begin' | 'resume', { runId, log }: Files, killAfter: number): Promise<void> {
  const program = startProgram('charge-invoices.ts', [begin, server.url, log, runId, String(killAfter)]);
  let calls = 0;
  program.process.stdout?.on('data', (chunk) => {
    calls += String(chunk).split('\n').length - 1;
    if (calls >= killAfter) program.process.kill('SIGKILL');
  });
  const { signal, errors } = await program.ended;
  expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });
}

/** What is durable: the stages that have ended, and the works that may have begun. */
async function journalOf({
  runId,
}: Files): Promise<{ readonly status: string; readonly ended: Set<string>; readonly intents: Set<string> }> {
  const run = await postgresRunStore({ pool, schema: 'kill' }).load(runId, undefined);
  const records = run?.records ?? [];
  const paths = (isIntent: boolean) => new Set(records.filter(({ status }) => (status === 'intent') === isIntent).map(({ path }) => path));
  return { status: String(run?.status), ended: paths(false), intents: paths(true) };
}

function callsIn({ log }: Files): readonly Call[] {
  return readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);
}

/** Goes on in another process until the run has ended; nothing that had ended is called again. */
async function resumeAndCheck(files: Files, killed: number): Promise<void> {
  const { status, ended } = await journalOf(files);
  const before = callsIn(files);
  // The kill fell in the middle: something was called, something is kept where four at once can have ended, something is left to do.
  expect(status).toBe('running');
  expect(before.length).toBeGreaterThan(0);
  expect(ended.size).toBeGreaterThanOrEqual(before.length > 12 ? 1 : 0);
  expect(ended.size).toBeLessThan(stageCount);

  const { code, output, errors } = await startProgram('charge-invoices.ts', ['resume', server.url, files.log, files.runId]).ended;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toEqual(expected);

  const calls = callsIn(files);
  const again = calls.slice(before.length);
  expect(again.length).toBeGreaterThan(0);
  expect(again.filter(({ path }) => ended.has(path))).toEqual([]);
  const paths = [...new Set(calls.map(({ path }) => path))];
  expect(paths.length).toBe(stageCount);
  for (const path of paths) {
    const made = calls.filter((call) => call.path === path);
    expect(made.length).toBeLessThanOrEqual(killed + 1);
    expect(new Set(made.map(({ key }) => key))).toEqual(new Set([`${files.runId}/${path}`]));
  }
}

/** No work had begun that the journal does not know of. */
async function checkIntents(files: Files): Promise<void> {
  const { intents } = await journalOf(files);
  const works = callsIn(files).filter(({ path }) => path.endsWith('/charge') || path === 'report');
  expect(works.filter(({ path }) => !intents.has(path))).toEqual([]);
}

const random = seededRandom(20);
const killPoints = [1, ...Array.from({ length: 4 }, () => 2 + Math.floor(random() * (stageCount - 3))), stageCount];

test.each(killPoints.map((killAfter, at) => ({ killAfter, at })))(
  'a run whose process is killed at call $killAfter of 41 is finished by another, which calls nothing that had ended',
  { timeout: 60_000 },
  async ({ killAfter, at }) => {
    const files = { runId: `killed ${at}`, log: join(folder, `${at}.log`) };
    await runAndKill('begin', files, killAfter);
    await checkIntents(files);
    await resumeAndCheck(files, 1);
  },
);

test('a run that is killed, gone on with, and killed again is finished all the same', { timeout: 60_000 }, async () => {
  const files = { runId: 'twice', log: join(folder, 'twice.log') };
  await runAndKill('begin', files, 12);
  const first = await journalOf(files);
  await runAndKill('resume', files, 9);
  await checkIntents(files);
  const second = await journalOf(files);
  expect([...first.ended].filter((path) => !second.ended.has(path))).toEqual([]);
  expect(second.ended.size).toBeGreaterThan(first.ended.size);
  await resumeAndCheck(files, 2);
});

test('without a kill the program calls each stage once, so that the counts above mean something', { timeout: 60_000 }, async () => {
  const files = { runId: 'whole', log: join(folder, 'whole.log') };
  const { code, output } = await startProgram('charge-invoices.ts', ['begin', server.url, files.log, files.runId]).ended;
  expect(code).toBe(0);
  expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toEqual(expected);
  expect(callsIn(files).length).toBe(stageCount);
});
