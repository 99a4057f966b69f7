import { pipeline } from '@stageflow/core';
import { report } from './stages/report.ts';
import { withinPolicy } from './stages/within-policy.ts';

/**
 * Audits what is installed in a node_modules folder: discover, then every package by itself, a few at a time, then what
 * only the whole list can tell, then the policy's gate, then the report.
 *
 * The gate is wanted as an output, so a block ends the run `blocked`; the failure mode lets the report, which reads how
 * the gate ended, be finished all the same.
 */
export const dependencyAudit = pipeline('dependency-audit', {
  outputs: { accepted: withinPolicy, report },
  failureMode: 'continue',
  maxConcurrency: 32,
});
