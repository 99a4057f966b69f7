import type { PlanProblem } from '../error-details.ts';
import { nearestName } from '../nearest-name.ts';
import type { StagePolicy } from '../stage.ts';
import type { DraftRegion, PlanDraft } from './draft.ts';
import { compile } from './plan.ts';
import { problem, validate } from './validate.ts';

/** Policies by stage name: what `configure` was given. */
export type PolicyOverrides = Readonly<Record<string, StagePolicy>>;

const overridable: readonly (keyof StagePolicy)[] = ['timeoutMs', 'idleMs', 'budgetMs', 'graceMs', 'retry', 'resource'];

/**
 * Lays policies over those of a draft's stages; what is no stage or no policy is a problem. A stage that a region holds
 * is addressed by its path without keys: `totals/fetch`, `outer/inner`.
 */
export function configureDraft(
  draft: PlanDraft,
  overrides: PolicyOverrides,
): { readonly draft: PlanDraft; readonly problems: readonly PlanProblem[] } {
  if (Object.keys(overrides).length === 0) return { draft, problems: [] };
  const addresses = new Set(addressesIn(draft, ''));
  const problems = Object.entries(overrides).flatMap(([stage, policy]) => {
    if (!addresses.has(stage)) {
      return [problem('SF_UNKNOWN_STAGE', { stage, reader: 'configure()', nearest: nearestName(stage, addresses) })];
    }
    return Object.keys(policy)
      .filter((option) => !overridable.includes(option as keyof StagePolicy))
      .map((option) => {
        const subject = `configure() for stage "${stage}"`;
        const meant = nearestName(option, overridable);
        return problem('SF_POLICY_INVALID', {
          subject,
          option,
          expected: `one of ${overridable.join(', ')}, or left out`,
          received: meant === undefined ? 'an option that it does not take' : `an option that it does not take; "${meant}" may be meant`,
        });
      });
  });
  return { draft: laidOver(draft, overrides, problems), problems };
}

function* addressesIn({ stages }: PlanDraft, prefix: string): Generator<string> {
  for (const { name, region } of stages) {
    yield prefix + name;
    const held = region?.body ?? region?.child?.draft;
    if (held !== undefined) yield* addressesIn(held, `${prefix}${name}/`);
  }
}

function laidOver(draft: PlanDraft, overrides: PolicyOverrides, problems: PlanProblem[]): PlanDraft {
  const held = new Map<string, Record<string, StagePolicy>>();
  for (const [address, policy] of Object.entries(overrides)) {
    const [name = '', ...rest] = address.split('/');
    if (rest.length > 0) held.set(name, { ...held.get(name), [rest.join('/')]: policy });
  }
  const stages = draft.stages.map((stage) => {
    const policy = Object.hasOwn(overrides, stage.name) ? overrides[stage.name] : undefined;
    const inner = held.get(stage.name);
    if (policy === undefined && inner === undefined) return stage;
    const region = inner === undefined ? stage.region : regionLaidOver(stage.region, inner, problems);
    return { ...stage, spec: { ...stage.spec, ...policy }, region };
  });
  return { ...draft, stages };
}

function regionLaidOver(region: DraftRegion | undefined, overrides: PolicyOverrides, problems: PlanProblem[]): DraftRegion | undefined {
  if (region?.body !== undefined) return { ...region, body: laidOver(region.body, overrides, problems) };
  if (region?.child === undefined) return region;
  const checked = validate(laidOver(region.child.draft, overrides, problems));
  problems.push(...checked.problems);
  return { ...region, child: checked.problems.length === 0 ? compile(checked.draft) : region.child };
}

/** The overrides of both, those of `later` over those of `earlier`. */
export function mergeOverrides(earlier: PolicyOverrides, later: PolicyOverrides): PolicyOverrides {
  const merged = new Map(Object.entries(earlier));
  for (const [stage, policy] of Object.entries(later)) merged.set(stage, { ...merged.get(stage), ...policy });
  return Object.fromEntries(merged);
}
