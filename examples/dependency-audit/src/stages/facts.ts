import { type OutputOf, optional, stage } from '@stageflow/core';
import { discover } from './discover.ts';
import { duplicateVersions } from './duplicate-versions.ts';
import { engines } from './engines.ts';
import { installScripts } from './install-scripts.ts';
import { licences } from './licences.ts';
import { sizes } from './sizes.ts';

/** Everything that was found out, in one place. Sizes are absent where they were not measured. */
export const facts = stage('facts', {
  needs: { discovery: discover, licences, sizes: optional(sizes), engines, installScripts, duplicateVersions },
  run: (found) => found,
});

/** See {@link facts}. */
export type Facts = OutputOf<typeof facts>;
