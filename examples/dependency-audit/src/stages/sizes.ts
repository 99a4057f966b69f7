import { stage } from '@stageflow/core';
import { inMegabytes } from '../report/wording.ts';
import { measureSizes } from './audit-inputs.ts';
import { packages, readPackages } from './packages.ts';

/** How much room the tree takes. */
export interface Sizes {
  /** Every file once, also where hard links give it several names, as pnpm's store does. */
  readonly totalBytes: number;
  readonly totalFiles: number;
  readonly unreadableFolders: number;
  /** Largest first. */
  readonly packages: readonly SizedPackage[];
}

/** The files of one package. */
export interface SizedPackage {
  readonly id: string;
  readonly bytes: number;
  readonly files: number;
}

/** Adds up what the packages take. */
export const sizes = stage('sizes', {
  needs: { packages, measureSizes },
  when: ({ measureSizes }) => measureSizes,
  run({ packages }, context): Sizes {
    const shared = new Map<string, number>();
    const sized: SizedPackage[] = [];
    let [totalBytes, totalFiles, unreadableFolders] = [0, 0, 0];
    for (const { id, size } of readPackages(packages)) {
      if (size === undefined) continue;
      sized.push({ id, bytes: size.bytes, files: size.files });
      totalBytes += size.bytes;
      totalFiles += size.files;
      unreadableFolders += size.unreadableFolders;
      for (const [inode, bytes] of size.shared) {
        if (shared.has(inode)) {
          totalBytes -= bytes;
          totalFiles -= 1;
        } else shared.set(inode, bytes);
      }
    }
    context.progress(1, inMegabytes(totalBytes));
    return { totalBytes, totalFiles, unreadableFolders, packages: sized.sort((left, right) => right.bytes - left.bytes) };
  },
});
