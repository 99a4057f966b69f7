import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { brokenReferences, builtPages, textOf } from './built-site.mjs';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function brokenIn(files: Record<string, string>, base = '/'): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'built-site-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return brokenReferences(builtPages(folder), folder, base);
}

describe('brokenReferences()', () => {
  const plan = '<h2 id="order">Order</h2>';

  test('takes links to pages, folders, files and headings', () => {
    const links = ['/plan.html', '/plan.html#order', '/plan', 'plan.html', '#top', '/api/', '/style.css', 'https://example.org'];
    const index = `<a id="top"></a>${links.map((link) => `<a class="x" href="${link}">x</a>`).join('')}`;
    expect(
      brokenIn({ 'index.html': index, 'plan.html': plan, 'api/index.html': '<a href="../plan.html#order">x</a>', 'style.css': '' }),
    ).toEqual([]);
  });

  test('finds a page and a heading that are not there', () => {
    expect(
      brokenIn({ 'index.html': '<a href="/gone.html">x</a><a href="/plan.html#gone">x</a><a href="#gone">x</a>', 'plan.html': plan }),
    ).toEqual([
      'index.html: "/gone.html" leads nowhere',
      'index.html: "/plan.html#gone" leads nowhere',
      'index.html: "#gone" leads nowhere',
    ]);
  });

  test('finds a link that leaves the path of the site', () => {
    expect(brokenIn({ 'index.html': '<a href="/docs/plan.html">x</a><a href="/plan.html">x</a>', 'plan.html': plan }, '/docs/')).toEqual([
      'index.html: "/plan.html" leads nowhere',
    ]);
  });

  test('finds what a browser would fetch from elsewhere', () => {
    const html = '<script src="https://example.org/a.js"></script><link rel="x" href="//example.org/a.css"><script src="/own.js"></script>';
    expect(brokenIn({ 'index.html': html })).toEqual([
      'index.html: fetches https://example.org/a.js',
      'index.html: fetches //example.org/a.css',
    ]);
  });
});

test('textOf() is what stands in the main part, without marks and scripts', () => {
  expect(textOf('<nav>Menu</nav><main class="m"><h1>A &amp; b</h1>\n <script>no()</script><p>c</p></main>')).toBe('A & b c');
});
