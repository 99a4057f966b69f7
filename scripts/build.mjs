import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleEntries } from './bundle.mjs';
import { command } from './command.mjs';
import { packagesIn } from './workspace.mjs';

/** Builds every package from nothing: `tsc -b` neither restores a file that is gone from `dist` nor removes one whose source is gone. */
export async function build() {
  for (const { directory } of packagesIn('packages')) rmSync(join(directory, 'dist'), { recursive: true, force: true });
  await command('tsc', ['-b']);
  for (const workspacePackage of packagesIn('packages')) await bundleEntries(workspacePackage);
}
