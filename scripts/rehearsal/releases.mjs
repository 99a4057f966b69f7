// Releases from a clone of this repository, so that its own versions and changesets stay as they are.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, pnpm } from '../command.mjs';
import { packagesIn, root } from '../workspace.mjs';

/** @typedef {Readonly<Record<string, string>>} Versions By the name of the package. */

/**
 * Clones what is committed, and sees to it that nothing can be published but on `registry`.
 *
 * @param {string} folder
 * @param {import('./registry.mjs').Registry} registry
 */
export async function openClone(folder, registry) {
  rmSync(folder, { recursive: true, force: true });
  await command('git', ['clone', '--quiet', '--local', root, folder], { show: false });
  for (const [key, value] of [
    ['user.name', 'rehearsal'],
    ['user.email', 'rehearsal@example.invalid'],
  ]) {
    await command('git', ['config', key ?? '', value ?? ''], { cwd: folder, show: false });
  }
  await pnpm(['install', '--frozen-lockfile', '--prefer-offline'], { cwd: folder, show: false });
  for (const { directory } of packagesIn('packages', folder)) {
    const file = join(directory, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    manifest.publishConfig = { ...manifest.publishConfig, registry: registry.url };
    writeFileSync(file, JSON.stringify(manifest, undefined, 2));
  }
}

/**
 * Applies the changesets of the clone, builds, and publishes what has a new version.
 *
 * @param {string} clone
 * @param {import('./registry.mjs').Registry} registry
 * @param {readonly { readonly name: string, readonly bump: 'patch' | 'minor' | 'major' }[]} [changes] Changesets to write before; without, those that are there.
 * @returns {Promise<Versions>} What was published.
 */
export async function release(clone, registry, changes = []) {
  const before = versionsIn(clone);
  for (const [index, { name, bump }] of changes.entries()) {
    writeFileSync(join(clone, `.changeset/rehearsed-${index}.md`), `---\n"${name}": ${bump}\n---\n\nRehearsed.\n`);
  }
  await command('git', ['add', '-A'], { cwd: clone, show: false });
  await command('git', ['commit', '--quiet', '--no-verify', '-m', 'Changes'], { cwd: clone, show: false });
  const changeset = join(clone, 'node_modules/.bin/changeset');
  await command(changeset, ['version'], { cwd: clone, show: false });
  const after = versionsIn(clone);
  await command(process.execPath, ['-e', "import('./scripts/build.mjs').then(({ build }) => build())"], { cwd: clone, show: false });
  // Set further in than pnpm itself, which may have to be fetched from where it always comes.
  const env = [
    `NPM_CONFIG_USERCONFIG=${registry.publishConfig}`,
    `npm_config_registry=${registry.url}`,
    `pnpm_config_registry=${registry.url}`,
  ];
  await pnpm(['exec', 'env', ...env, 'changeset', 'publish', '--no-git-tag'], { cwd: clone, show: false });
  return Object.fromEntries(Object.entries(after).filter(([name, version]) => before[name] !== version));
}

/**
 * @param {string} clone
 * @returns {Versions}
 */
export function versionsIn(clone) {
  return Object.fromEntries(packagesIn('packages', clone).map(({ directory, manifest }) => [manifest.name, versionOf(directory)]));
}

/** @param {string} directory */
function versionOf(directory) {
  return String(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).version);
}

/**
 * @param {Versions} versions
 * @returns {string}
 */
export function listed(versions) {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
