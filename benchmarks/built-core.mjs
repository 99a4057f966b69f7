// The built `@stageflow/core`, as its users get it. It is built from a copy, so that no other build meets this one, and no change
// of the sources during the run is half measured.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
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

/** The packages that stand on the built core in features. */
const adapters = ['interceptors', 'otel', 'prometheus', 'pino'];

const adapterFile = (/** @type {string} */ name) => join(here, '.cache', `${name}.mjs`);

/** The packages that keep runs, measured by `stores.mjs`. */
export const storePackages = ['sqlite-store', 'postgres-store'];

/**
 * Makes one file of the main entry of each adapter, on the built core.
 *
 * @param {readonly string[]} names
 */
export async function buildAdapters(names = adapters) {
  const { rolldown } = await import('rolldown');
  const core = Object.fromEntries(
    ['.', './limits', './ports'].map((subpath) => [`@stageflow/core${subpath.slice(1)}`, coreEntry(subpath)]),
  );
  for (const name of names) {
    const bundle = await rolldown({
      input: join(root, 'packages', name, 'src', 'index.ts'),
      platform: 'node',
      plugins: [{ name: 'built core', resolveId: (id) => (core[id] ? { id: pathToFileURL(core[id]).href, external: true } : null) }],
    });
    await bundle.write({ file: adapterFile(name), format: 'esm' });
    await bundle.close();
  }
}

/** @param {'interceptors' | 'otel' | 'prometheus' | 'pino' | 'sqlite-store' | 'postgres-store'} name */
export function importAdapter(name) {
  return import(pathToFileURL(adapterFile(name)).href);
}

/**
 * What a package of this repository has among its own dependencies.
 *
 * @param {string} folder From the root.
 * @param {string} specifier
 */
export function importDependencyOf(folder, specifier) {
  return import(pathToFileURL(createRequire(join(root, folder, 'package.json')).resolve(specifier)).href);
}

/** @param {string} subpath */
export function importCore(subpath) {
  return import(pathToFileURL(coreEntry(subpath)).href);
}
