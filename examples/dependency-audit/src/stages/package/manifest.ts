import { stage } from '@stageflow/core';
import { diskPolicy } from '../../node-modules/disk.ts';
import { type InstalledPackage, installedPackage } from '../../node-modules/installed-package.ts';
import { type Manifest, readManifest, relevantPart, UnreadableManifest } from '../../node-modules/manifest.ts';
import type { EachPlace } from './each-place.ts';

/** A package and what its manifest says about it. */
export interface ReadPackage extends InstalledPackage {
  readonly manifest: Manifest;
}

/** Reads what a package says about itself. Fails where that cannot be read, and with it the item. */
export const manifestOf = (place: EachPlace) =>
  stage('manifest', {
    ...diskPolicy,
    needs: { place },
    async run({ place: { directory, isOpen } }, { signal }): Promise<ReadPackage> {
      if (!isOpen) throw new UnreadableManifest('the folder cannot be read');
      const manifest = await readManifest(directory, signal);
      return { ...installedPackage(directory, manifest), manifest: relevantPart(manifest) };
    },
  });

/** What the other stages of a package read. */
export type EachManifest = ReturnType<typeof manifestOf>;
