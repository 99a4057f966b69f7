import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.mjs';
import { installPacked } from './packed-packages.mjs';
import { packagesIn, readManifest, root } from './workspace.mjs';

/**
 * Type-checks every example, with its tests, against the packages as they would be published: outside of the repository, where
 * nothing leads to the sources. A declaration that was not packed, or that does not say what the sources do, shows here.
 */
export async function checkPackedExamples() {
  const examples = packagesIn('examples');
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'stageflow-examples-'));
  try {
    const listed = [...examples.map(({ manifest }) => manifest), readManifest(root)];
    const names = listed.flatMap(({ dependencies, devDependencies }) => Object.keys({ ...dependencies, ...devDependencies }));
    const dependencies = Object.fromEntries(names.filter((name) => !name.startsWith('@stageflow-')).map((name) => [name, '*']));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
    await installPacked(folder);
    // Tests that need servers of this repository's own are compiled with it.
    const isOfRepository = (/** @type {string} */ path) =>
      path.endsWith('.ts') && readFileSync(path, 'utf8').includes("'@stageflow-internal/");
    const inSources = (/** @type {string} */ path) => !/\/(node_modules|dist)(\/|$)/.test(path) && !isOfRepository(path);
    cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true, filter: inSources });
    for (const file of ['tsconfig.base.json', 'tsconfig.check.json']) cpSync(join(root, file), join(folder, file));
    const compilerOptions = { customConditions: [] };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: './tsconfig.check.json', compilerOptions, include: ['examples/*/src'] }),
    );
    const read = await command('tsc', ['-p', folder, '--listFilesOnly'], { cwd: folder, show: false });
    const ours = read.split('\n').filter((path) => path.includes('/@stageflow/'));
    const sources = ours.filter((path) => !path.endsWith('.d.ts') || path.startsWith(join(root, 'packages')));
    if (ours.length === 0 || sources.length > 0) throw new Error(`read sources, not what was packed: ${sources.join(', ')}`);
    await command('tsc', ['-p', folder], { cwd: folder });
    console.log(`${examples.length} examples, against ${ours.length} declarations`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
