// The type tests under every compiler that an application may use.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.mjs';
import { root } from '../workspace.mjs';
import { compilers, compilerVersions } from './consumer.mjs';

/** @returns {Promise<number>} The exit code. */
export async function checkTypesEverywhere() {
  const folder = join(root, '.cache/types-matrix');
  mkdirSync(folder, { recursive: true });
  const project = { extends: '../../tsconfig.check.json', include: ['../../packages/*/src/**/*.test-d.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  let failed = 0;
  for (const version of compilerVersions) {
    try {
      await command(process.execPath, [compilers[version], '-p', folder]);
      console.log(`ok    the type tests on TypeScript ${version}`);
    } catch (error) {
      failed += 1;
      console.error(`FAIL  ${error instanceof Error ? error.message : error}`);
    }
  }
  return failed === 0 ? 0 : 1;
}
