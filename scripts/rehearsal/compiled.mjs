import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.mjs';
import { compilers, compilerVersions } from '../types/consumer.mjs';
import { entriesOf, root } from '../workspace.mjs';
import { install } from './consumer.mjs';

/** @typedef {import('../workspace.mjs').WorkspacePackage} WorkspacePackage */

const options = {
  target: 'es2023',
  lib: ['es2023', 'dom'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  noEmit: true,
};

/** By what each resolution belongs to. */
const resolutions = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'preserve', moduleResolution: 'bundler' },
];

/**
 * Compiles the quick start on core with its declarations checked, then a module that imports every entry of every package.
 *
 * @param {string} folder Empty.
 * @param {readonly WorkspacePackage[]} packages
 */
export async function compileEverywhere(folder, packages) {
  await install(folder, 'npm', [...packages.map(({ manifest }) => manifest.name), '@types/node@24.10.0']);
  cpSync(join(root, 'examples/quickstart/src/main.ts'), join(folder, 'main.ts'));
  const specifiers = packages.flatMap(entriesOf).map(({ specifier }) => specifier);
  const uses = specifiers.map((specifier, index) => `import * as m${index} from '${specifier}';\nconsole.log(m${index});\n`);
  writeFileSync(join(folder, 'entries.ts'), uses.join(''));
  writeFileSync(join(folder, 'wrong.ts'), "import { pipelin } from '@stageflow/core';\nconsole.log(pipelin);\n");
  for (const version of compilerVersions) {
    for (const resolution of resolutions) {
      const place = `TypeScript ${version}, ${resolution.moduleResolution}`;
      await compile(version, { ...resolution, types: [] }, 'main.ts');
      await compile(version, { ...resolution, types: ['node'], skipLibCheck: true }, 'entries.ts');
      const refused = await compile(version, { ...resolution, types: [] }, 'wrong.ts').then(
        () => false,
        (error) => /TS2724|TS2305/.test(String(error)),
      );
      if (!refused) throw new Error(`${place}: a name that core does not export compiled.`);
      console.log(`${place}: the quick start, and ${specifiers.length} entries`);
    }
  }

  /**
   * @param {import('../types/consumer.mjs').CompilerVersion} version
   * @param {Record<string, unknown>} more
   * @param {string} file
   */
  function compile(version, more, file) {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, ...more }, files: [file] }));
    return command(process.execPath, [compilers[version], '-p', folder], { cwd: folder, show: false });
  }
}
