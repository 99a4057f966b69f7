import { stage } from '@stageflow/core';
import { textIn } from '../../node-modules/manifest.ts';
import { acceptsVersion } from '../../node-range.ts';
import type { Policy } from '../../policy.ts';
import { policy } from '../audit-inputs.ts';
import type { EachManifest } from './manifest.ts';

/** Which versions of Node a package asks for, and whether the one it is held against is among them. */
export interface EngineRange {
  readonly range: string;
  readonly finding: 'accepts' | 'refuses' | 'not a range';
}

/** What a package says about Node; `undefined` where it says nothing. */
export const engineOf = (read: EachManifest) =>
  stage('engine', {
    needs: { read, policy },
    run({ read, policy }): EngineRange | undefined {
      const range = textIn(read.manifest['engines'], 'node');
      if (range === undefined) return undefined;
      const accepts = acceptsVersion(range, nodeVersion(policy));
      return { range, finding: accepts === undefined ? 'not a range' : accepts ? 'accepts' : 'refuses' };
    },
  });

/** The version of Node that packages are held against: the policy's, or the one that runs the audit. */
export function nodeVersion(policy: Policy): string {
  return policy.engines?.node ?? process.versions.node;
}
