import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredRun } from '@stageflow/core/ports';
import { seededRandom } from '@stageflow/testing';
import { afterAll, expect, test } from 'vitest';
import { inOrder } from './charge-invoices.ts';
import { type RunningProgram, startProgram } from './program.ts';

interface Call {
  readonly pid: number;
  readonly path: string;
  readonly key: string;
  readonly attempt: number;
}

const stageCount = 20 * 2 + 1;
const expected = { status: 'completed', outputs: { charged: Array.from({ length: 20 }, (_, at) => (at + 1) * 10 + 1), report: 2120 } };

/** A store, and the program that keeps runs in it. */
export interface KilledStore {
  /** Calls `chargeInvoices` with the store at the `target` it is given. */
  readonly program: URL;
  /** Where a run of this name is kept: a file, a URL. */
  readonly targetOf: (name: string) => string;
  readonly load: (target: string, runId: string) => Promise<StoredRun | undefined>;
}

/** One run: where it is kept, and where its calls are written. */
interface Place {
  readonly target: string;
  readonly runId: string;
  readonly log: string;
}

/** Tests that runs of a store whose processes are killed are finished by others, which call nothing that had ended. */
export function testKilledRuns({ program, targetOf, load }: KilledStore): void {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-kill-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const placeOf = (name: string): Place => ({ target: targetOf(name), runId: name, log: join(folder, `${name}.log`) });

  const started = (begin: 'begin' | 'resume', place: Place, stallAt = 0): RunningProgram =>
    startProgram(program, inOrder({ ...place, begin, stallAt }));

  /** Runs the program and kills it as soon as it has called so many stages; the last of them does not end before. */
  async function runAndKill(begin: 'begin' | 'resume', place: Place, killAfter: number): Promise<void> {
    const { process, ended } = started(begin, place, killAfter);
    let calls = 0;
    process.stdout?.on('data', (chunk) => {
      calls += String(chunk).split('\n').length - 1;
      if (calls >= killAfter) process.kill('SIGKILL');
    });
    const { signal, errors } = await ended;
    expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });
  }

  /** What is durable: the stages that have ended, and the works that may have begun. */
  async function journalOf({ target, runId }: Place) {
    const run = await load(target, runId);
    const records = run?.records ?? [];
    const paths = (isIntent: boolean) =>
      new Set(records.filter(({ status }) => (status === 'intent') === isIntent).map(({ path }) => path));
    return { status: String(run?.status), ended: paths(false), intents: paths(true) };
  }

  /** Goes on in another process until the run has ended; nothing that had ended is called again. */
  async function resumeAndCheck(place: Place, killed: number): Promise<void> {
    const { status, ended } = await journalOf(place);
    const before = callsIn(place);
    // The kill fell in the middle: something was called, something is kept where four at once can have ended, something is left to do.
    expect(status).toBe('running');
    expect(before.length).toBeGreaterThan(0);
    expect(ended.size).toBeGreaterThanOrEqual(before.length > 12 ? 1 : 0);
    expect(ended.size).toBeLessThan(stageCount);

    const { code, output, errors } = await started('resume', place).ended;
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toEqual(expected);

    const calls = callsIn(place);
    const again = calls.slice(before.length);
    expect(again.length).toBeGreaterThan(0);
    expect(again.filter(({ path }) => ended.has(path))).toEqual([]);
    const paths = [...new Set(calls.map(({ path }) => path))];
    expect(paths.length).toBe(stageCount);
    for (const path of paths) {
      const made = calls.filter((call) => call.path === path);
      expect(made.length).toBeLessThanOrEqual(killed + 1);
      expect(new Set(made.map(({ key }) => key))).toEqual(new Set([`${place.runId}/${path}`]));
    }
  }

  /** No work had begun that the journal does not know of. */
  async function checkIntents(place: Place): Promise<void> {
    const { intents } = await journalOf(place);
    const works = callsIn(place).filter(({ path }) => path.endsWith('/charge') || path === 'report');
    expect(works.filter(({ path }) => !intents.has(path))).toEqual([]);
  }

  const random = seededRandom(20);
  const killPoints = [1, ...Array.from({ length: 4 }, () => 2 + Math.floor(random() * (stageCount - 3))), stageCount];

  test.each(killPoints.map((killAfter, at) => ({ killAfter, at })))(
    'a run whose process is killed at call $killAfter of 41 is finished by another, which calls nothing that had ended',
    { timeout: 60_000 },
    async ({ killAfter, at }) => {
      const place = placeOf(`killed-${at}`);
      await runAndKill('begin', place, killAfter);
      await checkIntents(place);
      await resumeAndCheck(place, 1);
    },
  );

  test('a run that is killed, gone on with, and killed again is finished all the same', { timeout: 60_000 }, async () => {
    const place = placeOf('twice');
    await runAndKill('begin', place, 12);
    const first = await journalOf(place);
    await runAndKill('resume', place, 9);
    await checkIntents(place);
    const second = await journalOf(place);
    expect([...first.ended].filter((path) => !second.ended.has(path))).toEqual([]);
    expect(second.ended.size).toBeGreaterThan(first.ended.size);
    await resumeAndCheck(place, 2);
  });

  test('without a kill the program calls each stage once, so that the counts above mean something', { timeout: 60_000 }, async () => {
    const place = placeOf('whole');
    const { code, output } = await started('begin', place).ended;
    expect(code).toBe(0);
    expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toEqual(expected);
    expect(callsIn(place).length).toBe(stageCount);
  });
}

function callsIn({ log }: Place): readonly Call[] {
  return readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);
}
