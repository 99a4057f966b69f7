import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { runScript } from '../web-standard-globals.mjs';

/**
 * The quick start as one file for a browser, run on the globals that are everywhere.
 *
 * @param {string} folder Where core is installed, beside `main.ts`.
 */
export function browserBundle(folder) {
  return runBundle(folder, ['browser', 'import', 'default']);
}

/**
 * The quick start as one file for a worker runtime, which resolves packages by conditions of its own.
 *
 * @param {string} folder Where core is installed, beside `main.ts`.
 */
export function workerBundle(folder) {
  return runBundle(folder, ['workerd', 'worker', 'browser', 'import', 'default']);
}

/**
 * @param {string} folder
 * @param {string[]} conditionNames
 */
async function runBundle(folder, conditionNames) {
  const build = await rolldown({
    input: join(folder, 'main.ts'),
    platform: 'browser',
    resolve: { conditionNames },
    // What cannot be resolved, a module of Node for one, is only warned of.
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
  });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  const [{ code }, ...rest] = output;
  if (rest.length > 0) throw new Error(`${rest.length} files beside the bundle`);
  const imports = output[0].imports;
  if (imports.length > 0) throw new Error(`the bundle imports ${imports.join(', ')}`);
  const body = code.replace(/export\s*\{[^}]*\};?\s*$/, '');
  /** @type {unknown[]} */
  const printed = [];
  await runScript(`(async () => {${body}\n})()`, { console: { log: (/** @type {unknown} */ line) => printed.push(line) } });
  if (printed.join() !== 'HELLO, ADA!') throw new Error(`The bundle printed ${JSON.stringify(printed)}.`);
  console.log(`${(gzipSync(code).length / 1000).toFixed(1)} kB gzip, ${(code.length / 1000).toFixed(1)} kB minified`);
}
