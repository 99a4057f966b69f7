// Looks at the built site as people do: in a browser, without scripts and with them, with no network but loopback.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from '../system-packages.mjs';
import { root } from '../workspace.mjs';
import { siteBase, siteFolder } from './build.mjs';
import { textOf } from './built-site.mjs';

/** @typedef {import('playwright-core').Browser} Browser */

const types = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript'],
  ['.css', 'text/css'],
  ['.json', 'application/json'],
  ['.svg', 'image/svg+xml'],
]);
const looked = {
  home: 'index.html',
  concept: 'concepts/edges-and-joins.html',
  api: 'api/core/retry.html',
  entry: 'api/core/index.html',
  error: 'errors/SF_STAGE_TIMEOUT.html',
  errors: 'errors/index.html',
  figures: 'performance.html',
};
const wide = { width: 1280, height: 900 };
const narrow = { width: 390, height: 844 };

/**
 * Serves the built site on loopback while `body` runs, and gives it a browser and the address. What is asked of any other host is refused and
 * counted.
 *
 * @param {(browser: Browser, address: string) => Promise<void>} body
 */
async function withSite(body) {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found: set STAGEFLOW_CHROMIUM, or install it.');
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const file = path.endsWith('/') ? `${path}index.html` : path;
    try {
      if (!file.startsWith(siteBase)) throw new Error('outside of the site');
      const content = await readFile(join(siteFolder, file.slice(siteBase.length)));
      response.setHeader('content-type', types.get(extname(file)) ?? 'application/octet-stream').end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const listening = server.address();
  const port = typeof listening === 'object' ? listening?.port : undefined;
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    await body(browser, `http://127.0.0.1:${port}${siteBase}`);
  } finally {
    await browser.close();
    server.close();
  }
}

/**
 * Opens a page that may reach nothing but the site, and says what it tried to reach.
 *
 * @param {Browser} browser
 * @param {string} address
 * @param {import('playwright-core').BrowserContextOptions} options
 */
async function openTab(browser, address, options) {
  const context = await browser.newContext(options);
  /** @type {string[]} */
  const refused = [];
  await context.route(
    (url) => url.origin !== new URL(address).origin && url.protocol.startsWith('http'),
    (route) => {
      refused.push(route.request().url());
      return route.abort();
    },
  );
  return { tab: await context.newPage(), refused };
}

/** @throws If a page has nothing to read where scripts are off, is wider than a small screen, or asks anything of another host. */
export async function checkReading() {
  await withSite(async (browser, address) => {
    const { tab, refused } = await openTab(browser, address, { javaScriptEnabled: false, viewport: narrow });
    for (const path of Object.values(looked)) {
      await tab.goto(address + path);
      if (!(await tab.locator('h1').first().isVisible())) throw new Error(`${path}: without scripts its heading is not to be seen`);
      const written = textOf(await tab.content()).length;
      if (written < 300) throw new Error(`${path}: without scripts there are ${written} characters to read`);
      const width = await tab.locator('html').evaluate((html) => html.scrollWidth);
      if (width > narrow.width) throw new Error(`${path} is ${width} pixels wide on a screen of ${narrow.width}`);
    }
    if (refused.length > 0) throw new Error(`asked of other hosts: ${refused.join(', ')}`);
    console.log(`${Object.keys(looked).length} pages, without scripts, ${narrow.width} pixels wide`);
  });
}

/** @throws If the search does not find a word of a concept, a public name and a code of an error, or asks anything of another host. */
export async function checkSearch() {
  const wanted = [
    ['root cause', 'concepts/'],
    ['virtualClock', 'api/testing/'],
    ['SF_GUARD_TOLERATED', 'errors/SF_GUARD_TOLERATED'],
  ];
  await withSite(async (browser, address) => {
    const { tab, refused } = await openTab(browser, address, { viewport: wide });
    await tab.goto(`${address}contents.html`);
    for (const [word = '', place = ''] of wanted) {
      await search(tab, word);
      const links = await tab
        .locator('.VPLocalSearchBox a.result')
        .evaluateAll((found) => found.map((link) => link.getAttribute('href') ?? ''));
      if (!links.some((link) => link.includes(place))) throw new Error(`"${word}" is not found under ${place}, only: ${links.join(', ')}`);
      await tab.keyboard.press('Escape');
    }
    if (refused.length > 0) throw new Error(`asked of other hosts: ${refused.join(', ')}`);
    console.log(`found: ${wanted.map(([word]) => word).join(', ')}`);
  });
}

/**
 * @param {import('playwright-core').Page} tab
 * @param {string} word
 */
async function search(tab, word) {
  await tab.waitForLoadState('networkidle');
  await tab.keyboard.press('Control+k');
  await tab.locator('.VPLocalSearchBox input').fill(word);
  await tab.locator('.VPLocalSearchBox a.result').first().waitFor({ timeout: 10_000 });
}

/**
 * Takes pictures of what the site looks like, in `reports/docs-site`: each kind of page, wide and narrow, dark and light.
 *
 * @returns {Promise<number>} The exit code.
 */
export async function takePictures() {
  const folder = join(root, 'reports/docs-site');
  mkdirSync(folder, { recursive: true });
  await withSite(async (browser, address) => {
    for (const viewport of [wide, narrow]) {
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        const { tab } = await openTab(browser, address, { colorScheme, viewport });
        for (const [name, path] of Object.entries(looked)) {
          await tab.goto(address + path, { waitUntil: 'networkidle' });
          await tab.screenshot({ path: join(folder, `${name}-${viewport.width}-${colorScheme}.png`) });
        }
        await tab.goto(`${address}contents.html`);
        await search(tab, 'retry');
        await tab.screenshot({ path: join(folder, `search-${viewport.width}-${colorScheme}.png`) });
        await tab.close();
      }
    }
  });
  console.log(`pictures in ${folder}`);
  return 0;
}
