import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { entriesOf, resolveTarget } from './workspace.mjs';

/** @typedef {import('./workspace.mjs').WorkspacePackage} WorkspacePackage */

/**
 * Replaces the many scripts of a built package by one for each entry and one for what they share: a cold import then
 * opens two files, not fifty, and reads no documentation, which editors find in the declarations. What `imports` names
 * stays as it is, because conditions choose it where it is used; so do the declarations.
 *
 * @param {WorkspacePackage} workspacePackage Built: its `dist` holds what the compiler wrote.
 */
export async function bundleEntries(workspacePackage) {
  const { directory, manifest } = workspacePackage;
  const dist = join(directory, 'dist');
  const entries = entriesOf(workspacePackage).map(({ script }) => script);
  if (entries.length === 0 || !entries.every((entry) => existsSync(entry))) return;
  const fresh = mkdtempSync(join(directory, 'dist', '.bundle-'));
  const bundle = await rolldown({ input: entries, external: (id) => !id.startsWith('.') && !id.startsWith('/') });
  await bundle.write({
    dir: fresh,
    format: 'esm',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
    minifyInternalExports: false,
    comments: { jsdoc: false },
  });
  await bundle.close();
  const kept = new Set(Object.values(manifest.imports ?? {}).flatMap((target) => conditionalTargets(target)));
  for (const file of filesIn(dist)) {
    if (/\.js(\.map)?$/.test(file) && !file.startsWith(fresh) && !kept.has(file.slice(directory.length + 1))) rmSync(file);
  }
  for (const file of readdirSync(fresh)) renameSync(join(fresh, file), join(dist, file));
  rmSync(fresh, { recursive: true });

  /** @param {import('./workspace.mjs').ExportTarget} target */
  function conditionalTargets(target) {
    return ['development', 'default'].map((condition) => resolveTarget(target, condition, manifest.name).replace(/^\.\//, ''));
  }
}

/**
 * @param {string} folder
 * @returns {string[]} Absolute paths of all files below it.
 */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
