import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { brokenLinks, documentationPages } from './docs-links.mjs';

function broken(page: string): string[] {
  const base = mkdtempSync(join(tmpdir(), 'stageflow-links-'));
  mkdirSync(join(base, 'docs/a b'), { recursive: true });
  writeFileSync(join(base, 'README.md'), '# Top\n');
  writeFileSync(join(base, 'docs/code.ts'), '');
  writeFileSync(join(base, 'docs/page.md'), page);
  return brokenLinks(['docs/page.md'], base);
}

describe('brokenLinks()', () => {
  test('accepts files, folders, headings, lines of code, and addresses', () => {
    const links = [
      '../README.md',
      '../README.md#top',
      '#here',
      'code.ts',
      'code.ts#L3',
      'code.ts#L3-L9',
      './',
      'a%20b/',
      'https://a.example/#b',
    ];
    expect(broken(`# Here\n${links.map((link) => `[x](${link})\n`).join('')}`)).toEqual([]);
  });

  test.each([
    ['gone.md', 'leads to no file'],
    ['../../outside.md', 'leads to no file'],
    ['../README.md#bottom', 'leads to no heading'],
    ['#nowhere', 'leads to no heading'],
    ['code.ts#part', 'has an anchor, but leads to no page'],
    ['/README.md', 'is not a relative link'],
  ])('refuses %s', (target, why) => {
    expect(broken(`\n[x](${target})\n`)).toEqual([`docs/page.md:2: "${target}" ${why}`]);
  });
});

test('documentationPages() lists the pages of this repository', async () => {
  const pages = await documentationPages();
  expect(pages).toContain('README.md');
  expect(pages.filter((page) => page.includes('node_modules'))).toEqual([]);
});
