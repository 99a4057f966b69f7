import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from './system-packages.mjs';
import { readManifest, resolveTarget } from './workspace.mjs';

const packedCore = '/node_modules/@stageflow/core';

/**
 * The page, with an import map that leads to what the package.json of the packed core says.
 *
 * @param {string} directory
 */
function pageFor(directory) {
  const manifest = readManifest(join(directory, packedCore));
  const targets = { '@stageflow/core': manifest.exports?.['.'], ...manifest.imports };
  const imports = Object.fromEntries(
    Object.entries(targets).map(([specifier, target]) => [specifier, join(packedCore, resolveTarget(target, 'default', manifest.name))]),
  );
  return `<!doctype html>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
  import * as core from '@stageflow/core';
  import { runSmoke } from '/platform-smoke.mjs';
  runSmoke(core).then((output) => (document.title = output), (error) => (document.title = 'failed: ' + error));
</script>`;
}

/**
 * Serves the directory on loopback and runs its smoke source in a page of headless Chromium.
 *
 * @param {string} directory Has `platform-smoke.mjs`, and the packed core in `node_modules`.
 */
export async function runInChromium(directory) {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found: set STAGEFLOW_CHROMIUM, or install it.');
  const server = serve(directory);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });
  try {
    const tab = await browser.newPage();
    /** @type {string[]} */
    const errors = [];
    tab.on('pageerror', (error) => errors.push(String(error)));
    await tab.goto(`http://127.0.0.1:${port}/`);
    await tab.waitForFunction('document.title !== ""', undefined, { timeout: 10_000 }).catch(() => errors.push('The page gave no result.'));
    const title = await tab.title();
    if (errors.length > 0 || title.startsWith('failed')) throw new Error([title, ...errors].join('\n'));
    console.log(`Chromium ${browser.version()}: ${title}`);
  } finally {
    await browser.close();
    server.close();
  }
}

/** @param {string} directory */
function serve(directory) {
  const page = pageFor(directory);
  return createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path === '/') return void response.setHeader('content-type', 'text/html').end(page);
    try {
      const text = await readFile(join(directory, normalize(path)));
      response.setHeader('content-type', 'text/javascript').end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
}
