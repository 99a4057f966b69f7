import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readLedger } from './booking-service.ts';
import { ledgerIn } from './host.ts';

function start(
  program: string,
  ...args: readonly string[]
): { readonly signal: string | null; readonly lines: readonly string[]; readonly errors: string } {
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const { signal, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { signal, lines: stdout.trimEnd().split('\n'), errors: stderr };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'saga-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The ledger in words. */
function ledger(folder: string): readonly string[] {
  return readLedger(ledgerIn(folder)).map(({ action, what }) => `${action} ${what}`);
}

const wholeStory = [
  'booked a flight to Rome',
  'booked a hotel in Rome',
  'booked a car in Rome',
  'cancelled a car in Rome',
  'cancelled a hotel in Rome',
  'cancelled a flight to Rome',
];

test('a trip that cannot be paid for is undone in the process that booked it, the last booking first', { timeout: 30_000 }, () => {
  const folder = newFolder();
  const { signal, lines, errors } = start('book', folder);
  expect({ signal, errors, end: lines.at(-1) }).toEqual({
    signal: null,
    errors: '',
    end: '  the run has failed; undone: car, hotel, flight',
  });
  expect(ledger(folder)).toEqual(wholeStory);
});

test.each([
  ['booked a car in Rome', '  a car in Rome was booked already'],
  ['cancelled a car in Rome', '  a car in Rome was cancelled already'],
  ['cancelled a hotel in Rome', '  a hotel in Rome was cancelled already'],
  ['cancelled a flight to Rome', '  a flight to Rome was cancelled already'],
])(
  'killed when it has %s, it is followed by a process that asks for that again and finds it done',
  { timeout: 30_000 },
  (killAt, first) => {
    const folder = newFolder();
    expect(start('book', folder, killAt)).toMatchObject({ signal: 'SIGKILL', errors: '' });
    expect(ledger(folder).at(-1)).toBe(killAt);
    const { signal, lines, errors } = start('recover', folder);
    expect({ signal, errors, first: lines[0], end: lines.at(-1) }).toEqual({
      signal: null,
      errors: '',
      first,
      end: '  the run has failed',
    });
    expect(ledger(folder)).toEqual(wholeStory);
  },
);

test('a process that undoes the rest may be killed, too', { timeout: 30_000 }, () => {
  const folder = newFolder();
  expect(start('book', folder, 'cancelled a car in Rome').signal).toBe('SIGKILL');
  expect(start('recover', folder, 'cancelled a hotel in Rome').signal).toBe('SIGKILL');
  expect(start('recover', folder).lines).toEqual([
    '  a hotel in Rome was cancelled already',
    '  cancelled a flight to Rome',
    '  the run has failed',
  ]);
  expect(ledger(folder)).toEqual(wholeStory);
});

test('the whole example runs, and everything that was booked is cancelled once', { timeout: 30_000 }, () => {
  const { lines, errors } = start('main');
  expect(errors).toBe('');
  expect(lines).toEqual(expect.arrayContaining(['-- killed by SIGKILL', '  a hotel in Rome was cancelled already', '-- ended with 0']));
  expect(lines.slice(lines.indexOf('the ledger:') + 1)).toEqual(wholeStory.map((entry) => `  ${entry}`));
});
