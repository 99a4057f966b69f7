import type { Plan, PlannedStage } from './plan.ts';

/** One scope of a plan as rules see it: the pipeline itself, or the body of a region. */
export interface LintScope {
  readonly plan: Plan;
  /** What stands before the names of its stages in their paths. */
  readonly prefix: string;
  /** The pipeline it belongs to: its limits hold in every scope. */
  readonly root: Plan;
  /** Whether something reads a stage, waits for it, or yields it. */
  readonly isRead: (index: number) => boolean;
  /** The stages that cannot start before a stage has completed. */
  readonly behind: (index: number) => ReadonlySet<number>;
}

/** Prepares a scope for the rules. O(V + E), and once more for each stage that is asked about. */
export function scopeOf(plan: Plan, prefix: string, root: Plan): LintScope {
  const read = new Set<number>();
  for (const stage of plan.stages) for (const index of readBy(plan, stage)) read.add(index);
  for (const { read: how } of plan.outputs) for (const slot of how.read === 'firstOf' ? how.slots : [how.slot]) read.add(slot);
  const known = new Map<number, ReadonlySet<number>>();
  return {
    plan,
    prefix,
    root,
    isRead: (index) => read.has(index),
    behind: (index) => {
      const found = known.get(index) ?? stagesBehind(plan, index);
      known.set(index, found);
      return found;
    },
  };
}

/** Indices of the stages that a stage reads, waits for or chooses from. */
function readBy({ groups }: Plan, { needs, region }: PlannedStage): number[] {
  const read = needs.flatMap(({ stage, group }) => (group === -1 ? [stage] : (groups[group] as Plan['groups'][number]).stages));
  if (region === undefined) return read;
  return [...read, ...region.heads.map(({ stage }) => stage), ...region.captures.map(({ outer }) => outer)];
}

/** Follows readers, and what regions let start. */
function stagesBehind(plan: Plan, from: number): ReadonlySet<number> {
  const found = new Set<number>();
  const queue = [from];
  for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
    for (const next of startedBy(plan, index)) {
      if (found.has(next)) continue;
      found.add(next);
      queue.push(next);
    }
  }
  return found;
}

function startedBy({ offsets, successors, groups, stages, tokens }: Plan, index: number): number[] {
  const readers: number[] = [];
  for (const reader of successors.subarray(offsets[index], offsets[index + 1])) {
    readers.push(reader < 0 ? (groups[-1 - reader] as Plan['groups'][number]).reader : reader);
  }
  const { region } = stages[index] as PlannedStage;
  const granted = region === undefined ? [] : region.gates.flatMap(({ token }) => (tokens[token] as Plan['tokens'][number]).stages);
  return [...readers, ...granted];
}
