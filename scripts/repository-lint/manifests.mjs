import { isDeepStrictEqual } from 'node:util';

/**
 * Every published package says the same about itself, and what is published leads to `dist` only.
 *
 * @type {import('./project.mjs').Rule}
 */
export const manifests = ({ packages }) =>
  packages.flatMap(({ folder, manifest }) => {
    const place = `${folder}/package.json`;
    /** @type {import('./project.mjs').Problem[]} */
    const problems = [];
    const check = (/** @type {boolean} */ holds, /** @type {string} */ message) => {
      if (!holds) problems.push({ place, message });
    };
    check(manifest.name === nameOf(folder), 'the name must be that of the folder, in the scope @stageflow unless it begins with "create-"');
    check(manifest.license === 'MIT', '"license" must be "MIT"');
    check(manifest.type === 'module', '"type" must be "module"');
    check(manifest.sideEffects === false || Array.isArray(manifest.sideEffects), '"sideEffects" must be false or a list of files');
    check(Boolean(manifest.engines?.['node']), '"engines.node" is missing');
    for (const field of /** @type {const} */ (['exports', 'imports'])) {
      check(
        isDeepStrictEqual(manifest.publishConfig?.[field], withoutSource(manifest[field])),
        `"publishConfig.${field}" must be "${field}" without the condition "@stageflow/source"`,
      );
    }
    return problems;
  });

/**
 * `npm create stageflow` asks for `create-stageflow`, which can have no scope.
 *
 * @param {string} folder
 */
function nameOf(folder) {
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  return name.startsWith('create-') ? name : `@stageflow/${name}`;
}

/**
 * @param {unknown} target
 * @returns {unknown}
 */
function withoutSource(target) {
  if (typeof target !== 'object' || target === null) return target;
  return Object.fromEntries(
    Object.entries(target)
      .filter(([condition]) => condition !== '@stageflow/source')
      .map(([condition, inner]) => [condition, withoutSource(inner)]),
  );
}
