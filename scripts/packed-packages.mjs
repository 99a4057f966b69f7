// How packages that were packed get into a folder outside of the repository.
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm } from './command.mjs';
import { tarballOf } from './package-checks.mjs';
import { packagesIn, readManifest, root } from './workspace.mjs';

/**
 * Installs what the package.json of a folder names. Packages of ours come from the tarballs that `pack` wrote, all others
 * are those of the repository: nothing is asked of a registry.
 *
 * @param {string} cwd
 */
export async function installPacked(cwd) {
  const packages = packagesIn('packages');
  const owners = [...packages, ...packagesIn('examples'), { directory: root, manifest: readManifest(root) }];
  const others = owners.flatMap(({ directory, manifest }) =>
    Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter((name) => !name.startsWith('@stageflow'))
      .map((name) => [name, `link:${realpathSync(join(directory, 'node_modules', name))}`]),
  );
  const ours = packages.map((each) => [each.manifest.name, `file:${tarballOf(each)}`]);
  writeFileSync(join(cwd, 'pnpm-workspace.yaml'), JSON.stringify({ overrides: Object.fromEntries([...others, ...ours]) }));
  await pnpm(['install', '--offline', '--ignore-scripts'], { cwd, show: false });
}
