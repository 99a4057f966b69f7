import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

function start(
  program: string,
  ...args: readonly string[]
): { readonly signal: string | null; readonly lines: readonly string[]; readonly errors: string } {
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const { signal, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path, ...args], {
    encoding: 'utf8',
  });
  return { signal, lines: stdout.trimEnd().split('\n'), errors: stderr };
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'digest.sqlite');
}

const result = 'completed THE TEXT OF A.HTML; THE TEXT OF B.HTML; THE TEXT OF C.HTML';
const sending = 'sending 3 summaries with key digest-of-today/send';

test('a process that is killed in the middle of a stage is followed by one that goes on there', { timeout: 30_000 }, () => {
  const file = newFile();
  const first = start('run', file, 'fetching c.html');
  expect(first).toMatchObject({ signal: 'SIGKILL', errors: '' });
  expect(first.lines).toEqual(['fetching a.html', 'summarizing a.html', 'fetching b.html', 'summarizing b.html', 'fetching c.html']);
  const second = start('run', file);
  expect(second).toMatchObject({ signal: null, errors: '' });
  const [goingOn, ...others] = second.lines;
  expect(goingOn).toMatch(/^going on with \d stages done$/);
  expect(others.slice(-4)).toEqual(['fetching c.html', 'summarizing c.html', sending, result]);
});

test('a process that is killed while it sends is followed by one that sends with the same key, and does nothing else', {
  timeout: 30_000,
}, () => {
  const file = newFile();
  expect(start('run', file, sending)).toMatchObject({ signal: 'SIGKILL' });
  expect(start('run', file)).toMatchObject({ signal: null, lines: ['going on with 6 stages done', sending, result] });
});

test('the whole example runs', { timeout: 30_000 }, () => {
  const { lines, errors } = start('main');
  expect(errors).toBe('');
  expect(lines).toContain('-- killed by SIGKILL');
  expect(lines.slice(-2)).toEqual([result, '-- ended']);
});
