import { type ErrorDetails, errorTable, type PlanProblem, type PlanProblemCode } from '../error-table.ts';
import { nearestName } from '../nearest-name.ts';
import { describeReceived } from '../schema.ts';
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
  const problems: PlanProblem[] = [...namingProblems('pipeline', draft.name), ...pipelinePolicyProblems(draft)];
  if (draft.stages.length === 0) problems.push(problem('SF_PLAN_EMPTY', { pipeline: draft.name }));
  const byName = new Map<string, DraftStage>();
  for (const stage of draft.stages) {
    problems.push(...namingProblems('stage', stage.name));
    if (byName.has(stage.name)) problems.push(problem('SF_DUPLICATE_STAGE', { stage: stage.name }));
    else byName.set(stage.name, stage);
  }
  for (const stage of byName.values()) problems.push(...stageProblems(stage, byName), ...stagePolicyProblems(stage));
  for (const output of draft.outputs) problems.push(...edgeProblems('"outputs"', output, byName));
  for (const name of draft.also) if (!byName.has(name)) problems.push(unknownStage(name, '"also"', byName));
  problems.push(...inputConflicts(draft));

  // From what is wanted, so that every front end arrives at the same order; the rest only to find its circles.
  const walk = new DependencyWalk(byName);
  for (const output of draft.outputs)
    if (output.read !== 'input' && output.read !== 'service') for (const name of output.from) walk.from(name);
  for (const name of draft.also) walk.from(name);
  const { ordered } = walk;
  const reached = ordered.length;
  for (const name of byName.keys()) walk.from(name);
  const inCircles = new Set<string>();
  for (const path of walk.cycles.values()) {
    problems.push(problem('SF_CYCLE', { path }));
    for (const name of path) inCircles.add(name);
  }
  for (const { name } of ordered.slice(reached)) if (!inCircles.has(name)) problems.push(problem('SF_STAGE_UNREACHABLE', { stage: name }));
  return { draft: { ...draft, stages: ordered }, problems };
}

const none: readonly PlanProblem[] = [];

function namingProblems(subject: string, name: string): readonly PlanProblem[] {
  const why = nameProblem(name);
  return why === undefined ? none : [problem('SF_NAME_INVALID', { subject, name: String(name), why })];
}

function stageProblems(stage: DraftStage, byName: ReadonlyMap<string, DraftStage>): PlanProblem[] {
  const reader = `stage "${stage.name}"`;
  const problems: PlanProblem[] = [];
  for (const edge of stage.needs) problems.push(...edgeProblems(reader, edge, byName));
  for (const name of stage.after) if (!byName.has(name)) problems.push(unknownStage(name, `"after" of ${reader}`, byName));
  if (stage.when !== undefined) {
    const target = byName.get(stage.when.route);
    if (target === undefined) problems.push(unknownStage(stage.when.route, `"when" of ${reader}`, byName));
    else if (target.kind !== 'route') problems.push(problem('SF_ROUTE_EXPECTED', { stage: target.name, reader }));
  }
  return problems;
}

function edgeProblems(reader: string, edge: DraftEdge, byName: ReadonlyMap<string, DraftStage>): readonly PlanProblem[] {
  const [from] = edge.from;
  if (edge.read === 'value' && edge.from.length === 1 && from !== undefined && byName.has(from) && nameProblem(edge.key) === undefined)
    return none;
  const problems = [...namingProblems(`key of ${reader}`, edge.key)];
  if (edge.read === 'unknown')
    return [...problems, problem('SF_UNKNOWN_SOURCE', { reader, key: edge.key, received: String(edge.received) })];
  if (edge.read === 'input' || edge.read === 'service')
    return [...problems, ...edge.from.flatMap((name) => namingProblems(edge.read, name))];
  if (edge.from.length === 0)
    return [...problems, problem('SF_UNKNOWN_SOURCE', { reader, key: edge.key, received: 'a firstOf() of nothing' })];
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

function unknownStage(stage: unknown, reader: string, byName: ReadonlyMap<string, DraftStage>): PlanProblem {
  // Data may hold anything where a name should stand.
  if (typeof stage !== 'string') return problem('SF_UNKNOWN_STAGE', { stage: describeReceived(stage), reader, nearest: undefined });
  return problem('SF_UNKNOWN_STAGE', { stage, reader, nearest: nearestName(stage, byName.keys()) });
}

function inputConflicts(draft: PlanDraft): PlanProblem[] {
  const schemas = new Map<string, unknown>();
  const conflicts = new Set<string>();
  const look = ({ read, from: [name], schema }: DraftEdge): void => {
    if (read !== 'input' || name === undefined) return;
    if (schemas.has(name) && schemas.get(name) !== schema) conflicts.add(name);
    schemas.set(name, schema);
  };
  for (const stage of draft.stages) stage.needs.forEach(look);
  draft.outputs.forEach(look);
  return Array.from(conflicts, (input) => problem('SF_INPUT_CONFLICT', { input }));
}

/** Every stage that `stage` waits for, by name. */
function dependenciesOf(stage: DraftStage): readonly string[] {
  const [only] = stage.needs;
  // Most stages read one other, and their edge already lists it.
  if (only !== undefined && stage.needs.length === 1 && stage.after.length === 0 && stage.when === undefined) {
    return only.read === 'input' || only.read === 'service' ? [] : only.from;
  }
  const names: string[] = [];
  for (const edge of stage.needs) if (edge.read !== 'input' && edge.read !== 'service') names.push(...edge.from);
  names.push(...stage.after);
  if (stage.when !== undefined) names.push(stage.when.route);
  return names;
}

/** Depth first along dependencies, with a stack of its own: each stage after those it needs; each circle by its path. */
class DependencyWalk {
  readonly ordered: DraftStage[] = [];
  /** By path, so that a circle over several edges is one. */
  readonly cycles: Map<string, readonly string[]> = new Map();
  readonly #byName: ReadonlyMap<string, DraftStage>;
  readonly #state = new Map<string, 'open' | 'done'>();

  constructor(byName: ReadonlyMap<string, DraftStage>) {
    this.#byName = byName;
  }

  from(root: string): void {
    const stack: { readonly stage: DraftStage; readonly dependencies: readonly string[]; next: number }[] = [];
    const open = (name: string): void => {
      const stage = this.#byName.get(name);
      if (stage === undefined) return;
      this.#state.set(name, 'open');
      stack.push({ stage, dependencies: dependenciesOf(stage), next: 0 });
    };
    if (!this.#state.has(root)) open(root);
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const name = frame.dependencies[frame.next++];
      if (name === undefined) {
        this.#state.set(frame.stage.name, 'done');
        this.ordered.push(frame.stage);
        stack.pop();
        continue;
      }
      const state = this.#state.get(name);
      if (state === undefined) open(name);
      else if (state === 'open') {
        const path = stack.map(({ stage }) => stage.name);
        const circle = [...path.slice(path.indexOf(name)), name];
        this.cycles.set(circle.join('\n'), circle);
      }
    }
  }
}
