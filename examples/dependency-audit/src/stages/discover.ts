import { basename, dirname } from 'node:path';
import { stage } from '@stageflow/core';
import { concurrently } from '../node-modules/concurrently.ts';
import { diskPolicy, openFiles } from '../node-modules/disk.ts';
import type { Discovery, InstalledPackage, UnreadablePackage } from '../node-modules/installed-package.ts';
import { type Manifest, readManifest, textIn } from '../node-modules/manifest.ts';
import { type Found, installedPackages } from '../node-modules/walk.ts';
import { counted } from '../report/wording.ts';
import { nodeModules } from './audit-inputs.ts';

/** Which packages are installed. What cannot be read is kept as a finding, and the audit goes on. */
export const discover = stage('discover', {
  ...diskPolicy,
  needs: { nodeModules },
  async run({ nodeModules }, context): Promise<Discovery> {
    const found: Found[] = [];
    for await (const place of installedPackages(nodeModules, context.signal)) {
      found.push(place);
      if (found.length % 50 === 0) context.progress(0, `${found.length} places found`);
    }
    const directories = (kind: Found['kind']): string[] => found.flatMap((place) => (place.kind === kind ? place.directory : [])).sort();
    const read = await concurrently(directories('package'), openFiles, async (directory) => {
      const manifest = await readManifest(directory, context.signal);
      return typeof manifest === 'string' ? { directory, problem: manifest } : installedPackage(directory, manifest);
    });
    const packages = read.filter((item) => 'manifest' in item).sort((left, right) => compare(left.id, right.id));
    const unreadable: UnreadablePackage[] = read.filter((item) => 'problem' in item);
    const forbidden = directories('forbidden').map((directory) => ({ directory, problem: 'the folder cannot be read' }));
    context.progress(1, counted(packages.length, 'package'));
    return { nodeModules, packages, unreadable: [...unreadable, ...forbidden], linked: directories('linked') };
  },
});

function installedPackage(directory: string, manifest: Manifest): InstalledPackage {
  const name = textIn(manifest, 'name') ?? folderName(directory);
  const version = textIn(manifest, 'version') ?? '?';
  return { id: `${name}@${version}`, name, version, directory, manifest };
}

function folderName(directory: string): string {
  const scope = basename(dirname(directory));
  return scope.startsWith('@') ? `${scope}/${basename(directory)}` : basename(directory);
}

/** By code unit: the same order on every machine. Packages of one id keep the order of their paths. */
function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
