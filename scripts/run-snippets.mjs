// Runs modules of the documentation one after another, each in an empty folder: node scripts/run-snippets.mjs <module>…
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const limitMs = 20_000;
let current = '';

/**
 * @param {string} what
 * @param {unknown} error
 */
function fail(what, error) {
  console.error(`${basename(current)}: ${what}`, error);
  process.exit(1);
}
process.on('unhandledRejection', (error) => fail('a promise was rejected, and nobody looked', error));
process.on('uncaughtException', (error) => fail('threw', error));

const modules = process.argv.slice(2);
for (const path of modules) {
  current = path;
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-snippet-'));
  process.chdir(folder);
  const timer = setTimeout(() => fail(`had not ended after ${limitMs} ms`, ''), limitMs);
  await import(pathToFileURL(path).href);
  clearTimeout(timer);
  process.chdir(tmpdir());
  rmSync(folder, { recursive: true, force: true });
}
// What they opened (servers, recovery, files) ends with the process.
process.exit(0);
