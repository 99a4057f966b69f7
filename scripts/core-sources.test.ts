import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './workspace.mjs';

test('docs/core-sources.md has one line for each file of core, and no other', () => {
  const page = readFileSync(join(root, 'docs/core-sources.md'), 'utf8');
  const rows = page.split('\n').flatMap((line) => /^\| (`[^|]*`) \|/.exec(line)?.[1]?.split(', ') ?? []);
  const files = globSync('**/*.ts', { cwd: join(root, 'packages/core/src') })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/\.test(-d)?\.ts$/.test(path));
  expect(rows.map((row) => row.replaceAll('`', '')).sort()).toEqual(files.sort());
});
