import { builtinModules } from 'node:module';

/**
 * What a package imports is in its package.json, and what is in its package.json is imported.
 *
 * Tests may also import what the root provides for all tests. What a template lists counts as imported by the package that
 * makes projects from it; a template lists the compiler, too, because no root stands above it.
 *
 * @type {import('./project.mjs').Rule}
 */
export const dependencies = ({ packages, examples, templates, manifest: root }) =>
  [...packages, ...examples, ...templates].flatMap((project) => {
    const { folder, manifest, files } = project;
    const shipped = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }));
    const forTests = new Set([...shipped, ...Object.keys({ ...manifest.devDependencies, ...root.devDependencies }), manifest.name]);
    const inTemplates = templates.filter((template) => template.folder.startsWith(`${folder}/`)).flatMap(listedIn);
    const imported = { source: new Set(inTemplates), test: new Set(templates.includes(project) ? compiler : []) };
    /** @type {import('./project.mjs').Problem[]} */
    const problems = [];
    for (const { path, isTest, module } of files) {
      for (const { specifier } of module.imports) {
        const name = packageOf(specifier);
        if (!name) continue;
        imported[isTest ? 'test' : 'source'].add(name);
        if (!(isTest ? forTests : shipped).has(name)) {
          problems.push({ place: path, message: `imports "${name}", which ${folder}/package.json does not list` });
        }
      }
    }
    const uses = (/** @type {string} */ name) => imported.source.has(name) || imported.test.has(name);
    const unused = [
      ...[...shipped].filter((name) => !imported.source.has(name)),
      ...Object.keys(manifest.devDependencies ?? {}).filter((name) => !uses(name.replace(/^@types\/(?!node$)/, '')) && !shipped.has(name)),
    ];
    return [...problems, ...unused.map((name) => ({ place: `${folder}/package.json`, message: `lists "${name}", which nothing imports` }))];
  });

/** What compiles a project that stands alone. */
const compiler = ['typescript', '@types/node'];

/** @param {import('./project.mjs').ProjectPackage} project */
function listedIn({ manifest }) {
  return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
}

/**
 * The package an import names; nothing for a relative path, a `#` import or a module of Node.
 *
 * @param {string} specifier
 * @returns {string | undefined}
 */
export function packageOf(specifier) {
  if (/^[.#]/.test(specifier) || isNodeModule(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @param {string} specifier */
export const isNodeModule = (specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier);
