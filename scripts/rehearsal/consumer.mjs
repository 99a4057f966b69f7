// A folder outside of the repository, as somebody has who installs the packages.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { command, pnpm } from '../command.mjs';

/** @typedef {'npm' | 'pnpm'} PackageManager */

/**
 * Gives an empty folder in which our packages come from the registry of the rehearsal.
 *
 * @param {import('./registry.mjs').Registry} registry
 * @param {(folder: string) => unknown} use
 */
export async function inEmptyFolder(registry, use) {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'stageflow-installed-'));
  try {
    writeFileSync(join(folder, '.npmrc'), registry.scopeConfig);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    // By itself pnpm looks for a workspace in the folders above, waits a day before it takes what is new, and keeps what is no
    // longer needed for a week.
    const settings = { packages: [], minimumReleaseAge: 0, modulesCacheMaxAge: 0, pmOnFail: 'ignore' };
    writeFileSync(join(folder, 'pnpm-workspace.yaml'), JSON.stringify(settings));
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} cwd
 * @param {PackageManager} manager
 * @param {readonly string[]} packages
 */
export function install(cwd, manager, packages) {
  if (manager === 'pnpm') return pnpm(['add', ...packages], { cwd, show: false });
  return command('npm', ['install', '--no-audit', '--no-fund', '--no-update-notifier', ...packages], { cwd, show: false });
}

const isOfPackage = /\/node_modules\/(?!\.)(@[^/]+\/)?[^/]+\/(?!node_modules\/).+$/;
const isManifest = /\/node_modules\/(?!\.)(@[^/]+\/)?[^/@]+\/package\.json$/;

/**
 * @typedef {object} Installed
 * @property {readonly string[]} packages `name@version` of each, sorted; a package that is there twice is named twice.
 * @property {number} bytes Of all their files.
 */

/**
 * What is in `node_modules`, wherever the package manager put it: pnpm has each package once, and links to it.
 *
 * @param {string} folder
 * @returns {Installed}
 */
export function installedIn(folder) {
  const modules = join(folder, 'node_modules');
  const files = readdirSync(modules, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && realpathSync(entry.parentPath) === entry.parentPath)
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isOfPackage.test(file));
  const packages = files
    .filter((file) => isManifest.test(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')))
    .map(({ name, version }) => `${name}@${version}`);
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  return { packages: packages.sort(), bytes };
}

/**
 * How long a process takes that imports this and ends, beyond one that imports nothing: the median of seven of each.
 *
 * @param {string} cwd
 * @param {string} specifier
 * @returns {Promise<number>} Milliseconds.
 */
export async function coldImportMs(cwd, specifier) {
  const timed = async (/** @type {string} */ source) => {
    const startedAt = performance.now();
    await command(process.execPath, ['--input-type=module', '-e', source], { cwd, show: false });
    return performance.now() - startedAt;
  };
  const bare = /** @type {number[]} */ ([]);
  const loaded = /** @type {number[]} */ ([]);
  for (let turn = 0; turn < 7; turn += 1) {
    bare.push(await timed(''));
    loaded.push(await timed(`import ${JSON.stringify(specifier)};`));
  }
  return median(loaded) - median(bare);
}

/** @param {number[]} numbers */
function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
