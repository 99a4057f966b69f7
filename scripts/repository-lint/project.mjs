import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn, readManifest } from '../workspace.mjs';
import { readModule } from './module.mjs';

/**
 * @typedef {{ readonly place: string, readonly message: string }} Problem
 * @typedef {(project: Project) => Problem[]} Rule
 *
 * @typedef {object} SourceFile
 * @property {string} path From the root, with slashes.
 * @property {boolean} isTest
 * @property {import('./module.mjs').Module} module
 *
 * @typedef {object} ProjectPackage
 * @property {string} folder Such as `packages/core`.
 * @property {import('../workspace.mjs').Manifest} manifest
 * @property {readonly SourceFile[]} files
 *
 * @typedef {object} Project
 * @property {import('../workspace.mjs').Manifest} manifest Of the root.
 * @property {readonly ProjectPackage[]} packages What is published.
 * @property {readonly ProjectPackage[]} examples
 * @property {readonly ProjectPackage[]} templates The folders in `templates` of a package, which it makes new projects from.
 * @property {readonly SourceFile[]} files Every source file, also those of `scripts/`.
 */

/**
 * Reads and parses every source file once, for all rules.
 *
 * @param {string} base The repository.
 * @returns {Project}
 */
export function readProject(base) {
  const withFiles = (/** @type {string} */ parent) =>
    packagesIn(parent, base).map(({ folder, manifest }) => ({
      folder,
      manifest,
      files: [...readFiles(base, `${folder}/src`), ...readFiles(base, `${folder}/test`)],
    }));
  const packages = withFiles('packages');
  const examples = withFiles('examples');
  const templates = packages.flatMap(({ folder }) => withFiles(`${folder}/templates`));
  return {
    manifest: readManifest(base),
    packages,
    examples,
    templates,
    files: [...[...packages, ...examples, ...templates].flatMap(({ files }) => files), ...readFiles(base, 'scripts')],
  };
}

/**
 * @param {string} base
 * @param {string} folder
 * @returns {SourceFile[]}
 */
function readFiles(base, folder) {
  if (!existsSync(join(base, folder))) return [];
  return globSync('**/*.{ts,mts,mjs,js}', { cwd: join(base, folder) })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .sort()
    .map((path) => ({
      path,
      isTest: /\.test(-d)?\.ts$|^packages\/[^/]+\/test\//.test(path),
      module: readModule(path, readFileSync(join(base, path), 'utf8')),
    }));
}
