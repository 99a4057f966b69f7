import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import { stage } from '@stageflow/core';
import { diskPolicy } from '../node-modules/disk.ts';
import type { Place } from '../node-modules/installed-package.ts';
import { type Found, installedPackages } from '../node-modules/walk.ts';
import { counted } from '../report/wording.ts';
import { nodeModules } from './audit-inputs.ts';

/** Where packages are installed, in the order of the paths. Links that lead out of node_modules are packages of the workspace, which nobody installed: they are left out. */
export const discover = stage('discover', {
  ...diskPolicy,
  needs: { nodeModules },
  async run({ nodeModules }, context): Promise<readonly Place[]> {
    const root = await realpath(nodeModules);
    const found: Found[] = [];
    for await (const place of installedPackages(root, context.signal)) {
      if (place.kind !== 'linked') found.push(place);
      if (found.length % 50 === 0) context.progress(0, `${found.length} places found`);
    }
    context.progress(1, counted(found.length, 'place'));
    return found
      .map(({ kind, directory }) => ({ key: relative(root, directory) || '.', directory, isOpen: kind === 'package' }))
      .sort((left, right) => (left.key < right.key ? -1 : 1));
  },
});
