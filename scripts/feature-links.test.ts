import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unprovenFeatures } from './feature-links.mjs';

function problems(claim: string): string[] {
  const base = mkdtempSync(join(tmpdir(), 'stageflow-features-'));
  mkdirSync(join(base, 'packages/core/src'), { recursive: true });
  writeFileSync(join(base, 'packages/core/src/retry.ts'), '');
  writeFileSync(join(base, 'packages/core/src/retry.test.ts'), "test('waits twice as long', () => {});\n");
  return unprovenFeatures(`| feature | Stageflow | peer |\n|---|---|---|\n| retry | ${claim} | yes |\n`, { base });
}

describe('unprovenFeatures()', () => {
  test.each([
    'planned',
    '[yes](packages/core/src/retry.test.ts)',
    '[yes, at most n](packages/core/src/retry.test.ts "waits twice as long")',
  ])('accepts %s', (claim) => {
    expect(problems(claim)).toEqual([]);
  });

  test.each([
    ['yes', 'says "yes": link each "yes" to its proof, or say "planned"'],
    ['partly', 'says "partly": link each "yes" to its proof, or say "planned"'],
    ['[yes](packages/core/src/retry.ts)', 'links to "packages/core/src/retry.ts", which is neither a test nor a bench'],
    ['[yes](packages/core/src/gone.test.ts)', 'links to "packages/core/src/gone.test.ts", which does not exist'],
  ])('refuses %s', (claim, why) => {
    expect(problems(claim)).toEqual([`README.md:3: "retry" ${why}`]);
  });

  test('refuses a test that the file does not have', () => {
    expect(problems('[yes](packages/core/src/retry.test.ts "waits")')).toEqual([
      'README.md:3: "retry": "packages/core/src/retry.test.ts" has no test named "waits"',
    ]);
  });

  test('refuses a row that has no value for a column', () => {
    const table = '| feature | Stageflow | peer | other |\n|---|---|---|---|\n| retry | planned | yes |\n';
    expect(unprovenFeatures(table)).toEqual(['README.md:3: "retry" says nothing under "other"']);
  });

  test('refuses a page without the table', () => {
    expect(unprovenFeatures('# Stageflow')).toEqual(['README.md: there is no table of features']);
  });
});
