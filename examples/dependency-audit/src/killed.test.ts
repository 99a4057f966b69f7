import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fixtureTree, manifest } from './fixture-tree.ts';
import { auditKey, openJournal } from './journal/audit-journal.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const traced = new URL('traced-reads.ts', import.meta.url).href;
const [good, broken] = [90, 10];
const total = good + broken;

/** A project with many packages, some of which cannot be read. */
function project() {
  const packages = Array.from({ length: good }, (_, at) => [`node_modules/good-${at}/package.json`, manifest(`good-${at}`)]);
  const unreadable = Array.from({ length: broken }, (_, at) => [`node_modules/broken-${at}/package.json`, '{']);
  return fixtureTree({ ...Object.fromEntries([...packages, ...unreadable]), 'policy.json': '{}' }, onTestFinished);
}

/** Starts the program by itself and waits until it is over; tells which manifests it read. */
function start(root: string, { killAt = 0, args = [], node = [] }: { killAt?: number; args?: string[]; node?: string[] } = {}) {
  const trace = join(root, 'trace');
  const options = ['--policy', join(root, 'policy.json'), '--out', join(root, 'out'), '--journal', join(root, 'journal.sqlite')];
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    // Node 22 warns of its own SQLite.
    ['--no-warnings', '--conditions=@stageflow/source', '--import', traced, ...node, main, root, ...options, ...args],
    { encoding: 'utf8', env: { ...process.env, TRACE_FILE: trace, TRACE_KILL_AT: String(killAt) } },
  );
  const read = existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n').sort() : [];
  rmSync(trace, { force: true });
  return { signal, status, stdout, stderr, read };
}

/** The paths of the stages that the journal has of an audit that was killed. */
async function journaled(root: string) {
  const journal = await openJournal(join(root, 'journal.sqlite'));
  const input = { nodeModules: join(root, 'node_modules'), policy: '{}', measureSizes: true };
  const unfinished = await journal?.unfinished(auditKey(input));
  return [...(unfinished?.ended ?? [])].map(([path]) => path);
}

describe('an audit that is killed', { timeout: 60_000 }, () => {
  test('is continued by the next start: what was done is not done again, and nothing is left out', async () => {
    const root = project();
    const first = start(root, { killAt: 60 });
    expect([first.signal, first.read.length]).toEqual(['SIGKILL', 59]);

    const done = await journaled(root);
    const readBefore = done.flatMap((path) => /^packages\[(.*)\]\/manifest$/.exec(path)?.[1] ?? []);
    const itemsDone = done.filter((path) => path.endsWith('/package')).length + readBefore.filter((key) => key.startsWith('broken')).length;
    expect(itemsDone).toBeGreaterThan(20);

    const second = start(root);
    expect([second.status, second.stderr]).toEqual([0, '']);
    expect(second.stdout).toContain(`: ${itemsDone} packages were done.`);
    const place = (key: string) => join(root, 'node_modules', key, 'package.json');
    const everything = [...Array(good).keys()].map((at) => `good-${at}`).concat([...Array(broken).keys()].map((at) => `broken-${at}`));
    expect(second.read).toEqual(
      everything
        .filter((key) => !readBefore.includes(key))
        .map(place)
        .sort(),
    );

    expect(second.stdout).toMatch(new RegExp(`^packages +completed .* ${total} of ${total} packages, ${broken} failed$`, 'm'));
    expect(second.stdout).toMatch(new RegExp(`^manifests +${good} read, ${broken} unreadable`, 'm'));
    const report = readFileSync(join(root, 'out/report.html'), 'utf8');
    expect(report).toContain(`${itemsDone} were done before this run was continued`);
    expect(report.match(/package\.json is not valid JSON/g)).toHaveLength(broken);
    expect(report).toMatch(/>discover<\/text><text[^>]*>completed before<\/text>/);
    expect(report).not.toMatch(/NaN|undefined|Infinity/);

    const third = start(root);
    expect(third.read).toHaveLength(total);
    expect(third.stdout).not.toContain('Continuing');
    expect(existsSync(join(root, 'journal.sqlite'))).toBe(false);
  });

  test('is left alone by a start with --fresh, and given up once that is done', async () => {
    const root = project();
    start(root, { killAt: 60 });
    expect((await journaled(root)).length).toBeGreaterThan(0);
    const fresh = start(root, { args: ['--fresh'] });
    expect([fresh.status, fresh.read.length]).toEqual([0, total]);
    expect(fresh.stdout).not.toContain('Continuing');
    expect(await journaled(root)).toEqual([]);
  });

  test('is another one than an audit with other arguments', async () => {
    const root = project();
    start(root, { killAt: 60 });
    const other = start(root, { args: ['--no-sizes'] });
    expect([other.status, other.read.length]).toEqual([0, total]);
    expect((await journaled(root)).length).toBeGreaterThan(0);
  });
});

test('where Node has no SQLite the audit runs without a journal, and says so', { timeout: 60_000 }, () => {
  const root = project();
  const { status, stdout, read } = start(root, { node: ['--no-experimental-sqlite'] });
  expect([status, read.length]).toEqual([0, total]);
  expect(stdout).toContain('has no SQLite. Killed, this audit cannot be continued.');
  expect(existsSync(join(root, 'journal.sqlite'))).toBe(false);
});
