import { type ErrorDetails, errorTable, type PlanProblem, type PlanProblemCode } from '../error-table.ts';
import { nearestName } from '../nearest-name.ts';
import type { DraftEdge, DraftStage, PlanDraft } from './draft.ts';
import { nameProblem } from './names.ts';
import { pipelinePolicyProblems, stagePolicyProblems } from './policy-problems.ts';

/** A draft that was found sound: its stages stand after those they need. */
export interface CheckedDraft {
  readonly draft: PlanDraft;
  readonly problems: readonly PlanProblem[];
}

/** One problem, from the table of codes. */
export function problem<C extends PlanProblemCode>(code: C, details: ErrorDetails[C]): PlanProblem {
  const entry = errorTable[code];
  return { code, message: entry.message(details), hint: entry.hint(details) };
}

/**
 * Checks a draft and orders its stages, dependencies first and otherwise as written. Reports everything that is wrong,
 * not the first of it. O(V + E), without recursion.
 */
export function validate(draft: PlanDraft): CheckedDraft {
  const problems: PlanProblem[] = [];
  const byName = new Map<string, DraftStage>();
  problems.push(...namingProblems('pipeline', draft.name), ...pipelinePolicyProblems(draft));
  if (draft.stages.length === 0) problems.push(problem('SF_PLAN_EMPTY', { pipeline: draft.name }));
  for (const stage of draft.stages) {
    problems.push(...namingProblems('stage', stage.name));
    if (byName.has(stage.name)) problems.push(problem('SF_DUPLICATE_STAGE', { stage: stage.name }));
    else byName.set(stage.name, stage);
  }
  for (const stage of byName.values()) problems.push(...stageProblems(stage, byName), ...stagePolicyProblems(stage));
  for (const output of draft.outputs) problems.push(...edgeProblems('"outputs"', output, byName));
  for (const name of draft.also) if (!byName.has(name)) problems.push(unknownStage(name, '"also"', byName));
  problems.push(...inputConflicts(draft));

  // From what is wanted, so that every front end arrives at the same order; the rest is there to find its circles.
  const wanted = rootNames(draft).flatMap((name) => byName.get(name) ?? []);
  const { ordered, cycles } = order([...wanted, ...byName.values()], byName);
  for (const path of cycles) problems.push(problem('SF_CYCLE', { path }));
  if (cycles.length === 0) problems.push(...unreachable(draft, byName));
  return { draft: { ...draft, stages: ordered }, problems };
}

function namingProblems(subject: string, name: string): PlanProblem[] {
  const why = nameProblem(name);
  return why === undefined ? [] : [problem('SF_NAME_INVALID', { subject, name: String(name), why })];
}

function stageProblems(stage: DraftStage, byName: ReadonlyMap<string, DraftStage>): PlanProblem[] {
  const reader = `stage "${stage.name}"`;
  const problems = stage.needs.flatMap((edge) => edgeProblems(reader, edge, byName));
  for (const name of stage.after) if (!byName.has(name)) problems.push(unknownStage(name, `"after" of ${reader}`, byName));
  if (stage.when !== undefined) {
    const target = byName.get(stage.when.route);
    if (target === undefined) problems.push(unknownStage(stage.when.route, `"when" of ${reader}`, byName));
    else if (target.kind !== 'route') problems.push(problem('SF_ROUTE_EXPECTED', { stage: target.name, reader }));
  }
  return problems;
}

function edgeProblems(reader: string, edge: DraftEdge, byName: ReadonlyMap<string, DraftStage>): PlanProblem[] {
  const problems = namingProblems(`key of ${reader}, whose`, edge.key);
  if (edge.read === 'unknown') return [...problems, problem('SF_UNKNOWN_SOURCE', { reader, key: edge.key, received: edge.received ?? 'nothing' })];
  if (edge.read === 'input' || edge.read === 'service') return [...problems, ...edge.from.flatMap((name) => namingProblems(edge.read, name))];
  for (const name of edge.from) {
    const stage = byName.get(name);
    if (stage === undefined) problems.push(unknownStage(name, `"${edge.key}" of ${reader}`, byName));
    else if (edge.read !== 'value' && edge.read !== 'settled' && stage.kind === 'guard' && stage.spec.failOpen !== true) {
      const through = edge.read === 'optional' ? 'optional()' : 'firstOf()';
      problems.push(problem('SF_GUARD_TOLERATED', { guard: name, reader, edge: through }));
    }
  }
  return problems;
}

function unknownStage(stage: string, reader: string, byName: ReadonlyMap<string, DraftStage>): PlanProblem {
  return problem('SF_UNKNOWN_STAGE', { stage, reader, nearest: nearestName(stage, byName.keys()) });
}

function inputConflicts(draft: PlanDraft): PlanProblem[] {
  const schemas = new Map<string, unknown>();
  const conflicts = new Set<string>();
  for (const edge of [...draft.stages.flatMap((stage) => stage.needs), ...draft.outputs]) {
    const name = edge.from[0];
    if (edge.read !== 'input' || name === undefined) continue;
    if (schemas.has(name) && schemas.get(name) !== edge.schema) conflicts.add(name);
    schemas.set(name, edge.schema);
  }
  return [...conflicts].map((input) => problem('SF_INPUT_CONFLICT', { input }));
}

/** Every stage that `stage` waits for, by name. */
export function dependenciesOf(stage: DraftStage): string[] {
  const names = stage.needs.flatMap((edge) => (edge.read === 'input' || edge.read === 'service' ? [] : edge.from));
  return [...names, ...stage.after, ...(stage.when === undefined ? [] : [stage.when.route])];
}

/** Depth first along dependencies, with a stack of its own: each stage after those it needs; each circle by its path. */
function order(stages: readonly DraftStage[], byName: ReadonlyMap<string, DraftStage>): { ordered: DraftStage[]; cycles: string[][] } {
  const ordered: DraftStage[] = [];
  const cycles: string[][] = [];
  const state = new Map<DraftStage, 'open' | 'done'>();
  for (const root of stages) {
    if (state.has(root)) continue;
    const stack = [{ stage: root, dependencies: dependenciesOf(root), next: 0 }];
    state.set(root, 'open');
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const name = frame.dependencies[frame.next++];
      if (name === undefined) {
        state.set(frame.stage, 'done');
        ordered.push(frame.stage);
        stack.pop();
        continue;
      }
      const dependency = byName.get(name);
      if (dependency === undefined) continue;
      if (state.get(dependency) === 'open') {
        const path = stack.map((open) => open.stage.name);
        cycles.push([...path.slice(path.indexOf(name)), name]);
      } else if (!state.has(dependency)) {
        state.set(dependency, 'open');
        stack.push({ stage: dependency, dependencies: dependenciesOf(dependency), next: 0 });
      }
    }
  }
  return { ordered, cycles };
}

/** The stages that are wanted for themselves. */
function rootNames(draft: PlanDraft): string[] {
  return [...draft.outputs.flatMap((edge) => (edge.read === 'input' || edge.read === 'service' ? [] : edge.from)), ...draft.also];
}

function unreachable(draft: PlanDraft, byName: ReadonlyMap<string, DraftStage>): PlanProblem[] {
  const reached = new Set<string>();
  const pending = rootNames(draft);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const stage = byName.get(name);
    if (stage === undefined || reached.has(name)) continue;
    reached.add(name);
    pending.push(...dependenciesOf(stage));
  }
  return [...byName.keys()].filter((name) => !reached.has(name)).map((stage) => problem('SF_STAGE_UNREACHABLE', { stage }));
}
