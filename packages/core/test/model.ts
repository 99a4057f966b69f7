import { type Attempts, attempts, type End, type Facts, type Values } from './model-of-attempts.ts';
import { digest, givenInput, givenService, keyOf, type ScriptedEdge, type ScriptedGraph, type ScriptedStage } from './scripted-graph.ts';

/** What must become of a stage. */
export interface Life extends Attempts {
  readonly stage: ScriptedStage;
  /** When all that it waits for had ended. */
  readonly readyAt: number;
}

/** What must become of every stage, in the order of the graph, which is one of dependencies. */
export function livesOf(graph: ScriptedGraph, facts: Facts): readonly Life[] {
  const lives: Life[] = [];
  for (const stage of graph.stages) lives.push(live(stage, lives, graph, facts));
  return lives;
}

function live(stage: ScriptedStage, lives: readonly Life[], graph: ScriptedGraph, facts: Facts): Life {
  const waits = waitsOf(stage);
  const readyAt = Math.max(0, ...waits.flatMap((edge) => decidersOf(edge, lives).map(({ endAt }) => endAt)));
  const takenUpAt = facts.takenUpAt.get(stage.name);
  const none = { stage, readyAt, calls: [], failedOpen: false, failure: undefined };
  const kept = join(waits, lives);
  if (takenUpAt === undefined) return { ...none, end: kept?.is === 'skipped' ? kept : { is: 'cancelled' }, endAt: facts.endAt };
  if (kept !== undefined) return { ...none, end: kept, endAt: takenUpAt };
  const values = stage.needs.map((edge, at) => [keyOf(stage, at), valueOf(edge, lives)] as const);
  const refusal = gate(stage, values, lives);
  if (refusal === undefined) return { ...none, ...attempts(stage, values, readyAt, graph, facts) };
  if (refusal === 'skip') return { ...none, end: { is: 'skipped' }, endAt: takenUpAt };
  const end: End = stage.skipsOnFailure ? { is: 'skipped' } : { is: 'failed', code: refusal };
  return { ...none, end, endAt: takenUpAt, failure: refusal };
}

type Wait = { readonly read: ScriptedEdge['read'] | 'after'; readonly from: readonly number[] };

/** All that a stage waits for, in the order written. */
export function waitsOf({ needs, after, when }: ScriptedStage): readonly Wait[] {
  const route = typeof when === 'object' ? [{ read: 'value' as const, from: [when.route] }] : [];
  return [...needs, ...after.map((index) => ({ read: 'after' as const, from: [index] })), ...route];
}

/** The stages whose ends decide a wait: of a `firstOf`, those up to the first that was not skipped by choice. */
export function decidersOf({ from }: Wait, lives: readonly Life[]): readonly Life[] {
  const ends = from.map((index) => lives[index] as Life);
  const decider = ends.findIndex(({ end }) => end.is !== 'skipped' || end.rootCause !== undefined);
  return decider === -1 ? ends : ends.slice(0, decider + 1);
}

/** The join table: what keeps a stage from running. */
function join(waits: readonly Wait[], lives: readonly Life[]): End | undefined {
  const found = waits.flatMap((wait) => keeps(wait, lives));
  return found.find((end) => end.is === 'skipped' && end.rootCause !== undefined) ?? found.find(({ is }) => is === 'cancelled') ?? found[0];
}

function keeps(wait: Wait, lives: readonly Life[]): readonly End[] {
  const decider = decidersOf(wait, lives).at(-1);
  if (decider === undefined || wait.read === 'settled') return [];
  const { end, stage } = decider;
  if (end.is === 'failed' || end.is === 'blocked') return [{ is: 'skipped', rootCause: { stage: stage.name, status: end.is } }];
  if (end.is === 'cancelled') return [{ is: 'cancelled' }];
  if (end.is === 'completed') return [];
  return end.rootCause !== undefined || wait.read === 'value' || wait.read === 'firstOf' ? [end] : [];
}

/** What a stage reads, or an output gives. */
export function valueOf(edge: ScriptedEdge, lives: readonly Life[]): unknown {
  if (edge.read === 'input') return givenInput;
  if (edge.read === 'service') return givenService;
  const end = decidersOf(edge, lives).at(-1)?.end as End;
  if (edge.read !== 'settled') return end.is === 'completed' ? end.value : undefined;
  return endInWords(end);
}

/** As `inWords` writes the outcome. */
export function endInWords(end: End): string {
  if (end.is === 'completed') return `completed ${String(end.value)}`;
  if (end.is === 'failed') return `failed ${end.code}`;
  if (end.is === 'blocked') return `blocked ${end.code ?? 'the script says so'}`;
  if (end.is === 'cancelled' || end.rootCause === undefined) return end.is;
  return `skipped behind ${end.rootCause.status} ${end.rootCause.stage}`;
}

/** Whether `when` lets a stage run: `skip`, or the code of an error, where it does not. */
function gate({ name, when }: ScriptedStage, values: Values, lives: readonly Life[]): string | undefined {
  if (when === undefined) return undefined;
  if (when === 'throws') return 'SF_STAGE_FAILED';
  if (when === 'undecided') return 'SF_WHEN_INVALID';
  if (when === 'even') return digest(name, values) % 2 === 0 ? undefined : 'skip';
  return when.arms.includes(String(valueOf({ read: 'value', from: [when.route] }, lives))) ? undefined : 'skip';
}
