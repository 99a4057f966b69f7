import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type VirtualClock, virtualClock } from '@stageflow/testing';
import { expect, onTestFinished, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { type Host, openHost } from './host.ts';
import { report } from './pipeline.ts';

const day = 86_400_000;

/** Runs a program to its end. */
function start(program: string, ...args: readonly string[]) {
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const options = ['--no-warnings', '--conditions=@stageflow/source', path, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8', timeout: 20_000 });
  return { status, lines: stdout.trimEnd().split('\n'), errors: stderr };
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'report.sqlite');
}

async function close({ runtime, store }: Host, clock: VirtualClock): Promise<void> {
  await clock.settle(runtime.close());
  store.close();
}

/** Begins a report that is due in 30 days, in a host that then closes. */
async function scheduled() {
  const [file, clock, said] = [newFile(), virtualClock(), [] as string[]];
  const first = openHost(file, (line) => said.push(line), { clock });
  const at = clock.now() + 30 * day;
  const run = await clock.settle(first.runtime.run(report, { at }, { runId: 'r' }));
  expect(run).toMatchObject({ status: 'suspended', waits: [{ expiresAt: at }] });
  await close(first, clock);
  expect(said.splice(0)).toEqual(['looking up who reads the report']);
  return { file, clock, said };
}

const atItsTime = ['counting what was sold until now', 'sending with key r/sent'];

test('a report is made when its time has come, not a millisecond before it, and nothing is done twice', async () => {
  const { file, clock, said } = await scheduled();
  const second = openHost(file, (line) => said.push(line), { clock });
  await clock.advance(30 * day - 1);
  expect(await clock.settle(second.runtime.recover())).toEqual({ resumed: [], refused: [] });
  expect(said).toEqual([]);
  await clock.advance(1);
  expect(await clock.settle(second.runtime.recover())).toEqual({ resumed: [{ runId: 'r', status: 'completed' }], refused: [] });
  expect(said).toEqual(atItsTime);
  await close(second, clock);
});

test('a host that looks by itself makes it at its next look', async () => {
  const { file, clock, said } = await scheduled();
  const second = openHost(file, (line) => said.push(line), { clock, recovery: { everyMs: 7 * day } });
  await clock.advance(30 * day);
  expect(said).toEqual([]);
  await clock.advance(5 * day);
  expect(said).toEqual(atItsTime);
  expect((await second.store.load('r', undefined))?.status).toBe('completed');
  await close(second, clock);
});

test('a host that comes long after the time makes it then', async () => {
  const { file, clock, said } = await scheduled();
  await clock.advance(365 * day);
  const second = openHost(file, (line) => said.push(line), { clock });
  await clock.settle(second.runtime.recover());
  expect(said).toEqual(atItsTime);
  await close(second, clock);
});

const scheduling = ['  looking up who reads the report', '  the run is suspended'];
const waking = [
  '  the run is suspended',
  '  counting what was sold until now',
  '  sending with key report-of-today/sent',
  '  the run is completed',
];

test('one process ends before the time, and another wakes the run', { timeout: 30_000 }, () => {
  const file = newFile();
  const begunAt = Date.now();
  expect(start('schedule', file, '1200')).toEqual({ status: 0, lines: scheduling, errors: '' });
  expect(start('wake', file)).toEqual({ status: 0, lines: waking, errors: '' });
  expect(Date.now()).toBeGreaterThanOrEqual(begunAt + 1_200);
});

test('the whole example runs, with the time it is given', { timeout: 30_000 }, () => {
  expect(start('main', '--in', '1s')).toEqual({ status: 0, lines: ['schedule:', ...scheduling, 'wake:', ...waking], errors: '' });
});

test.each([
  ['--in', 'soon'],
  ['--in', '2'],
  ['--at', '2s'],
])('the whole example says what it takes when it is given %s %s', (...args) => {
  const { status, errors } = start('main', ...args);
  expect(status).toBe(2);
  expect(errors).toContain('Usage: main.ts [--in 2s]');
});

test.each([
  ['2s', 2_000],
  ['500ms', 500],
  ['1.5m', 90_000],
  ['0s', 0],
  ['1h', 3_600_000],
])('a duration of %s is %d ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});
