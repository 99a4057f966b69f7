import { optional, stage } from '@stageflow/core';
import type { UnreadablePackage } from '../node-modules/installed-package.ts';
import { nodeModules, policy } from './audit-inputs.ts';
import { discover } from './discover.ts';
import { type DuplicateVersions, duplicateVersions } from './duplicate-versions.ts';
import { nodeVersion } from './package/engine.ts';
import { type PackageFacts, packages, problemOf, readPackages } from './packages.ts';
import { type Sizes, sizes } from './sizes.ts';

/** Everything that was found out, in one place. */
export interface Facts {
  readonly nodeModules: string;
  /** The version of Node that packages were held against. */
  readonly node: string;
  /** Sorted by id. */
  readonly packages: readonly Omit<PackageFacts, 'size'>[];
  readonly unreadable: readonly UnreadablePackage[];
  /** `undefined` where sizes were not measured. */
  readonly sizes: Sizes | undefined;
  readonly duplicateVersions: readonly DuplicateVersions[];
}

/** See {@link Facts}. */
export const facts = stage('facts', {
  needs: { nodeModules, policy, discover, packages, sizes: optional(sizes), duplicateVersions },
  run({ nodeModules, policy, discover, packages, sizes, duplicateVersions }): Facts {
    const directories = new Map(discover.map(({ key, directory }) => [key, directory]));
    const unreadable = packages.flatMap((outcome) => {
      const problem = problemOf(outcome);
      return problem === undefined ? [] : [{ directory: directories.get(outcome.key) ?? outcome.key, problem }];
    });
    const read = readPackages(packages).map(({ size: _added, ...found }) => found);
    return { nodeModules, node: nodeVersion(policy), packages: read, unreadable, sizes, duplicateVersions };
  },
});
