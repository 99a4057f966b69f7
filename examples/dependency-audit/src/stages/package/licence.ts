import { readdir } from 'node:fs/promises';
import { stage } from '@stageflow/core';
import { declaredLicence } from '../../licence/declared-licence.ts';
import { diskPolicy, isForbidden, isGone } from '../../node-modules/disk.ts';
import type { EachManifest } from './manifest.ts';

const licenceFile = /^(licen[cs]e|copying|unlicense)([.-].*)?$/i;

/** What the manifest declares; else `SEE LICENSE IN <file>`, as npm writes it; else `unknown`. */
export const licenceOf = (read: EachManifest) =>
  stage('licence', {
    ...diskPolicy,
    needs: { read },
    run: async ({ read }): Promise<string> => declaredLicence(read.manifest) ?? (await licenceFileIn(read.directory)),
  });

async function licenceFileIn(directory: string): Promise<string> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isForbidden(error) || isGone(error)) return [];
    throw error;
  });
  const file = names.sort().find((name) => licenceFile.test(name));
  return file === undefined ? 'unknown' : `SEE LICENSE IN ${file}`;
}
