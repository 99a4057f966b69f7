import type { Policy } from '../policy.ts';
import type { Facts } from '../stages/facts.ts';
import type { Check, Violation } from '../stages/violations.ts';
import { counted, inMegabytes } from './wording.ts';

/** One line of the summary. */
export interface CheckSummary {
  readonly check: Check;
  readonly found: string;
  readonly verdict: 'passed' | 'violated' | 'no rule' | 'not measured';
  readonly violationCount: number;
}

/** The summary: what each check found, and what the policy says to it. */
export function checksOf(facts: Facts, policy: Policy, violations: readonly Violation[]): CheckSummary[] {
  const { packages, unreadable, sizes, node, duplicateVersions } = facts;
  const engines = packages.flatMap(({ engine }) => engine ?? []);
  const refusing = engines.filter(({ finding }) => finding === 'refuses').length;
  const scriptCount = packages.reduce((sum, { installScripts }) => sum + installScripts.length, 0);
  const summary = (check: Check, rule: unknown, found: string): CheckSummary => {
    const violationCount = violations.filter((violation) => violation.check === check).length;
    return { check, found, violationCount, verdict: violationCount > 0 ? 'violated' : rule === undefined ? 'no rule' : 'passed' };
  };
  const measured = sizes === undefined ? 'left out' : `${inMegabytes(sizes.totalBytes)} in ${counted(sizes.totalFiles, 'file')}`;
  const size = summary('sizes', policy.sizes, measured);
  return [
    summary('licences', policy.licences, counted(new Set(packages.map(({ licence }) => licence)).size, 'different licence')),
    sizes === undefined ? { ...size, verdict: 'not measured' } : size,
    summary('engines', policy.engines, `${refusing} of ${counted(engines.length, 'package')} refuse Node ${node}`),
    summary('install scripts', policy.installScripts, counted(scriptCount, 'script')),
    summary('duplicate versions', policy.duplicateVersions, `${counted(duplicateVersions.length, 'package')} in several versions`),
    summary('manifests', policy.manifests, `${packages.length} read, ${unreadable.length} unreadable`),
  ];
}
