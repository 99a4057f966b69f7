import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stage } from '@stageflow/core';
import { concurrently } from '../node-modules/concurrently.ts';
import { diskPolicy, isForbidden, isGone, openFiles } from '../node-modules/disk.ts';
import { measureSizes } from './audit-inputs.ts';
import { discover } from './discover.ts';

/** How much room packages take: the bytes of their regular files, without nested packages, links and folders. */
export interface Sizes {
  /** Every file once, also where hard links give it several names, as pnpm's store does. */
  readonly totalBytes: number;
  readonly totalFiles: number;
  /** Folders inside of packages that could not be read: the total is at least this much short. */
  readonly unreadableFolders: number;
  /** Largest first. */
  readonly packages: readonly PackageSize[];
}

/** The files of one package. */
export interface PackageSize {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly files: number;
}

/** Measures every file of every package: the slow part of an audit, and the part that can be left out. */
export const sizes = stage('sizes', {
  ...diskPolicy,
  needs: { discovery: discover, measureSizes },
  when: ({ measureSizes }) => measureSizes,
  async run({ discovery }, context): Promise<Sizes> {
    const count = discovery.packages.length;
    const bytesByInode = new Map<string, number>();
    const unreadable: string[] = [];
    let measured = 0;
    const packages = await concurrently(discovery.packages, openFiles, async ({ id, name, directory }) => {
      let bytes = 0;
      let files = 0;
      for await (const file of filesIn(directory, unreadable)) {
        context.signal.throwIfAborted();
        bytesByInode.set(file.inode, file.bytes);
        bytes += file.bytes;
        files += 1;
      }
      measured += 1;
      context.progress(measured / count, `${measured} of ${count} packages`);
      return { id, name, bytes, files };
    });
    let totalBytes = 0;
    for (const bytes of bytesByInode.values()) totalBytes += bytes;
    const largestFirst = packages.sort((left, right) => right.bytes - left.bytes);
    return { totalBytes, totalFiles: bytesByInode.size, unreadableFolders: unreadable.length, packages: largestFirst };
  },
});

/** The regular files of a package. What vanishes while it is looked at is left out. */
async function* filesIn(root: string, unreadable: string[]): AsyncGenerator<{ readonly inode: string; readonly bytes: number }> {
  const folders = [root];
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isForbidden(error)) unreadable.push(folder);
      else if (!isGone(error)) throw error;
      return [];
    });
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !(folder === root && entry.name === 'node_modules')) folders.push(path);
      if (!entry.isFile()) continue;
      try {
        const { dev, ino, size } = await lstat(path, { bigint: true });
        yield { inode: `${dev}:${ino}`, bytes: Number(size) };
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }
}
