import { settled, stage } from '@stageflow/core';
import { type CheckSummary, checksOf } from '../report/checks.ts';
import { type Section, sectionsOf } from '../report/sections.ts';
import { policy } from './audit-inputs.ts';
import { facts } from './facts.ts';
import { type Violation, violations } from './violations.ts';
import { withinPolicy } from './within-policy.ts';

/** What the audit has to say, ready to be printed, drawn or written. */
export interface AuditReport {
  readonly nodeModules: string;
  readonly passed: boolean;
  /** One line: how it ended. */
  readonly verdict: string;
  readonly packageCount: number;
  readonly checks: readonly CheckSummary[];
  readonly violations: readonly Violation[];
  readonly sections: readonly Section[];
}

/** Says how the audit ended. Reads the guard's outcome, not its value: a policy that was broken is what people need to read about. */
export const report = stage('report', {
  needs: { policy, facts, violations, gate: settled(withinPolicy) },
  run: ({ policy, facts, violations, gate }): AuditReport => ({
    nodeModules: facts.nodeModules,
    passed: gate.status === 'completed',
    verdict: gate.status === 'blocked' ? `Blocked by the policy: ${gate.reason}.` : 'Within the policy.',
    packageCount: facts.packages.length,
    checks: checksOf(facts, policy, violations),
    violations,
    sections: sectionsOf(facts),
  }),
});
