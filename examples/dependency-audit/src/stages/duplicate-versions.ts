import { stage } from '@stageflow/core';
import { counted } from '../report/wording.ts';
import { packages, readPackages } from './packages.ts';

/** A package that is installed in several versions. */
export interface DuplicateVersions {
  readonly name: string;
  readonly versions: readonly string[];
}

/** The packages that are there in more than one version, most versions first. Copies of one version are no duplicates. */
export const duplicateVersions = stage('duplicate-versions', {
  needs: { packages },
  run({ packages }, context): readonly DuplicateVersions[] {
    const byName = new Map<string, Set<string>>();
    for (const { name, version } of readPackages(packages)) byName.set(name, (byName.get(name) ?? new Set()).add(version));
    const duplicates = [...byName]
      .map(([name, versions]) => ({ name, versions: [...versions] }))
      .filter(({ versions }) => versions.length > 1)
      .sort((left, right) => right.versions.length - left.versions.length);
    context.progress(1, `${counted(duplicates.length, 'package')} in several versions`);
    return duplicates;
  },
});
