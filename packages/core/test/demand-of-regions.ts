import type { ScopeModel } from './model-of-regions.ts';
import { type ScriptedNode, ways } from './scripted-regions.ts';

/** Whether something wants a stage, and until when something may. */
interface Demand {
  readonly isWanted: boolean;
  readonly until: number;
}

/** Nothing ever asked for it. */
export const never = -1;
/** It is wanted to the end. */
export const alive: number = Number.POSITIVE_INFINITY;

const always: Demand = { isWanted: true, until: alive };

/** Until when a stage of `scope` is wanted: {@link never}, {@link alive} for always, or until nothing is left that may want it. */
export function lifeOf(scope: ScopeModel, name: string): number {
  const { isWanted, until } = demand(scope, name);
  return isWanted ? until : never;
}

function demand(scope: ScopeModel, name: string): Demand {
  let isWanted = false;
  let until = never;
  for (const way of scope.layout.ways(name)) {
    const each = way.by === 'the pipeline' ? always : way.by === 'reader' ? demand(scope, way.name) : demandOf(scope, way.name, way.head);
    isWanted ||= each.isWanted;
    until = Math.max(until, each.until);
  }
  return { isWanted, until };
}

function demandOf(scope: ScopeModel, region: string, head: number | undefined): Demand {
  const path = scope.path(region);
  const node = scope.layout.node(region);
  const endedAt = scope.facts.endedAt(path);
  if (askedAt(scope, region, head) === undefined) {
    const refusedAt = node.is === 'branch' ? scope.facts.startedAt(path) : undefined;
    return { isWanted: false, until: refusedAt ?? endedAt };
  }
  const life = lifeOf(scope, region);
  if (endedAt > life) return { isWanted: true, until: life };
  if (node.is !== 'race' || !scope.facts.outcome(path)?.startsWith('completed')) return always;
  const winner = winnerOf(scope, node);
  return winner === head ? always : { isWanted: true, until: headEndedAt(scope, node.heads[winner] as string, path) };
}

function headEndedAt(scope: ScopeModel, head: string, path: string): number {
  return Math.max(scope.facts.endedAt(scope.scopeOf(head).path(head)), scope.facts.startedAt(path) ?? 0);
}

/** The head of a race that had a value first; in the order written, of those that had one before. */
export function winnerOf(scope: ScopeModel, { name, heads }: Extract<ScriptedNode, { readonly is: 'race' }>): number {
  const times = heads.map((head) => {
    const path = scope.scopeOf(head).path(head);
    return scope.facts.outcome(path)?.startsWith('completed') ? headEndedAt(scope, head, scope.path(name)) : Number.POSITIVE_INFINITY;
  });
  return times.indexOf(Math.min(...times));
}

/** When a region asked for one of its heads, or for what it holds; `undefined` where it did not. */
function askedAt(scope: ScopeModel, region: string, head: number | undefined): number | undefined {
  const startedAt = scope.facts.startedAt(scope.path(region));
  const node = scope.layout.node(region);
  if (startedAt === undefined || node.is === 'race') return startedAt;
  if (node.is === 'map') return scope.facts.isOpened(`${scope.path(region)}[`) ? startedAt : undefined;
  if (node.is === 'branch') {
    const chosen = scope.facts.outcome(scope.scopeOf(node.route).path(node.route));
    return chosen === `completed ${ways[head as number]}` ? startedAt : undefined;
  }
  if (node.is !== 'fallback') return startedAt;
  const before = node.heads.slice(0, head).map((each) => scope.scopeOf(each).path(each));
  const ends = [startedAt, ...before.map((path) => scope.facts.endedAt(path))];
  const isAsked =
    before.every((path) => !/^(completed|cancelled)/.test(scope.facts.outcome(path) ?? '')) &&
    ends.every((at) => at < scope.facts.endedAt(scope.path(region)));
  return isAsked ? Math.max(...ends) : undefined;
}

/** When something first wanted a stage. */
export function wantedAt(scope: ScopeModel, name: string): number {
  return Math.min(
    ...scope.layout.ways(name).map((way) => {
      if (way.by === 'the pipeline') return scope.given.openedAt;
      if (way.by === 'reader') return wantedAt(scope, way.name);
      return askedAt(scope, way.name, way.head) ?? Number.POSITIVE_INFINITY;
    }),
  );
}
