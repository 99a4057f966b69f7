import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../usage-error.ts';

/**
 * The node_modules folder that `path` stands for: itself, or the one of the project.
 *
 * @throws UsageError where there is none.
 */
export async function locateNodeModules(path: string): Promise<string> {
  const given = resolve(path);
  const kind = await kindOf(given);
  if (kind === undefined) throw new UsageError(`There is no folder "${path}".`);
  if (kind === 'file') throw new UsageError(`"${path}" is not a folder. Give the path of a project, or of its node_modules.`);
  if (basename(given) === 'node_modules') return given;
  const nodeModules = join(given, 'node_modules');
  if ((await kindOf(nodeModules)) === 'folder') return nodeModules;
  throw new UsageError(`There is no node_modules in "${path}". Install its packages first, or give the path of the folder itself.`);
}

async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && (stats.isDirectory() ? 'folder' : 'file');
}
