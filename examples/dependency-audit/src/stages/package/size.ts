import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stage } from '@stageflow/core';
import { diskPolicy, isForbidden, isGone } from '../../node-modules/disk.ts';
import { measureSizes } from '../audit-inputs.ts';
import type { EachManifest } from './manifest.ts';

/** How much room a package takes: the bytes of its regular files, without nested packages, links and folders. */
export interface PackageSize {
  readonly bytes: number;
  readonly files: number;
  /** Of its files those with other names: device and inode, bytes. Other packages may have them, too. */
  readonly shared: readonly (readonly [inode: string, bytes: number])[];
  /** Folders that could not be read: the size is at least this much short. */
  readonly unreadableFolders: number;
}

/** Measures every file of a package: the slow part of an audit, and the part that can be left out. */
export const sizeOf = (read: EachManifest) =>
  stage('size', {
    ...diskPolicy,
    needs: { read, measureSizes },
    when: ({ measureSizes }) => measureSizes,
    async run({ read: { directory } }, { signal, heartbeat }): Promise<PackageSize> {
      const unreadable: string[] = [];
      const shared: [string, number][] = [];
      let bytes = 0;
      let files = 0;
      for await (const file of filesIn(directory, unreadable)) {
        signal.throwIfAborted();
        heartbeat();
        bytes += file.bytes;
        files += 1;
        if (file.isShared) shared.push([file.inode, file.bytes]);
      }
      return { bytes, files, shared, unreadableFolders: unreadable.length };
    },
  });

interface MeasuredFile {
  readonly inode: string;
  readonly bytes: number;
  readonly isShared: boolean;
}

/** The regular files of a package. What vanishes while it is looked at is left out. */
async function* filesIn(root: string, unreadable: string[]): AsyncGenerator<MeasuredFile> {
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
        const { dev, ino, size, nlink } = await lstat(path, { bigint: true });
        yield { inode: `${dev}:${ino}`, bytes: Number(size), isShared: nlink > 1n };
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }
}
