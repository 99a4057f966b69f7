import { stage } from '@stageflow/core';
import { textIn } from '../node-modules/manifest.ts';
import { acceptsVersion } from '../node-range.ts';
import { counted } from '../report/wording.ts';
import { policy } from './audit-inputs.ts';
import { discover } from './discover.ts';

/** Which versions of Node the packages ask for. */
export interface Engines {
  /** The version they are held against: the policy's, or the one that runs the audit. */
  readonly node: string;
  /** How many packages say what they need. */
  readonly declared: number;
  readonly refusing: readonly EngineRange[];
  readonly unreadable: readonly EngineRange[];
}

/** What one package says. */
export interface EngineRange {
  readonly id: string;
  readonly range: string;
}

/** Whether every package accepts the version of Node in use. */
export const engines = stage('engines', {
  needs: { discovery: discover, policy },
  run({ discovery, policy }, context): Engines {
    const node = policy.engines?.node ?? process.versions.node;
    const ranges = discovery.packages.flatMap(({ id, manifest }) => {
      const range = textIn(manifest['engines'], 'node');
      return range === undefined ? [] : [{ id, range, accepts: acceptsVersion(range, node) }];
    });
    context.progress(1, `declared by ${counted(ranges.length, 'package')}`);
    const those = (wanted: boolean | undefined): EngineRange[] =>
      ranges.flatMap(({ id, range, accepts }) => (accepts === wanted ? [{ id, range }] : []));
    return { node, declared: ranges.length, refusing: those(false), unreadable: those(undefined) };
  },
});
