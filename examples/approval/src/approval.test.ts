import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

/** Runs a program to its end, and gives what it printed. */
function run(program: string, ...args: readonly string[]): readonly string[] {
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const printed = execFileSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path, ...args], { encoding: 'utf8' });
  return printed.trimEnd().split('\n');
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'approval-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'expenses.sqlite');
}

test('one process asks and ends, another decides and goes on, and what was done is not done again', { timeout: 30_000 }, () => {
  const file = newFile();
  expect(run('ask', file, '250')).toEqual(['  checking 250 for Ada', 'the run is suspended']);
  expect(run('decide', file, 'yes')).toEqual([
    'Pay 250 to Ada? yes',
    expect.stringMatching(/^ {2}paying with key [0-9a-f-]{36}\/paid$/),
    'paid 250 to Ada, approved by Grace',
  ]);
  expect(run('decide', file, 'yes')).toEqual(['']);
});

test('a no is an answer, too: nothing is paid', { timeout: 30_000 }, () => {
  const file = newFile();
  run('ask', file, '250');
  expect(run('decide', file, 'no')).toEqual(['Pay 250 to Ada? no', 'refused by Grace']);
});

test('what needs no approval does not wait', { timeout: 30_000 }, () => {
  expect(run('ask', newFile(), '50').at(-1)).toBe('paid 50 to Ada, approved by the rules');
});

test('the whole example runs', { timeout: 30_000 }, () => {
  expect(run('main')).toEqual(expect.arrayContaining(['ask:', 'the run is suspended', 'decide:', 'paid 250 to Ada, approved by Grace']));
});
