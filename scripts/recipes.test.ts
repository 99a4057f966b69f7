import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { snippetsOf } from './docs-snippets.mjs';
import { pageModules } from './page-modules.ts';
import { root } from './workspace.mjs';

const pages = globSync('docs/recipes/*.md', { cwd: root })
  .filter((path) => basename(path) !== 'README.md')
  .sort();

/** The modules of a page run as they stand; what they assert is the test. */
describe('the recipe', () => {
  const run = pageModules('recipes');

  test.each(pages)('%s runs and does what it says', async (path) => {
    const [module = '', ...others] = snippetsOf(readFileSync(join(root, path), 'utf8'));
    expect(others, 'one module a page').toEqual([]);
    expect(module).toContain('assert.');
    await expect(run(`${basename(path, '.md')}.ts`, module)).resolves.toBeDefined();
  });

  test('that asserts something wrong is noticed', async () => {
    const wrong = "import assert from 'node:assert/strict';\nassert.equal(1, 2);\n";
    await expect(run('wrong.ts', wrong)).rejects.toThrow('Expected values to be strictly equal');
  });

  test.each(pages)('%s is in the list of recipes', (path) => {
    expect(readFileSync(join(root, 'docs/recipes/README.md'), 'utf8')).toContain(`](${basename(path)})`);
  });
});
