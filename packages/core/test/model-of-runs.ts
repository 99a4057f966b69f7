import { decidersOf, type Facts, type Life, valueOf, waitsOf } from './model.ts';
import type { ScriptedGraph } from './scripted-graph.ts';

/** What must become of a run. */
export interface Verdict {
  readonly status: 'completed' | 'failed' | 'blocked' | 'cancelled';
  readonly degraded: boolean;
  /** The stages that may be named as the one that decided; empty where none may. */
  readonly deciding: readonly string[];
  /** By the key of the output; what has no value and was not skipped by choice is missing. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Something that stops a run. */
interface Stop {
  readonly at: number;
  readonly status: Verdict['status'];
  readonly stage: string | undefined;
}

/**
 * What must become of a run whose stages fared so.
 *
 * @param order - The stages in the order of the plan.
 * @throws Where the run stopped at another time than it had to, or did not stop.
 */
export function verdictOf(graph: ScriptedGraph, lives: readonly Life[], facts: Facts, order: readonly string[]): Verdict {
  const handled = handledStages(graph);
  const stops = stopsOf(graph, lives, handled);
  const firstAt = Math.min(facts.endAt, ...stops.map(({ at }) => at));
  const outputs = outputsOf(graph, lives);
  if (Number.isFinite(facts.stopAt)) {
    if (firstAt !== facts.stopAt) throw new Error(`The run stopped at ${facts.stopAt} ms; it had to at ${firstAt} ms.`);
    // What happens at one instant has no order in the model: any of these may have come first.
    const possible = stops.filter(({ at }) => at === firstAt);
    if (possible.length === 0) throw new Error(`The run stopped at ${facts.stopAt} ms, for no reason that the model knows.`);
    const deciding = possible.flatMap(({ stage }) => stage ?? []);
    return { status: possible.length === 1 ? (possible[0] as Stop).status : statusOfTie(possible), degraded: false, deciding, outputs };
  }
  const early = stops.find(({ at }) => at < facts.endAt);
  if (early !== undefined) throw new Error(`The run had to stop at ${early.at} ms (${early.status}), and did not.`);
  return unstopped(graph, lives, handled, outputs, order);
}

function unstopped(
  graph: ScriptedGraph,
  lives: readonly Life[],
  handled: ReadonlySet<string>,
  outputs: Verdict['outputs'],
  order: readonly string[],
): Verdict {
  const unhandled = (is: 'failed' | 'blocked'): string | undefined =>
    order.find((name) => !handled.has(name) && lives.some(({ stage, end }) => stage.name === name && end.is === is));
  const failed = unhandled('failed');
  const blocked = unhandled('blocked');
  const isWhole = Object.keys(outputs).length === graph.outputs.length;
  const degraded = failed !== undefined && blocked === undefined && isWhole && graph.failureMode === 'best-effort';
  if (failed !== undefined && !degraded) return { status: 'failed', degraded: false, deciding: [failed], outputs };
  if (blocked !== undefined) return { status: 'blocked', degraded: false, deciding: [blocked], outputs };
  return { status: 'completed', degraded, deciding: [], outputs };
}

/** Ties are told apart by the run itself; see the checks. */
function statusOfTie(possible: readonly Stop[]): Verdict['status'] {
  return (possible[0] as Stop).status;
}

/** All that would stop the run, at any time. */
export function stopsOf(graph: ScriptedGraph, lives: readonly Life[], handled: ReadonlySet<string>): readonly Stop[] {
  const stops: Stop[] = [];
  if (graph.abortAtMs !== undefined) stops.push({ at: graph.abortAtMs, status: 'cancelled', stage: undefined });
  if (graph.deadlineMs !== undefined) stops.push({ at: graph.deadlineMs, status: 'failed', stage: undefined });
  for (const { stage, end, endAt, calls } of lives) {
    const plug = calls.find(({ script }) => script.pullsThePlug);
    if (plug !== undefined) stops.push({ at: plug.startAt, status: 'cancelled', stage: undefined });
    if (end.is === 'cancelled' && end.asked === true) stops.push({ at: endAt, status: 'cancelled', stage: stage.name });
    const endsBadly = end.is === 'failed' || end.is === 'blocked';
    if (endsBadly && graph.failureMode === 'fail-fast' && !handled.has(stage.name))
      stops.push({ at: endAt, status: end.is, stage: stage.name });
  }
  return stops;
}

/** The stages whose failures escape to nothing that is wanted: as the architecture defines it. */
export function handledStages({ stages, outputs, also }: ScriptedGraph): ReadonlySet<string> {
  const escapes = new Set<number>(also);
  for (const { read, from } of outputs) if (read !== 'settled') for (const index of from) escapes.add(index);
  for (let index = stages.length - 1; index >= 0; index--) {
    const stage = stages[index];
    if (stage === undefined || !escapes.has(index)) continue;
    for (const { read, from } of waitsOf(stage)) if (read !== 'settled') for (const before of from) escapes.add(before);
  }
  return new Set(stages.filter(({ skipsOnFailure }, index) => skipsOnFailure || !escapes.has(index)).map(({ name }) => name));
}

function outputsOf({ outputs }: ScriptedGraph, lives: readonly Life[]): Verdict['outputs'] {
  const given = outputs.flatMap((edge, at): [string, unknown][] => {
    const end = decidersOf(edge, lives).at(-1)?.end;
    const exists = edge.read === 'settled' || end?.is === 'completed' || (end?.is === 'skipped' && end.rootCause === undefined);
    return exists ? [[`output${at}`, valueOf(edge, lives)]] : [];
  });
  return Object.fromEntries(given);
}
