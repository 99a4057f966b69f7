import { block, guard, pass } from '@stageflow/core';
import { counted } from '../report/wording.ts';
import { facts } from './facts.ts';
import { violations } from './violations.ts';

/** The gate: facts that break the policy do not get past it. */
export const withinPolicy = guard('within-policy', {
  subject: facts,
  needs: { violations },
  check: ({ violations }) => (violations.length === 0 ? pass() : block(counted(violations.length, 'violation'))),
});
