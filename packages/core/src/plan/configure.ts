import type { PlanProblem } from '../error-table.ts';
import { nearestName } from '../nearest-name.ts';
import type { StagePolicy } from '../stage.ts';
import type { PlanDraft } from './draft.ts';
import { problem } from './validate.ts';

/** Policies by stage name: what `configure` was given. */
export type PolicyOverrides = Readonly<Record<string, StagePolicy>>;

const overridable: readonly (keyof StagePolicy)[] = ['timeoutMs', 'idleMs', 'budgetMs', 'graceMs', 'retry'];

/** Lays policies over those of a draft's stages; what is no stage or no policy is a problem. */
export function configureDraft(
  draft: PlanDraft,
  overrides: PolicyOverrides,
): { readonly draft: PlanDraft; readonly problems: readonly PlanProblem[] } {
  if (Object.keys(overrides).length === 0) return { draft, problems: [] };
  const names = new Set(draft.stages.map((stage) => stage.name));
  const problems = Object.entries(overrides).flatMap(([stage, policy]) => {
    if (!names.has(stage)) return [problem('SF_UNKNOWN_STAGE', { stage, reader: 'configure()', nearest: nearestName(stage, names) })];
    return Object.keys(policy)
      .filter((option) => !overridable.includes(option as keyof StagePolicy))
      .map((option) => {
        const subject = `configure() for stage "${stage}"`;
        return problem('SF_POLICY_INVALID', {
          subject,
          option,
          expected: `one of ${overridable.join(', ')}, or left out`,
          received: 'an option that is part of the stage itself',
        });
      });
  });
  const stages = draft.stages.map((stage) => {
    const policy = Object.hasOwn(overrides, stage.name) ? overrides[stage.name] : undefined;
    return policy === undefined ? stage : { ...stage, spec: { ...stage.spec, ...policy } };
  });
  return { draft: { ...draft, stages }, problems };
}

/** The overrides of both, those of `later` over those of `earlier`. */
export function mergeOverrides(earlier: PolicyOverrides, later: PolicyOverrides): PolicyOverrides {
  const merged = new Map(Object.entries(earlier));
  for (const [stage, policy] of Object.entries(later)) merged.set(stage, { ...merged.get(stage), ...policy });
  return Object.fromEntries(merged);
}
