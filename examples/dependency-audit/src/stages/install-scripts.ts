import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { stage } from '@stageflow/core';
import { concurrently } from '../node-modules/concurrently.ts';
import { openFiles } from '../node-modules/disk.ts';
import { textIn } from '../node-modules/manifest.ts';
import { counted } from '../report/wording.ts';
import { discover } from './discover.ts';

/** A package that runs a command of its own when it is installed. */
export interface InstallScript {
  readonly id: string;
  readonly name: string;
  readonly script: string;
  readonly command: string;
}

const scripts = ['preinstall', 'install', 'postinstall'];

/** What would run on the machine of whoever installs this tree. */
export const installScripts = stage('install-scripts', {
  needs: { discovery: discover },
  async run({ discovery }, context): Promise<readonly InstallScript[]> {
    const found = await concurrently(discovery.packages, openFiles, async ({ id, name, manifest, directory }) => {
      context.signal.throwIfAborted();
      const declared = scripts.flatMap((script) => {
        const command = textIn(manifest['scripts'], script);
        return command === undefined ? [] : [{ id, name, script, command }];
      });
      if (declared.length > 0 || !(await buildsWithGyp(directory))) return declared;
      return [{ id, name, script: 'install', command: 'node-gyp rebuild (implied by binding.gyp)' }];
    });
    const all = found.flat();
    context.progress(1, counted(all.length, 'script'));
    return all;
  },
});

/** npm and pnpm run node-gyp for a package with a binding.gyp and no install script of its own. */
function buildsWithGyp(directory: string): Promise<boolean> {
  return access(join(directory, 'binding.gyp')).then(
    () => true,
    () => false,
  );
}
