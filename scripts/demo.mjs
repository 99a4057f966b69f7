import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/**
 * Runs the main demo on the sources, with the terminal handed through.
 *
 * @param {readonly string[]} args
 */
export async function runDemo(args) {
  const main = join(root, 'examples/dependency-audit/src/main.ts');
  return spawnSync(process.execPath, ['--conditions=@stageflow/source', main, ...args], { stdio: 'inherit' }).status ?? 1;
}
