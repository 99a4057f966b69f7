import { decidersOf, type Life, valueOf, waitsOf } from './model.ts';
import type { Facts } from './model-of-attempts.ts';
import type { ScriptedGraph } from './scripted-graph.ts';

/** What must become of a run. */
export interface Verdict {
  /** One of these; several only where several stops fell on one instant, of which any may have come first. */
  readonly endings: readonly Ending[];
  /** By the key of the output; what has no value and was not skipped by choice is missing. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** How a run ends, and which stage decided that; none did where it came from outside, or nothing went wrong. */
export interface Ending {
  readonly status: 'completed' | 'degraded' | 'failed' | 'blocked' | 'cancelled';
  readonly by: string | undefined;
}

interface Stop extends Ending {
  readonly at: number;
}

/**
 * What must become of a run whose stages fared so.
 *
 * @param order - The stages in the order of the plan.
 * @throws Where the run stopped at another time than it had to, or did not stop.
 */
export function verdictOf(graph: ScriptedGraph, lives: readonly Life[], { stopAt, endAt }: Facts, order: readonly string[]): Verdict {
  const handled = handledStages(graph);
  const stops = stopsOf(graph, lives, handled).filter(({ at }) => at <= endAt);
  const firstAt = Math.min(Number.POSITIVE_INFINITY, ...stops.map(({ at }) => at));
  if (firstAt !== stopAt) throw new Error(`The run had to stop at ${firstAt} ms, and did at ${stopAt} ms.`);
  const outputs = outputsOf(graph, lives);
  const first = stops.filter(({ at }) => at === firstAt).map(({ status, by }) => ({ status, by }));
  return { endings: first.length > 0 ? first : [unstopped(graph, lives, handled, outputs, order)], outputs };
}

function unstopped(
  graph: ScriptedGraph,
  lives: readonly Life[],
  handled: ReadonlySet<string>,
  outputs: Verdict['outputs'],
  order: readonly string[],
): Ending {
  const unhandled = (is: 'failed' | 'blocked'): string | undefined => {
    const names = new Set(lives.flatMap(({ stage, end }) => (end.is === is && !handled.has(stage.name) ? [stage.name] : [])));
    return order.find((name) => names.has(name));
  };
  const failed = unhandled('failed');
  const blocked = unhandled('blocked');
  const isWhole = Object.keys(outputs).length === graph.outputs.length;
  if (failed !== undefined) {
    const degraded = graph.failureMode === 'best-effort' && isWhole && blocked === undefined;
    return degraded ? { status: 'degraded', by: undefined } : { status: 'failed', by: failed };
  }
  return blocked === undefined ? { status: 'completed', by: undefined } : { status: 'blocked', by: blocked };
}

/** All that would stop the run, at any time. */
export function stopsOf(graph: ScriptedGraph, lives: readonly Life[], handled: ReadonlySet<string>): readonly Stop[] {
  const stops: Stop[] = [];
  if (graph.abortAtMs !== undefined) stops.push({ at: graph.abortAtMs, status: 'cancelled', by: undefined });
  if (graph.deadlineMs !== undefined) stops.push({ at: graph.deadlineMs, status: 'failed', by: undefined });
  for (const { stage, end, endAt, calls } of lives) {
    const plug = calls.find(({ script }) => script.pullsThePlug);
    if (plug !== undefined) stops.push({ at: plug.startAt, status: 'cancelled', by: undefined });
    if (end.is === 'cancelled' && end.asked === true) stops.push({ at: endAt, status: 'cancelled', by: stage.name });
    const endsBadly = end.is === 'failed' || end.is === 'blocked';
    if (endsBadly && graph.failureMode === 'fail-fast' && !handled.has(stage.name))
      stops.push({ at: endAt, status: end.is, by: stage.name });
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
