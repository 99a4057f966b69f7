import { type ResolvedRetryPolicy, resolveRetry } from '../retry.ts';
import type { Schema } from '../schema.ts';
import type { StageFunction, StageKind } from '../stage.ts';
import type { DraftEdge, DraftStage, PipelinePolicy, PlanDraft } from './draft.ts';

/** How one value of a reader is made from the values and outcomes of others. Indices are slots of a run. */
export type PlannedRead =
  | { readonly read: 'slot'; readonly slot: number }
  | { readonly read: 'settled'; readonly slot: number }
  | { readonly read: 'firstOf'; readonly slots: readonly number[]; readonly group: number };

/** One need of a reader that has ended badly may matter; which ones, and how much, is here. */
export interface PlannedNeed {
  /** The stage; for a `firstOf`, -1. */
  readonly stage: number;
  /** The group of a `firstOf`, else -1. */
  readonly group: number;
  /** Whether a chosen skip of the stage passes: `optional`, `settled` and `after` let it. */
  readonly toleratesSkip: boolean;
  /** Whether a failure or block passes: only `settled` lets it. */
  readonly toleratesFailure: boolean;
}

/** One stage of a compiled plan. */
export interface PlannedStage {
  readonly index: number;
  readonly name: string;
  readonly kind: StageKind;
  readonly run: StageFunction;
  /** Makes the empty object that the values its function receives are put in. */
  readonly Values: new () => Record<string, unknown>;
  /** The keys of those values, and where each comes from. */
  readonly keys: readonly string[];
  readonly slots: readonly number[];
  /** Present where some value is more than what lies in a slot. */
  readonly reads: readonly PlannedRead[] | undefined;
  readonly needs: readonly PlannedNeed[];
  readonly when: ((values: never) => unknown) | undefined;
  readonly gate: { readonly route: number; readonly arms: ReadonlySet<unknown> } | undefined;
  /** Whether a route or a predicate decides if it runs. */
  readonly gated: boolean;
  /** Whether one call is all there is to it: no limit, no retry, no contract, no verdict. */
  readonly simple: boolean;
  readonly timeoutMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly budgetMs: number | undefined;
  readonly graceMs: number | undefined;
  readonly retry: ResolvedRetryPolicy | undefined;
  readonly output: Schema<unknown, unknown> | undefined;
  readonly skipsOnFailure: boolean;
  readonly failOpen: boolean;
  readonly idempotencyKey: ((values: never) => string) | undefined;
  readonly version: string | undefined;
  readonly tags: readonly string[];
  /** Whether a failure of this stage can reach nothing that is wanted without being taken into account. */
  readonly handled: boolean;
}

/** One wanted output. */
export interface PlannedOutput {
  readonly key: string;
  readonly read: PlannedRead;
}

/** An input the plan reads. */
export interface PlannedInput {
  readonly name: string;
  readonly schema: Schema | undefined;
}

/**
 * The compiled, immutable, integer-indexed form of a pipeline, shared by all its runs. Stage `i` stands after those it
 * needs. A run's values lie in slots: those of the stages first, then the inputs, then the services.
 */
export interface Plan {
  readonly name: string;
  readonly version: string | undefined;
  readonly policy: PipelinePolicy;
  readonly stages: readonly PlannedStage[];
  readonly indexByName: ReadonlyMap<string, number>;
  readonly inputs: readonly PlannedInput[];
  readonly services: readonly string[];
  readonly outputs: readonly PlannedOutput[];
  readonly also: readonly number[];
  /** How many ends each stage waits for. A `firstOf` counts once. */
  readonly waits: readonly number[];
  /** Successors of stage `i` stand in `successors` from `offsets[i]` to `offsets[i + 1]`; a `firstOf` group `g` as `-1 - g`. */
  readonly offsets: Int32Array;
  readonly successors: Int32Array;
  /** The stages of each `firstOf` group in the order written, and its reader. */
  readonly groups: readonly { readonly reader: number; readonly stages: readonly number[] }[];
  readonly roots: readonly number[];
  /** What the plan was made of, for export. */
  readonly draft: PlanDraft;
}

/** Compiles a sound draft whose stages stand after those they need. O(V + E). */
export function compile(draft: PlanDraft): Plan {
  const indexByName = new Map(draft.stages.map((stage, index) => [stage.name, index]));
  const layout = new SlotLayout(draft, indexByName);
  const groups: { reader: number; stages: number[] }[] = [];
  const waits: number[] = [];
  /** Two numbers an edge: what is waited for, and by whom. */
  const edges: number[] = [];
  const stages = draft.stages.map((stage, index) => {
    const reads: PlannedRead[] = [];
    let waited = 0;
    const waitFor = (from: number, to = index): void => {
      edges.push(from, to);
    };
    for (const edge of stage.needs) {
      const read = layout.read(edge, groups.length);
      reads.push(read);
      if (edge.read === 'input' || edge.read === 'service') continue;
      waited++;
      if (read.read !== 'firstOf') waitFor(read.slot);
      else {
        for (const from of read.slots) waitFor(from, -1 - groups.length);
        groups.push({ reader: index, stages: [...read.slots] });
      }
    }
    for (const name of stage.after) waitFor(layout.stage(name));
    if (stage.when !== undefined) waitFor(layout.stage(stage.when.route));
    waits.push(waited + stage.after.length + (stage.when === undefined ? 0 : 1));
    return planStage(stage, index, reads, layout);
  });
  const { offsets, successors } = successorLists(edges, stages.length);
  const outputs = draft.outputs.map((edge) => ({ key: edge.key, read: layout.read(edge, -1) }));
  const also = draft.also.map((name) => layout.stage(name));
  markHandled(stages, outputs, also);
  return {
    name: draft.name,
    version: draft.version,
    policy: draft.policy,
    stages,
    indexByName,
    inputs: layout.inputs,
    services: layout.services,
    outputs,
    also,
    waits,
    offsets,
    successors,
    groups,
    roots: stages.flatMap((stage) => (waits[stage.index] === 0 ? [stage.index] : [])),
    draft,
  };
}

/** Says in which slot each value of a run lies. */
class SlotLayout {
  readonly inputs: PlannedInput[] = [];
  readonly services: string[] = [];
  readonly #indexByName: ReadonlyMap<string, number>;
  readonly #inputSlots = new Map<string, number>();
  readonly #serviceSlots = new Map<string, number>();

  constructor(draft: PlanDraft, indexByName: ReadonlyMap<string, number>) {
    this.#indexByName = indexByName;
    const edges = [...draft.stages.flatMap((stage) => stage.needs), ...draft.outputs];
    for (const { read, from, schema } of edges) {
      const name = from[0];
      if (read !== 'input' || name === undefined || this.#inputSlots.has(name)) continue;
      this.#inputSlots.set(name, indexByName.size + this.inputs.length);
      this.inputs.push({ name, schema });
    }
    for (const { read, from } of edges) {
      const name = from[0];
      if (read !== 'service' || name === undefined || this.#serviceSlots.has(name)) continue;
      this.#serviceSlots.set(name, indexByName.size + this.inputs.length + this.services.length);
      this.services.push(name);
    }
  }

  stage(name: string): number {
    return known(this.#indexByName.get(name));
  }

  read(edge: DraftEdge, group: number): PlannedRead {
    const [first = ''] = edge.from;
    if (edge.read === 'input') return { read: 'slot', slot: known(this.#inputSlots.get(first)) };
    if (edge.read === 'service') return { read: 'slot', slot: known(this.#serviceSlots.get(first)) };
    if (edge.read === 'firstOf' || edge.read === 'optionalFirstOf') {
      return { read: 'firstOf', slots: edge.from.map((name) => this.stage(name)), group };
    }
    return { read: edge.read === 'settled' ? 'settled' : 'slot', slot: this.stage(first) };
  }
}

function known(slot: number | undefined): number {
  if (slot === undefined) throw new Error('A draft was compiled that had not been validated.');
  return slot;
}

function planStage(stage: DraftStage, index: number, reads: readonly PlannedRead[], layout: SlotLayout): UnmarkedStage {
  const { spec } = stage;
  const { timeoutMs, idleMs, budgetMs, output } = spec;
  const retry = spec.retry && resolveRetry(spec.retry);
  const predicate = typeof spec.when === 'function' ? spec.when : undefined;
  const bare = timeoutMs === undefined && idleMs === undefined && budgetMs === undefined && retry === undefined && output === undefined;
  return {
    index,
    name: stage.name,
    kind: stage.kind,
    run: spec.run,
    Values: valuesOfOneStage(),
    keys: stage.needs.map((edge) => edge.key),
    slots: reads.map((read) => (read.read === 'slot' ? read.slot : -1)),
    reads: reads.every((read) => read.read === 'slot') ? undefined : reads,
    needs: plannedNeeds(stage, reads, layout),
    when: predicate,
    gate: stage.when && { route: layout.stage(stage.when.route), arms: new Set(stage.when.arms) },
    gated: predicate !== undefined || stage.when !== undefined,
    simple: bare && stage.kind !== 'guard' && stage.kind !== 'route',
    timeoutMs,
    idleMs,
    budgetMs,
    graceMs: spec.graceMs,
    retry,
    output,
    skipsOnFailure: spec.onFailure === 'skip',
    failOpen: spec.failOpen === true,
    idempotencyKey: spec.idempotencyKey,
    version: spec.version,
    tags: spec.tags ?? [],
    handled: false,
  };
}

/**
 * A constructor of plain objects, one for each stage. Engines keep one table of shapes for all `{}` of a program; with
 * thousands of stages each adding keys of its own, finding the shape costs more than the rest of the stage (measured:
 * 1.5 µs against 0.03 µs at 10,000 stages). Objects of one constructor have a table to themselves.
 */
function valuesOfOneStage(): new () => Record<string, unknown> {
  function Values(): void {}
  Values.prototype = Object.prototype;
  return Values as unknown as new () => Record<string, unknown>;
}

function plannedNeeds(stage: DraftStage, reads: readonly PlannedRead[], layout: SlotLayout): PlannedNeed[] {
  const needs: PlannedNeed[] = [];
  for (const [position, edge] of stage.needs.entries()) {
    const read = reads[position];
    if (read?.read === 'firstOf') {
      needs.push({ stage: -1, group: read.group, toleratesSkip: edge.read === 'optionalFirstOf', toleratesFailure: false });
    } else if (read !== undefined && edge.read !== 'input' && edge.read !== 'service') {
      needs.push({ stage: read.slot, group: -1, toleratesSkip: edge.read !== 'value', toleratesFailure: edge.read === 'settled' });
    }
  }
  for (const name of stage.after) needs.push({ stage: layout.stage(name), group: -1, toleratesSkip: true, toleratesFailure: false });
  if (stage.when !== undefined)
    needs.push({ stage: layout.stage(stage.when.route), group: -1, toleratesSkip: false, toleratesFailure: false });
  return needs;
}

function successorLists(edges: readonly number[], size: number): { offsets: Int32Array; successors: Int32Array } {
  const offsets = new Int32Array(size + 1);
  for (let at = 0; at < edges.length; at += 2) (offsets[(edges[at] as number) + 1] as number)++;
  for (let index = 0; index < size; index++) (offsets[index + 1] as number) += offsets[index] as number;
  const successors = new Int32Array(edges.length / 2);
  const fill = offsets.slice();
  for (let at = 0; at < edges.length; at += 2) successors[(fill[edges[at] as number] as number)++] = edges[at + 1] as number;
  return { offsets, successors };
}

/**
 * Finds the stages whose failure cannot fail the run. A failure escapes where the stage is wanted, or where it skips a
 * stage from which a failure would escape. Readers stand after what they read, so one pass from the end decides.
 */
function markHandled(stages: readonly UnmarkedStage[], outputs: readonly PlannedOutput[], also: readonly number[]): void {
  const escapes = new Array<boolean>(stages.length).fill(false);
  for (const index of also) escapes[index] = true;
  for (const { read } of outputs) {
    if (read.read === 'settled') continue;
    for (const slot of read.read === 'firstOf' ? read.slots : [read.slot]) if (slot < stages.length) escapes[slot] = true;
  }
  for (let index = stages.length - 1; index >= 0; index--) {
    const stage = stages[index] as UnmarkedStage;
    stage.handled = stage.skipsOnFailure || !escapes[index];
    if (!escapes[index]) continue;
    for (const need of stage.needs) if (!need.toleratesFailure && need.stage >= 0) escapes[need.stage] = true;
    for (const read of stage.reads ?? []) if (read.read === 'firstOf') for (const slot of read.slots) escapes[slot] = true;
  }
}

/** A stage of which it is not yet known whether its failures are handled. Made whole, and marked in place: runs read these all the time. */
type UnmarkedStage = Omit<PlannedStage, 'handled'> & { handled: boolean };
