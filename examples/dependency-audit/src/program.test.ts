import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fixtureTree, manifest } from './fixture-tree.ts';
import { runProgram } from './program.ts';

/** Runs the program and keeps what it prints. `onPrint` sees each piece. */
async function program(
  args: readonly string[],
  options: { columns?: number; onPrint?: (text: string, stop: AbortController) => void } = {},
) {
  const stop = new AbortController();
  let printed = '';
  let complaints = '';
  const output = {
    isTTY: options.columns !== undefined,
    columns: options.columns ?? 80,
    write(text: string) {
      printed += text;
      options.onPrint?.(text, stop);
    },
  };
  const errors = {
    write(text: string) {
      complaints += text;
    },
  };
  const journal = join(fixtureTree({ '.keep': '' }, onTestFinished), 'journal.sqlite');
  const code = await runProgram([...args, '--journal', journal], { output, errors, signal: stop.signal });
  return { code, printed, complaints };
}

const project = () =>
  fixtureTree(
    {
      'node_modules/a/package.json': manifest('a'),
      'node_modules/b/package.json': manifest('b', '1.0.0', { license: 'GPL-3.0-only' }),
      'strict.json': '{ "licences": { "denied": ["GPL-3.0-only"] } }',
      'lenient.json': '{}',
      'wrong.json': '{ "licences": { "allowed": "MIT" }, "size": {} }',
      'broken.json': '{',
    },
    onTestFinished,
  );

describe('runProgram()', () => {
  test('prints the stages, the summary and where the reports are', async () => {
    const root = project();
    const { code, printed, complaints } = await program([root, '--policy', join(root, 'lenient.json'), '--out', join(root, 'out')]);
    expect([code, complaints]).toEqual([0, '']);
    expect(printed).toMatch(/^discover +completed .* 2 places$/m);
    expect(printed).toMatch(/^packages +completed .* 2 of 2 packages$/m);
    expect(printed).toMatch(/^licences +2 different licences +no rule$/m);
    expect(printed).toContain('Within the policy.');
    expect(printed).not.toContain('\u001B');
    expect(readFileSync(join(root, 'out/report.md'), 'utf8')).toContain('# Dependency audit');
    expect(readFileSync(join(root, 'out/report.html'), 'utf8')).toContain('<title>Dependency audit: passed</title>');
  });

  test('takes the node_modules folder itself', async () => {
    const root = project();
    const { code } = await program([join(root, 'node_modules'), '--policy', join(root, 'lenient.json'), '--out', join(root, 'out')]);
    expect(code).toBe(0);
  });

  test('exits with 1 where the policy blocks, and writes the reports with the violations', async () => {
    const root = project();
    const { code, printed } = await program([root, '--policy', join(root, 'strict.json'), '--out', join(root, 'out')]);
    expect(code).toBe(1);
    expect(printed).toContain('Blocked by the policy: 1 violation.\n  licences: b@1.0.0 licence GPL-3.0-only is not allowed');
    for (const file of ['out/report.md', 'out/report.html']) {
      const report = readFileSync(join(root, file), 'utf8');
      expect(report).toContain('Violations');
      expect(report).toContain('licence GPL-3.0-only is not allowed');
    }
  });

  test.each([
    [['/no/such/place'], 'There is no folder "/no/such/place".'],
    [['ROOT/lenient.json'], 'is not a folder'],
    [['ROOT/out'], 'There is no folder'],
    [['ROOT/node_modules/a'], 'There is no node_modules in'],
    [['ROOT', '--policy', 'ROOT/none.json'], 'cannot be read: ENOENT'],
    [['ROOT', '--policy', 'ROOT/broken.json'], 'not valid JSON'],
    [['ROOT', '--policy', 'ROOT/wrong.json'], '  licences.allowed: '],
    [['ROOT', '--out', 'ROOT/lenient.json/below', '--policy', 'ROOT/lenient.json'], 'cannot be written'],
    [['ROOT', 'ROOT'], 'One path is expected, not 2'],
    [['--polcy'], "Unknown option '--polcy'"],
  ])('exits with 2 and says what is wrong with %j', async (args, complaint) => {
    const root = project();
    const { code, complaints } = await program(args.map((arg) => arg.replace('ROOT', root)));
    expect(code).toBe(2);
    expect(complaints).toContain(complaint);
    expect(existsSync(join(root, 'out'))).toBe(false);
  });

  test('names every problem of a policy with its place', async () => {
    const root = project();
    const { complaints } = await program([root, '--policy', join(root, 'wrong.json')]);
    expect(complaints).toMatch(/is not valid:\n {2}licences\.allowed: .*array.*\n {2}.*"size"/s);
  });

  test('says how far it got when it is interrupted', async () => {
    const root = project();
    const interrupted = await program([root, '--policy', join(root, 'lenient.json'), '--out', join(root, 'out')], {
      onPrint: (text, stop) => text.startsWith('discover') && stop.abort(new Error('interrupted')),
    });
    expect(interrupted.code).toBe(130);
    expect(interrupted.printed).toContain('Cancelled: interrupted. No report was written.');
    expect(interrupted.printed).toMatch(/^ {2}discover +completed: 2 places$/m);
    expect(interrupted.printed).toMatch(/^ {2}packages +cancelled/m);
    expect(interrupted.printed).toMatch(/^ {2}report +cancelled: not started$/m);
    expect(existsSync(join(root, 'out'))).toBe(false);
  });

  test('draws over its own lines on a terminal, none wider than it is', async () => {
    const root = project();
    const { printed } = await program([root, '--policy', join(root, 'lenient.json'), '--out', join(root, 'out')], { columns: 60 });
    expect(printed).toContain('\u001B[8A');
    const drawn = printed.split('\u001B[8A').at(-1)?.split('\n').slice(0, 8) ?? [];
    expect(drawn.every((line) => line.includes('✓'))).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    expect(drawn.map((line) => line.replace(/\u001B\[[\d;]*[A-Za-z]/g, '').length <= 60)).not.toContain(false);
  });

  test('takes a terminal that does not know its width for one of 80 columns', async () => {
    const root = project();
    const { printed } = await program([root, '--policy', join(root, 'lenient.json'), '--out', join(root, 'out')], { columns: 0 });
    expect(printed).toContain('2 of 2 packages');
  });

  test('keeps the summary within 80 columns', async () => {
    const root = project();
    const { printed } = await program([root, '--policy', join(root, 'lenient.json'), '--out', join(root, 'out')]);
    const table = printed.split('\n').slice(-13, -4);
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('explains itself', async () => {
    const { code, printed } = await program(['--help']);
    expect(code).toBe(0);
    expect(printed).toContain('--policy <file>');
    expect(Math.max(...printed.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('passes this repository by its default policy when started by itself', { timeout: 60_000 }, () => {
    const out = join(fixtureTree({ 'out/.keep': '' }, onTestFinished), 'out');
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(
      process.execPath,
      ['--conditions=@stageflow/source', main, '--out', out, '--journal', join(out, 'journal')],
      { encoding: 'utf8' },
    );
    expect(printed).toContain('Within the policy.');
  });
});
