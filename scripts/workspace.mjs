// What the repository consists of, read from the disk: nothing here names a package.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @typedef {Record<string, string>} Dependencies
 * @typedef {string | { [condition: string]: ExportTarget }} ExportTarget
 * @typedef {object} Manifest
 * @property {string} name
 * @property {boolean} [private]
 * @property {string} [license]
 * @property {string} [type]
 * @property {unknown} [sideEffects]
 * @property {string} [packageManager]
 * @property {Dependencies} [engines]
 * @property {string[]} [files]
 * @property {Record<string, ExportTarget>} [exports]
 * @property {Record<string, ExportTarget>} [imports]
 * @property {{ exports?: Record<string, ExportTarget>, imports?: Record<string, ExportTarget> }} [publishConfig]
 * @property {Dependencies} [dependencies]
 * @property {Dependencies} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 * @property {Dependencies} [optionalDependencies]
 * @property {Dependencies} [devDependencies]
 *
 * @typedef {object} WorkspacePackage
 * @property {string} directory Absolute path.
 * @property {string} folder Path from the root, such as `packages/core`.
 * @property {Manifest} manifest
 *
 * @typedef {object} Entry
 * @property {string} subpath Key in `exports`, such as `.` or `./plan`.
 * @property {string} specifier What a consumer imports, such as `@stageflow/core/plan`.
 * @property {string} script Absolute path of the built JavaScript.
 * @property {string} declarations Absolute path of the built `.d.ts`.
 */

/**
 * @param {string} directory
 * @returns {Manifest}
 */
export function readManifest(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

/**
 * The packages in one folder of the repository, in alphabetical order.
 *
 * @param {string} parent `packages` or `examples`.
 * @param {string} [base] The repository.
 * @returns {WorkspacePackage[]}
 */
export function packagesIn(parent, base = root) {
  if (!existsSync(join(base, parent))) return [];
  return readdirSync(join(base, parent))
    .sort()
    .map((name) => ({ folder: `${parent}/${name}`, directory: join(base, parent, name) }))
    .filter(({ directory }) => existsSync(join(directory, 'package.json')))
    .map((place) => ({ ...place, manifest: readManifest(place.directory) }));
}

/** @returns {WorkspacePackage} The package that everything else stands on, and that must run everywhere. */
export function corePackage() {
  const core = packagesIn('packages').find(({ manifest }) => manifest.name === '@stageflow/core');
  if (!core) throw new Error('There is no package @stageflow/core.');
  return core;
}

/**
 * The entries of a package that are code.
 *
 * @param {WorkspacePackage} workspacePackage
 * @returns {Entry[]}
 */
export function entriesOf({ directory, manifest }) {
  return Object.entries(manifest.exports ?? {})
    .filter(([subpath]) => subpath !== './package.json')
    .map(([subpath, target]) => ({
      subpath,
      specifier: manifest.name + subpath.slice(1),
      script: join(directory, resolveTarget(target, 'default', manifest.name)),
      declarations: join(directory, resolveTarget(target, 'types', manifest.name)),
    }));
}

/**
 * The file an `exports` or `imports` target gives under `condition`, or under `default` further in.
 *
 * @param {ExportTarget | undefined} target
 * @param {string} condition
 * @param {string} owner
 * @returns {string}
 */
export function resolveTarget(target, condition, owner) {
  if (typeof target === 'string') return target;
  const next = target?.[condition] ?? target?.['default'];
  if (next === undefined) throw new Error(`package.json of ${owner} has an entry with neither "${condition}" nor "default".`);
  return resolveTarget(next, condition, owner);
}
