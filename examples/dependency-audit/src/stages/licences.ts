import { readdir } from 'node:fs/promises';
import { stage } from '@stageflow/core';
import { declaredLicence } from '../licence/declared-licence.ts';
import { concurrently } from '../node-modules/concurrently.ts';
import { isForbidden, isGone, openFiles } from '../node-modules/disk.ts';
import { counted } from '../report/wording.ts';
import { discover } from './discover.ts';

/** Under what a package may be used. */
export interface PackageLicence {
  readonly id: string;
  readonly name: string;
  /** What the manifest declares; else `SEE LICENSE IN <file>`, as npm writes it; else `unknown`. */
  readonly licence: string;
}

const licenceFile = /^(licen[cs]e|copying|unlicense)([.-].*)?$/i;

/** The licence of every package. */
export const licences = stage('licences', {
  needs: { discovery: discover },
  async run({ discovery }, context): Promise<readonly PackageLicence[]> {
    const all = await concurrently(discovery.packages, openFiles, async ({ id, name, manifest, directory }) => {
      context.signal.throwIfAborted();
      return { id, name, licence: declaredLicence(manifest) ?? (await licenceFileIn(directory)) };
    });
    context.progress(1, counted(new Set(all.map(({ licence }) => licence)).size, 'different licence'));
    return all;
  },
});

async function licenceFileIn(directory: string): Promise<string> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isForbidden(error) || isGone(error)) return [];
    throw error;
  });
  const file = names.sort().find((name) => licenceFile.test(name));
  return file === undefined ? 'unknown' : `SEE LICENSE IN ${file}`;
}
