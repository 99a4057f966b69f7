// The packed core, and the test suite, on the platforms that are promised. The runtimes come from npm under the lockfile of internal/platforms.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInChromium } from './chromium.mjs';
import { command, pnpm } from './command.mjs';
import { tarballOf } from './package-checks.mjs';
import { corePackage, entriesOf, root } from './workspace.mjs';

const runtimes = join(root, 'internal/platforms');

/** @param {number} major */
export const node = (major) => join(runtimes, `node_modules/node-${major}/bin/node`);

export const bun = join(runtimes, 'node_modules/bun/bin/bun');

/** @typedef {[name: string, check: () => unknown]} PlatformCheck */

/** npm serves the runtimes for Linux on x64, where CI runs; elsewhere their checks are left out, and verify says so. */
export const runtimesAvailable = process.platform === 'linux' && process.arch === 'x64';

/** @returns {PlatformCheck[]} The packed core on everything it is promised to run on. */
export function packedCoreChecks() {
  const esm = "import * as core from '@stageflow/core'; import { runSmoke } from './platform-smoke.mjs';";
  const script = `${esm} ${entryImports()} console.log(await runSmoke(core));`;
  const required = "require('./platform-smoke.mjs').runSmoke(require('@stageflow/core')).then(console.log);";
  return [
    ...onRuntimes([
      ['platforms: install', installRuntimes],
      ['packed core on Node 20', () => inConsumer((cwd) => command(node(20), ['--input-type=module', '-e', script], { cwd }))],
      ['packed core by require() on Node 20', () => inConsumer((cwd) => command(node(20), ['--no-warnings', '-e', required], { cwd }))],
      ['packed core in Bun', () => inConsumer((cwd) => command(bun, ['-e', script], { cwd }))],
    ]),
    ['packed core in Chromium', () => inConsumer(runInChromium)],
  ];
}

/** @returns {PlatformCheck[]} The test suite on the other supported versions of Node; `packedCoreChecks` installs them. */
export function suiteChecks() {
  // Scripts are for the Node that the repository brings; what the crash matrix shows of a store is no other on another Node.
  const leftOut = ['scripts/**', 'internal/crash-matrix/**'].flatMap((glob) => ['--exclude', glob]);
  const run = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--reporter=dot', ...leftOut];
  return onRuntimes([22, 26].map((major) => [`test suite on Node ${major}`, () => command(node(major), run)]));
}

/** @param {PlatformCheck[]} checks */
function onRuntimes(checks) {
  return runtimesAvailable ? checks : [];
}

/** Installs what `node` and `bun` name. */
export async function installRuntimes() {
  await pnpm(['install', '--frozen-lockfile'], { cwd: runtimes, show: false });
  for (const program of [node(20), node(22), node(26), bun]) console.log((await command(program, ['--version'], { show: false })).trim());
}

/**
 * Gives a folder of its own where the packed core is installed beside the smoke source, away from the repository.
 *
 * @param {(directory: string) => Promise<unknown>} use
 */
async function inConsumer(use) {
  const directory = mkdtempSync(join(tmpdir(), 'stageflow-consumer-'));
  try {
    const core = join(directory, 'node_modules/@stageflow/core');
    mkdirSync(core, { recursive: true });
    await command('tar', ['-xzf', tarballOf(corePackage()), '-C', core, '--strip-components=1']);
    cpSync(join(root, 'scripts/platform-smoke.mjs'), join(directory, 'platform-smoke.mjs'));
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Statements that load every entry of core. */
function entryImports() {
  return entriesOf(corePackage())
    .map(({ specifier }) => `await import('${specifier}');`)
    .join(' ');
}
