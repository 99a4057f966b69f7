// The built `@stageflow/core`, as its users get it. It is built from a copy, so that no other build meets this one, and no change
// of the sources during the run is half measured.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const root = join(here, '..');
const copies = join(here, '.cache', 'packages');

/** Where the copy lies: as deep as the original, so that what its configuration extends is found. */
export const coreDirectory = join(copies, 'core');

/** Copies core and builds it as `scripts/build.mjs` does. */
export async function buildCore() {
  // Imported here, for the processes that measure need neither.
  const { bundleEntries } = await import('../scripts/bundle.mjs');
  const { readManifest } = await import('../scripts/workspace.mjs');
  rmSync(copies, { recursive: true, force: true });
  cpSync(join(root, 'tsconfig.base.json'), join(here, '.cache', 'tsconfig.base.json'));
  for (const part of ['package.json', 'tsconfig.json', 'README.md', 'src']) {
    cpSync(join(root, 'packages', 'core', part), join(coreDirectory, part), { recursive: true });
  }
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-b', coreDirectory], { stdio: 'inherit' });
  await bundleEntries({ directory: coreDirectory, folder: 'packages/core', manifest: readManifest(coreDirectory) });
}

/**
 * @param {string} subpath `.` or `./define`.
 * @returns {string} The file that `exports` gives for it.
 */
export function coreEntry(subpath) {
  if (!existsSync(coreDirectory)) throw new Error('There is no built core: run without --no-build.');
  const { exports } = JSON.parse(readFileSync(join(coreDirectory, 'package.json'), 'utf8'));
  return join(coreDirectory, exports[subpath].default);
}

const interceptors = join(here, '.cache', 'interceptors.mjs');

/** Makes one file of `@stageflow/interceptors` that stands on the built core. */
export async function buildInterceptors() {
  const { rolldown } = await import('rolldown');
  const core = Object.fromEntries(['.', './limits'].map((subpath) => [`@stageflow/core${subpath.slice(1)}`, coreEntry(subpath)]));
  const bundle = await rolldown({
    input: join(root, 'packages', 'interceptors', 'src', 'index.ts'),
    plugins: [{ name: 'built core', resolveId: (id) => (core[id] ? { id: pathToFileURL(core[id]).href, external: true } : null) }],
  });
  await bundle.write({ file: interceptors, format: 'esm' });
  await bundle.close();
}

export function importInterceptors() {
  return import(pathToFileURL(interceptors).href);
}

/** @param {string} subpath */
export function importCore(subpath) {
  return import(pathToFileURL(coreEntry(subpath)).href);
}
