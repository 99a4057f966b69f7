import type { ErrorDetails, PlanProblem, PlanProblemCode } from '../error-details.ts';
import { errorTable } from '../error-table.ts';
import { nearestName } from '../nearest-name.ts';
import { describeReceived } from '../schema.ts';
import { type DraftEdge, type DraftStage, isValueRead, type PlanDraft } from './draft.ts';
import { nameProblem } from './names.ts';
import { pipelinePolicyProblems, stagePolicyProblems } from './policy-problems.ts';
import { streamProblems } from './stream-problems.ts';

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
  const problems: PlanProblem[] = [...namingProblems('pipeline', draft.name), ...pipelinePolicyProblems(draft), ...inputConflicts(draft)];
  const checked = validateScope(draft, { names: new Set(), regions: [] });
  return { draft: checked.draft, problems: [...problems, ...checked.problems] };
}

/** What stands around the body of a region. */
interface Around {
  readonly names: ReadonlySet<string>;
  readonly regions: readonly string[];
}

/** Checks one scope, and the bodies of its regions with it. Recurses as deep as regions are nested. */
function validateScope(draft: PlanDraft, around: Around): CheckedDraft {
  const problems: PlanProblem[] = [];
  if (draft.stages.length === 0) {
    problems.push(
      around.regions.length === 0
        ? problem('SF_PLAN_EMPTY', { pipeline: draft.name })
        : problem('SF_REGION_CONSTANT', { stage: draft.name }),
    );
  }
  const byName = new Map<string, DraftStage>();
  for (const stage of draft.stages) {
    problems.push(...namingProblems('stage', stage.name));
    if (byName.has(stage.name) || around.names.has(stage.name)) problems.push(problem('SF_DUPLICATE_STAGE', { stage: stage.name }));
    else byName.set(stage.name, stage);
  }
  const known = new Set([...byName.keys(), ...(draft.captures ?? [])]);
  const names = new Set([...around.names, ...byName.keys()]);
  const bodies = new Map<string, DraftStage>();
  for (const stage of byName.values()) {
    problems.push(...stageProblems(stage, byName, known, around.regions), ...stagePolicyProblems(stage));
    const { region } = stage;
    if (region?.body === undefined) continue;
    const checked = validateScope(region.body, { names, regions: [...around.regions, stage.name] });
    problems.push(...checked.problems);
    bodies.set(stage.name, { ...stage, region: { ...region, body: checked.draft } });
  }
  for (const output of draft.outputs) problems.push(...edgeProblems('"outputs"', output, byName, known, around.regions));
  for (const name of draft.also) if (!byName.has(name)) problems.push(unknownStage(name, '"also"', byName));

  // From what is wanted, so that every front end arrives at the same order; the rest only to find its circles.
  const walk = new DependencyWalk(byName);
  for (const output of draft.outputs) if (!isValueRead(output.read)) for (const name of output.from) walk.from(name);
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
  problems.push(...streamProblems(draft, ordered));
  const stages = bodies.size === 0 ? ordered : ordered.map((stage) => bodies.get(stage.name) ?? stage);
  return { draft: { ...draft, stages }, problems };
}

const none: readonly PlanProblem[] = [];

function namingProblems(subject: string, name: string): readonly PlanProblem[] {
  const why = nameProblem(name);
  return why === undefined ? none : [problem('SF_NAME_INVALID', { subject, name: String(name), why })];
}

function stageProblems(
  stage: DraftStage,
  byName: ReadonlyMap<string, DraftStage>,
  known: ReadonlySet<string>,
  regions: readonly string[],
): PlanProblem[] {
  const reader = `stage "${stage.name}"`;
  const problems: PlanProblem[] = [];
  for (const edge of stage.needs) problems.push(...edgeProblems(reader, edge, byName, known, regions));
  for (const { from } of stage.region?.heads ?? []) {
    const edge: DraftEdge = { key: 'alternative', read: stage.kind === 'fallback' ? 'firstOf' : 'value', from: [from] };
    problems.push(...edgeProblems(reader, edge, byName, known, regions));
  }
  for (const name of stage.after) if (!known.has(name)) problems.push(unknownStage(name, `"after" of ${reader}`, byName));
  if (stage.when !== undefined) {
    const target = byName.get(stage.when.route);
    if (target === undefined && !known.has(stage.when.route)) problems.push(unknownStage(stage.when.route, `"when" of ${reader}`, byName));
    else if (target !== undefined && target.kind !== 'route') problems.push(problem('SF_ROUTE_EXPECTED', { stage: target.name, reader }));
  }
  return problems;
}

function edgeProblems(
  reader: string,
  edge: DraftEdge,
  byName: ReadonlyMap<string, DraftStage>,
  known: ReadonlySet<string>,
  regions: readonly string[],
): readonly PlanProblem[] {
  const [from] = edge.from;
  if (edge.read === 'value' && edge.from.length === 1 && from !== undefined && known.has(from) && nameProblem(edge.key) === undefined)
    return none;
  const problems = [...namingProblems(`key of ${reader}`, edge.key)];
  if (edge.read === 'unknown')
    return [...problems, problem('SF_UNKNOWN_SOURCE', { reader, key: edge.key, received: String(edge.received) })];
  if (edge.read === 'input' || edge.read === 'service')
    return [...problems, ...edge.from.flatMap((name) => namingProblems(edge.read, name))];
  if (edge.read === 'local') {
    const local = String(from);
    const owner = local.slice(0, local.lastIndexOf('.'));
    return regions.includes(owner) ? problems : [...problems, problem('SF_LOCAL_ESCAPED', { local, reader })];
  }
  if (edge.from.length === 0)
    return [...problems, problem('SF_UNKNOWN_SOURCE', { reader, key: edge.key, received: 'a firstOf() of nothing' })];
  for (const name of edge.from) {
    const stage = byName.get(name);
    if (stage === undefined) {
      if (!known.has(name)) problems.push(unknownStage(name, `"${edge.key}" of ${reader}`, byName));
    } else if (isTolerant(edge) && stage.kind === 'guard' && stage.spec.failOpen !== true) {
      const through = edge.key === 'alternative' ? 'fallback()' : edge.read === 'optional' ? 'optional()' : 'firstOf()';
      problems.push(problem('SF_GUARD_TOLERATED', { guard: name, reader, edge: through }));
    }
  }
  return problems;
}

/** Whether the reader takes something else where the stage has no value. */
function isTolerant({ read }: DraftEdge): boolean {
  return read === 'optional' || read === 'firstOf' || read === 'optionalFirstOf';
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
  const lookIn = (scope: PlanDraft): void => {
    for (const { needs, region } of scope.stages) {
      needs.forEach(look);
      if (region?.body !== undefined) lookIn(region.body);
    }
    scope.outputs.forEach(look);
  };
  lookIn(draft);
  return Array.from(conflicts, (input) => problem('SF_INPUT_CONFLICT', { input }));
}

/** Every stage that `stage` waits for, by name. */
function dependenciesOf(stage: DraftStage): readonly string[] {
  const [only] = stage.needs;
  // Most stages read one other, and their edge already lists it.
  if (
    only !== undefined &&
    stage.needs.length === 1 &&
    stage.after.length === 0 &&
    stage.when === undefined &&
    stage.region === undefined
  ) {
    return isValueRead(only.read) ? [] : only.from;
  }
  const names: string[] = [];
  for (const edge of stage.needs) if (!isValueRead(edge.read)) names.push(...edge.from);
  names.push(...stage.after);
  if (stage.when !== undefined) names.push(stage.when.route);
  for (const { from } of stage.region?.heads ?? []) names.push(from);
  for (const { read, from } of stage.region?.captures ?? []) if (!isValueRead(read)) names.push(...from);
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
