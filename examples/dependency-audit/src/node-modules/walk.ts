import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { isForbidden, isGone } from './disk.ts';

/** A folder with a package, a link that leads out of node_modules, or a folder that may not be read. */
export interface Found {
  readonly kind: 'package' | 'linked' | 'forbidden';
  readonly directory: string;
}

/**
 * Finds every package that is installed in `nodeModules` or reached from it, each real path once.
 *
 * Knows the two shapes there are: a tree with further node_modules inside of packages (npm, yarn), and pnpm's store,
 * where links lead to `.pnpm/<id>/node_modules/<name>` and what a package needs stands beside it. Real paths are
 * remembered, so links that go in circles end.
 */
export async function* installedPackages(nodeModules: string, signal: AbortSignal): AsyncGenerator<Found> {
  const queue = [await realpath(nodeModules)];
  const seen = new Set(queue);
  const isNew = (path: string): boolean => !seen.has(path) && seen.add(path).has(path);

  for (const folder of queue) {
    signal.throwIfAborted();
    const entries = await entriesOf(folder);
    if (entries === 'forbidden') yield { kind: 'forbidden', directory: folder };
    else {
      for (const { name, directory } of entries) {
        if (name === '.pnpm') queue.push(...(await storesIn(directory)).filter(isNew));
        if (name.startsWith('.') || !isNew(directory)) continue;
        // A scope is a folder of packages like the one it stands in.
        if (name.startsWith('@')) queue.push(directory);
        else {
          const home = homeOf(directory);
          yield { kind: home === undefined ? 'linked' : 'package', directory };
          if (home !== undefined) queue.push(...[join(directory, 'node_modules'), home].filter(isNew));
        }
      }
    }
  }
}

interface Entry {
  readonly name: string;
  /** The real path. */
  readonly directory: string;
}

/** The folders in a folder, links resolved; files and dead links left out. */
async function entriesOf(folder: string): Promise<Entry[] | 'forbidden'> {
  try {
    const names = (await readdir(folder)).sort();
    const entries = await Promise.all(names.map(async (name) => ({ name, directory: await realFolder(join(folder, name)) })));
    return entries.flatMap(({ name, directory }) => (directory === undefined ? [] : [{ name, directory }]));
  } catch (error) {
    if (isGone(error)) return [];
    if (isForbidden(error)) return 'forbidden';
    throw error;
  }
}

/** The node_modules folders in pnpm's store. */
async function storesIn(store: string): Promise<string[]> {
  return (await readdir(store)).sort().map((id) => join(store, id, 'node_modules'));
}

async function realFolder(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isDirectory() ? real : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The node_modules folder in which a package stands, or `undefined` where it stands in none. */
function homeOf(directory: string): string | undefined {
  const parent = dirname(directory);
  const home = basename(parent).startsWith('@') ? dirname(parent) : parent;
  return home.endsWith(`${sep}node_modules`) ? home : undefined;
}
