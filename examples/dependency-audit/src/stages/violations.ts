import { stage } from '@stageflow/core';
import { isAcceptable, parseLicence } from '../licence/spdx.ts';
import type { Policy } from '../policy.ts';
import { policy } from './audit-inputs.ts';
import { type Facts, facts } from './facts.ts';

/** What an audit looks at: one line of the summary, one section of the policy. */
export type Check = 'licences' | 'sizes' | 'engines' | 'install scripts' | 'duplicate versions' | 'manifests';

/** One breach of the policy. */
export interface Violation {
  readonly check: Check;
  /** The package or place; `the whole tree` for limits of all together. */
  readonly subject: string;
  readonly problem: string;
}

const megabyte = 1_000_000;

/** Holds the facts against every section of the policy. */
export const violations = stage('violations', {
  needs: { facts, policy },
  run: ({ facts, policy }): readonly Violation[] => [
    ...licenceViolations(facts, policy.licences),
    ...sizeViolations(facts, policy.sizes),
    ...engineViolations(facts, policy.engines),
    ...installScriptViolations(facts, policy.installScripts),
    ...duplicateViolations(facts, policy.duplicateVersions),
    ...manifestViolations(facts, policy.manifests),
  ],
});

function licenceViolations({ packages }: Facts, rule: Policy['licences']): Violation[] {
  if (rule === undefined) return [];
  const fold = (ids: readonly string[]): Set<string> => new Set(ids.map((id) => id.toLowerCase()));
  const denied = fold(rule.denied);
  const allowed = rule.allowed && fold(rule.allowed);
  // SPDX ids are the same in any case. A policy that allows "GPL-2.0-only" allows it with an exception, too: those only add rights.
  const isAllowed = (licence: string): boolean => {
    const whole = licence.toLowerCase();
    const names = [whole, whole.split(' with ')[0] ?? whole];
    return !names.some((name) => denied.has(name)) && (allowed === undefined || names.some((name) => allowed.has(name)));
  };
  return packages.flatMap(({ id, name, licence }): Violation[] => {
    if (Object.hasOwn(rule.exceptions, name)) return [];
    const expression = parseLicence(licence);
    const acceptable = expression === undefined ? isAllowed(licence) : isAcceptable(expression, isAllowed);
    return acceptable ? [] : [{ check: 'licences', subject: id, problem: `licence ${licence} is not allowed` }];
  });
}

function sizeViolations({ sizes }: Facts, rule: Policy['sizes'] = {}): Violation[] {
  if (sizes === undefined) return [];
  const over = (subject: string, bytes: number, limit: number | undefined): Violation[] => {
    if (limit === undefined || bytes <= limit * megabyte) return [];
    return [{ check: 'sizes', subject, problem: `takes ${(bytes / megabyte).toFixed(1)} MB, at most ${limit} MB are allowed` }];
  };
  return [
    ...over('the whole tree', sizes.totalBytes, rule.maxTotalMegabytes),
    ...sizes.packages.flatMap(({ id, bytes }) => over(id, bytes, rule.maxPackageMegabytes)),
  ];
}

function engineViolations({ packages, node }: Facts, rule: Policy['engines']): Violation[] {
  if (rule === undefined) return [];
  return packages.flatMap(({ id, engine }): Violation[] =>
    engine?.finding === 'refuses' ? [{ check: 'engines', subject: id, problem: `needs Node ${engine.range}, not ${node}` }] : [],
  );
}

function installScriptViolations({ packages }: Facts, rule: Policy['installScripts']): Violation[] {
  if (rule === undefined) return [];
  return packages
    .filter(({ name }) => !rule.allowed.includes(name))
    .flatMap(({ id, installScripts }) =>
      installScripts.map(
        ({ script, command }): Violation => ({ check: 'install scripts', subject: id, problem: `runs at ${script}: ${command}` }),
      ),
    );
}

function duplicateViolations({ duplicateVersions }: Facts, rule: Policy['duplicateVersions']): Violation[] {
  if (rule === undefined) return [];
  return duplicateVersions
    .filter(({ name, versions }) => versions.length > rule.max && !rule.exceptions.includes(name))
    .map(({ name, versions }) => ({
      check: 'duplicate versions',
      subject: name,
      problem: `${versions.length} versions, at most ${rule.max} are allowed: ${versions.join(', ')}`,
    }));
}

function manifestViolations({ unreadable }: Facts, rule: Policy['manifests']): Violation[] {
  if (rule === undefined || unreadable.length <= rule.maxUnreadable) return [];
  return unreadable.map(({ directory, problem }) => ({ check: 'manifests', subject: directory, problem }));
}
