import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@stageflow/testing';
import { startProgram } from '@stageflow-internal/killed-runs/program';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { clockAhead } from './clock-ahead.ts';
import { endedIn, whereOf } from './ended-in.ts';
import { goOn } from './go-on.ts';
import { inParallel } from './in-parallel.ts';
import type { Place } from './place.ts';
import { inOrder } from './settle.ts';

/** A store whose processes are killed. */
export interface MatrixStore {
  /** Calls `settle()` with a place at the target it is given. */
  readonly program: URL;
  /** Where the run of this id is kept: a file, a URL. */
  readonly targetOf: (runId: string) => string;
  /** The place of a run, for the process that goes on with it. */
  readonly open: (target: string, isSlow: boolean) => Place;
}

/** How a process came to its end. */
interface Ending {
  readonly wasKilled: boolean;
  /** The points that it came by, the last of which is the one that killed it. */
  readonly points: readonly string[];
}

/** What a settlement comes to that nobody interrupts. */
interface Whole {
  readonly outputs: unknown;
  /** Without the id of the run. */
  readonly effects: readonly string[];
  readonly calls: readonly string[];
  readonly points: readonly string[];
  /** From its first point to its end. */
  readonly lastsMs: number;
}

const crashCount = Number(process.env['STAGEFLOW_CRASHES'] ?? 20);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 20);
/** How many processes there are at once. They wait more than they work. */
const atOnce = 3;
const hourMs = 3_600_000;

/** Tests that a settlement whose process is killed comes to what it would have come to, at every point and at any moment. */
export function testCrashMatrix({ program, targetOf, open }: MatrixStore): void {
  const name = program.pathname.split('/').at(-1);
  const idOf = (name: string): string => `${name};`;

  /** Runs a settlement in a process of its own, which kills itself at a point, or is killed so long after its first one. */
  async function run(runId: string, killAt: string, isSlow: boolean, killAfterMs?: number): Promise<Ending & { readonly lastsMs: number }> {
    const { process, ended } = startProgram(program, inOrder({ target: targetOf(runId), runId, killAt, isSlow }));
    let firstAt: number | undefined;
    process.stdout?.on('data', () => {
      if (firstAt === undefined && killAfterMs !== undefined) setTimeout(() => process.kill('SIGKILL'), killAfterMs);
      firstAt ??= performance.now();
    });
    const { code, signal, output, errors } = await ended;
    const lastsMs = performance.now() - (firstAt ?? 0);
    const lines = output.trimEnd().split('\n');
    const wasKilled = signal === 'SIGKILL';
    expect({ errors, code }, runId).toEqual({ errors: '', code: wasKilled ? null : 0 });
    if (!wasKilled) expect(lines.at(-1)).toBe('ended');
    return { wasKilled, points: lines.filter((line) => line.startsWith('point ')).map((line) => line.slice('point '.length)), lastsMs };
  }

  async function uninterrupted(runId: string, isSlow: boolean): Promise<Whole> {
    const { points, lastsMs } = await run(runId, 'none', isSlow);
    const place = open(targetOf(runId), isSlow);
    const calls = (await place.calls(runId)).map(({ key }) => key.slice(runId.length));
    const effects = (await place.effects(runId)).map((key) => key.slice(runId.length));
    const outputs = await place.outputs(runId);
    expect(await place.open(runId)).toEqual({ leases: 0, waits: 0 });
    await place.close();
    return { outputs, effects, calls, points, lastsMs };
  }

  /** Goes on in this process until the run has ended; nothing that had ended is called again. */
  async function resumeAndCheck(runId: string, isSlow: boolean, whole: Whole, why: string): Promise<void> {
    const place = open(targetOf(runId), isSlow);
    const kept = await endedIn(place, runId);
    const before = await place.calls(runId);

    await goOn(place, runId, clockAhead(hourMs));

    const again = (await place.calls(runId)).slice(before.length);
    expect(
      again.filter((call) => kept.has(whereOf(call))),
      why,
    ).toEqual([]);
    expect(await place.outputs(runId), why).toEqual(whole.outputs);
    expect(
      (await place.effects(runId)).map((key) => key.slice(runId.length)),
      why,
    ).toEqual(whole.effects);
    expect(await place.open(runId), why).toEqual({ leases: 0, waits: 0 });
    const keys = new Set([...before, ...again].map(({ key }) => key.slice(runId.length)));
    expect([...keys].sort(), why).toEqual([...new Set(whole.calls)].sort());
    await place.close();
  }

  // Most of a process is the reading of its sources: those that are killed find it done.
  const cache = mkdtempSync(join(tmpdir(), 'stageflow-matrix-'));
  vi.stubEnv('NODE_COMPILE_CACHE', cache);
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true, force: true });
  });

  let whole: Whole;
  let slow: Whole;
  beforeAll(async () => {
    whole = await uninterrupted(idOf('whole'), false);
    const both = [await uninterrupted(idOf('slow'), true), await uninterrupted(idOf('slow-too'), true)] as const;
    // The shorter time, so that few are over before their moment comes.
    slow = both[0].lastsMs < both[1].lastsMs ? both[0] : both[1];
  }, 60_000);

  test('a settlement that nobody interrupts calls each stage once, but for those that waited, so that the counts mean something', () => {
    expect(whole.outputs).toEqual({
      summary: { paid: 209, notified: 'told of 104.5', total: 104 },
      archived: 104,
      charged: [11, 21, 31, 41],
    });
    // Where the machine is slow, the rest may be over before the run has come to it; then that stage is called once, too.
    const calls = whole.calls.filter((call) => call !== '/rested');
    const expected = [...new Set(calls)].flatMap((call) => (call === '/approved' ? [call, call] : [call]));
    expect([...calls].sort()).toEqual(expected.sort());
    expect(calls.length).toBeLessThan(whole.calls.length);
    expect(whole.effects).toHaveLength(8);
    expect(slow).toMatchObject({ outputs: whole.outputs, effects: whole.effects });
  });

  test('killed at every point of every write, it comes to the same in another process', { timeout: 300_000 }, async () => {
    const killed: string[] = [];
    const missed: string[] = [];
    await inParallel(atOnce, whole.points, async (killAt) => {
      const runId = idOf(killAt.replaceAll(' ', '-'));
      const { wasKilled, points } = await run(runId, killAt, false);
      (wasKilled ? killed : missed).push(killAt);
      if (wasKilled) expect(points.at(-1)).toBe(killAt);
      await resumeAndCheck(runId, false, whole, `killed at: ${killAt}`);
    });
    console.log(`${name}: killed at ${killed.length} points; not reached: ${missed.join(', ') || 'none'}`);
    // What ends at one moment is one commit or two, so that a process may have a few less; none has less of anything else.
    expect(missed.filter((point) => !point.startsWith('commit '))).toEqual([]);
    expect(missed.length).toBeLessThan(whole.points.length / 10);
  });

  test(`killed at ${crashCount} moments that chance chose (seed ${seed}), it comes to the same in another process`, {
    timeout: 60_000 + crashCount * 3_000,
  }, async () => {
    const random = seededRandom(seed);
    const moments = Array.from({ length: crashCount }, (_, at) => ({ at, afterMs: random() * slow.lastsMs }));
    let [killed, inCommit] = [0, 0];
    await inParallel(atOnce, moments, async ({ at, afterMs }) => {
      const runId = idOf(`moment-${at}`);
      const { wasKilled, points } = await run(runId, 'none', true, afterMs);
      if (wasKilled) killed++;
      if (wasKilled && isWithin(points, 'commit')) inCommit++;
      await resumeAndCheck(runId, true, slow, `seed ${seed}, moment ${at}: killed after ${afterMs} ms, at ${points.at(-1)}`);
    });
    console.log(`${name}: seed ${seed}, ${killed} of ${crashCount} killed, ${inCommit} of them inside a commit`);
    expect(killed).toBeGreaterThan(crashCount / 4);
    expect(inCommit).toBeGreaterThan(0);
  });
}

/** Whether a write of this kind had begun and was not over. */
function isWithin(points: readonly string[], write: string): boolean {
  const count = (phase: string): number => points.filter((point) => point.startsWith(`${write} ${phase} `)).length;
  return count('before') > count('after');
}
