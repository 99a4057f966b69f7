import { isNodeModule, packageOf } from './dependencies.mjs';

const scope = '@stageflow/';

/** Which packages a package may import, besides core. Whatever is not named here is an adapter: it imports core alone. */
const mayImport = /** @type {Record<string, (name: string) => boolean>} */ ({
  core: () => false,
  cli: () => true,
});

/**
 * Who may import whom: everything may import core; core imports nothing, no module of Node either; only tests import testing;
 * adapters never import each other; the cli may import all. Inside a package nothing imports the entry `index.ts`, and nothing is exported by `*`.
 *
 * @type {import('./project.mjs').Rule}
 */
export const layering = ({ packages }) =>
  packages.flatMap(({ folder, manifest, files }) => {
    const short = manifest.name.startsWith(scope) ? manifest.name.slice(scope.length) : manifest.name;
    return [...requirements(short, folder, manifest), ...files.flatMap((file) => importProblems(short, file))];
  });

/**
 * @param {string} short
 * @param {string} folder
 * @param {import('../workspace.mjs').Manifest} manifest
 */
function requirements(short, folder, manifest) {
  const place = `${folder}/package.json`;
  if (short === 'core') {
    const listed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies });
    return listed.map((name) => ({ place, message: `core must not depend on anything, it lists "${name}"` }));
  }
  const asDependency = Object.keys(manifest.dependencies ?? {}).includes(`${scope}core`) && short !== 'cli';
  return asDependency ? [{ place, message: `${scope}core must be a peer dependency, so that there is one core` }] : [];
}

/**
 * @param {string} short
 * @param {import('./project.mjs').SourceFile} file
 */
function importProblems(short, { path, isTest, module }) {
  /** @type {import('./project.mjs').Problem[]} */
  const problems = [];
  if (module.hasExportStar) problems.push({ place: path, message: 'exports by `*`: name what is exported' });
  for (const { specifier } of module.imports) {
    if (/^\.{1,2}\/(.*\/)?index\.[jt]s$/.test(specifier)) {
      problems.push({
        place: path,
        message: `imports "${specifier}": import the file that declares it, or in a test the package by its name`,
      });
    }
    if (isTest) continue;
    if (short === 'core' && isNodeModule(specifier))
      problems.push({ place: path, message: `core must not import a module of Node: "${specifier}"` });
    const name = packageOf(specifier);
    if (name?.startsWith(scope) && !allowed(short, name.slice(scope.length))) {
      problems.push({ place: path, message: `${short} must not import "${name}"` });
    }
  }
  return problems;
}

/**
 * @param {string} importer
 * @param {string} imported
 */
function allowed(importer, imported) {
  if (importer === imported) return false;
  return mayImport[importer]?.(imported) ?? imported === 'core';
}
