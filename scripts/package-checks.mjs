import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkSurface } from './api-surface.mjs';
import { command, pnpm } from './command.mjs';
import { entriesOf, root } from './workspace.mjs';

/** @typedef {import('./workspace.mjs').WorkspacePackage} WorkspacePackage */

const attwOptions = ['--profile', 'esm-only', '--format', 'table-flipped', '--no-emoji', '--no-color'];

/**
 * The checks of one built package, by name: on the tarball that would be published, and on the size and surface of its entries.
 *
 * @param {WorkspacePackage} workspacePackage
 * @returns {[name: string, check: () => unknown][]}
 */
export function packageChecks(workspacePackage) {
  const name = workspacePackage.manifest.name;
  const tarball = tarballOf(workspacePackage);
  /** @type {[name: string, check: () => unknown][]} */
  const ofEach = [
    [`${name}: pack`, () => pack(workspacePackage)],
    [`${name}: publint`, () => command('publint', ['--strict', tarball])],
  ];
  // What is only a program has no entry to import, and so neither types nor a surface.
  if (entriesOf(workspacePackage).length === 0) return ofEach;
  return [
    ...ofEach,
    [`${name}: types resolve`, () => command('attw', [...attwOptions, tarball], { show: false })],
    [`${name}: size`, () => checkSizes(workspacePackage)],
    [`${name}: public surface`, () => checkSurface(workspacePackage)],
  ];
}

/**
 * @param {WorkspacePackage} workspacePackage
 * @returns {string} The path of the tarball that `pack` writes.
 */
export function tarballOf({ folder }) {
  return join(root, '.cache', 'tarballs', `${folder.split('/').at(-1)}.tgz`);
}

/**
 * Writes the tarball as it would be published, and checks what is in it.
 *
 * @param {WorkspacePackage} workspacePackage
 */
export async function pack(workspacePackage) {
  const tarball = tarballOf(workspacePackage);
  mkdirSync(join(root, '.cache', 'tarballs'), { recursive: true });
  rmSync(tarball, { force: true });
  await pnpm(['pack', '--out', tarball], { cwd: workspacePackage.directory, show: false });
  const files = (await command('tar', ['-tzf', tarball], { show: false })).trim().split('\n');
  const unwanted = files.filter((file) =>
    /^package\/(?!templates\/).*\.test(-d)?\.|\.tsbuildinfo$|^package\/(api\.txt|\.|tsconfig)/.test(file),
  );
  if (unwanted.length > 0) throw new Error(`does not belong into the tarball: ${unwanted.join(', ')}`);
  const missing = ['package/LICENSE', 'package/README.md'].filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`missing in the tarball: ${missing.join(', ')}`);
  const manifest = await command('tar', ['-xzOf', tarball, 'package/package.json'], { show: false });
  for (const leak of ['@stageflow/source', 'workspace:', 'catalog:']) {
    if (manifest.includes(`"${leak}`)) throw new Error(`"${leak}" is in the published package.json`);
  }
  console.log(`${files.length} files`);
}

/**
 * Every entry has a budget in the package's `.size-limit.json`, and keeps it.
 *
 * @param {WorkspacePackage} workspacePackage
 */
async function checkSizes(workspacePackage) {
  const config = join(workspacePackage.directory, '.size-limit.json');
  /** @type {{ path: string }[]} */
  const budgets = JSON.parse(readFileSync(config, 'utf8'));
  const covered = new Set(budgets.map(({ path }) => join(workspacePackage.directory, path)));
  const without = entriesOf(workspacePackage).filter(({ script }) => !covered.has(script));
  if (without.length > 0) throw new Error(`no budget in .size-limit.json: ${without.map(({ specifier }) => specifier).join(', ')}`);
  await command('size-limit', ['--config', config]);
}
