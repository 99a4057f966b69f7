import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { stage } from '@stageflow/core';
import { textIn } from '../../node-modules/manifest.ts';
import type { EachManifest } from './manifest.ts';

/** A command that runs when a package is installed. */
export interface InstallScript {
  readonly script: string;
  readonly command: string;
}

const scripts = ['preinstall', 'install', 'postinstall'];

/** What a package would run on the machine of whoever installs it. */
export const installScriptsOf = (read: EachManifest) =>
  stage('install-scripts', {
    needs: { read },
    async run({ read: { manifest, directory } }): Promise<readonly InstallScript[]> {
      const declared = scripts.flatMap((script) => {
        const command = textIn(manifest['scripts'], script);
        return command === undefined ? [] : [{ script, command }];
      });
      if (declared.length > 0 || !(await buildsWithGyp(directory))) return declared;
      return [{ script: 'install', command: 'node-gyp rebuild (implied by binding.gyp)' }];
    },
  });

/** npm and pnpm run node-gyp for a package with a binding.gyp and no install script of its own. */
function buildsWithGyp(directory: string): Promise<boolean> {
  return access(join(directory, 'binding.gyp')).then(
    () => true,
    () => false,
  );
}
