import type { DraftStage } from '../plan/draft.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';

const known = new WeakMap<PlannedStage, string>();

/**
 * What must not change about a stage while runs of it are kept: its name, its kind, what it reads and how, what gates it,
 * whether it has a contract, its declared version. Limits and retries may change.
 */
export function fingerprint(plan: Plan, stage: PlannedStage): string {
  let print = known.get(stage);
  if (print === undefined) {
    print = hash(describe(plan, stage));
    known.set(stage, print);
  }
  return print;
}

/** The same in words, for the error that shows a difference. */
function describe({ draft }: Plan, stage: PlannedStage): string {
  const { needs, after, when, region } = draft.stages[stage.index] as DraftStage;
  const reads = needs.map(({ key, read, from }) => `${key}:${read}:${from.join('|')}`);
  const gates = [...after.map((name) => `after:${name}`), ...(when === undefined ? [] : [`when:${when.route}:${when.arms.join('|')}`])];
  const heads = (region?.heads ?? []).map(({ key, from }) => `${key}:${from}`);
  const flags = [stage.output !== undefined, stage.when !== undefined, stage.skipsOnFailure, stage.failOpen];
  return JSON.stringify([stage.name, stage.kind, stage.version ?? '', reads, gates, heads, flags]);
}

/** FNV-1a, 32 bits, twice with different seeds: http://www.isthe.com/chongo/tech/comp/fnv. */
function hash(text: string): string {
  let [left, right] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < text.length; at++) {
    left = Math.imul(left ^ text.charCodeAt(at), 0x01000193);
    right = Math.imul(right ^ text.charCodeAt(at), 0x85ebca6b);
  }
  return (left >>> 0).toString(16).padStart(8, '0') + (right >>> 0).toString(16).padStart(8, '0');
}
