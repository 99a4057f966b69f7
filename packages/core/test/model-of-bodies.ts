import assert from 'node:assert/strict';
import { winnerOf } from './demand-of-regions.ts';
import { Layout } from './layout-of-regions.ts';
import { type End, endInWords, type Given, ScopeModel } from './model-of-regions.ts';
import { isLastTurn, type ScriptedNode, type ScriptedRegion, tell } from './scripted-regions.ts';

/** How a region must end; several ways only where time decides. Accounts for all that it has opened. */
export function endsOfRegion(node: ScriptedRegion, scope: ScopeModel): readonly End[] {
  switch (node.is) {
    case 'branch':
      return [endOfBranch(node, scope)];
    case 'fallback':
      return [endOfFallback(node, scope)];
    case 'race':
      return [endOfRace(node, scope)];
    case 'map':
      return endsOfMap(node, scope);
    case 'loop':
      return [endOfLoop(node, scope)];
    case 'guarded':
      return [endOfGuarded(node, scope)];
    case 'subpipeline':
      return [endOfNested(node, scope)];
  }
}

type Kind<K extends ScriptedRegion['is']> = Extract<ScriptedRegion, { readonly is: K }>;

const cancelled: End = { is: 'cancelled' };

function own(scope: ScopeModel, name: string, code: string): End {
  return { is: 'failed', code, path: scope.path(name) };
}

function endOfBranch({ name, route, heads }: Kind<'branch'>, scope: ScopeModel): End {
  const chosen = ['left', 'right', 'straight'].indexOf(String(scope.valueOf({ read: 'value', from: [route] })));
  const arm = heads[chosen];
  if (arm === undefined) return own(scope, name, 'SF_ROUTE_INVALID');
  const end = scope.end(arm);
  const path = scope.scopeOf(arm).path(arm);
  return end.is === 'failed' || end.is === 'blocked' ? { is: 'skipped', root: { path, is: end.is } } : end;
}

function endOfFallback({ heads }: Kind<'fallback'>, scope: ScopeModel): End {
  const ends = heads.map((head) => () => scope.traced(head));
  for (const end of ends.slice(0, -1)) if (/^(completed|cancelled)/.test(endInWords(end()))) return end();
  return scope.traced(heads.at(-1) as string);
}

function endOfRace(node: Kind<'race'>, scope: ScopeModel): End {
  const ends = node.heads.map((head) => scope.traced(head));
  if (ends.some(({ is }) => is === 'completed')) return ends[winnerOf(scope, node)] as End;
  return ends.find((end) => endInWords(end) !== 'skipped') ?? (ends[0] as End);
}

/** A scope of a region of `around`; accounted for when this returns. */
function opened(
  around: ScopeModel,
  name: string,
  segment: string,
  values: Readonly<Record<string, unknown>>,
  more: Partial<Given> = {},
): ScopeModel {
  const named = Object.entries(values).map(([local, value]) => [`${name}.${local}`, value] as const);
  const path = around.path(name);
  const given: Given = {
    prefix: `${path}${segment}/`,
    region: name,
    around,
    values: new Map(named),
    mode: around.given.mode,
    openedAt: around.facts.startedAt(path) ?? 0,
    mayBeStopped: mayBeStopped(around, name),
    passOn: (end, at) => {
      if (at < around.life(name) && !takesIntoAccount(around.layout.node(name), end)) around.noteFailure(name, end, at);
    },
    endsOf: endsOfRegion,
    ...more,
  };
  return new ScopeModel(around.layout, around.facts, given, around.told).checked();
}

/** Whether a region goes on after such an end of what it holds. */
function takesIntoAccount(node: ScriptedNode, end: End): boolean {
  if (node.is === 'map') return (node.onItemError ?? 'fail') !== 'fail';
  return node.is === 'guarded' && end.is === 'blocked' && end.code === undefined;
}

/** Whether what a region holds may have been stopped: with the scope around it, or because it had lost a race. */
function mayBeStopped(around: ScopeModel, name: string): boolean {
  return around.mayBeStopped || around.life(name) < around.facts.endedAt(around.path(name));
}

/** Of the scopes of a map, never more than `concurrency` had begun and not ended. */
function checkConcurrency(path: string, scopes: readonly ScopeModel[], concurrency: number): void {
  for (const each of scopes) {
    const first = firstOf(each);
    const atOnce = scopes.filter((other) => firstOf(other) <= first && first <= lastOf(other)).length;
    assert.ok(atOnce <= concurrency, `${atOnce} items of ${path} are under way at once`);
  }
}

/** The first position at which anything happened in a scope. */
function firstOf({ stages, facts, given: { prefix } }: ScopeModel): number {
  return Math.min(...stages.map((name) => facts.startedAt(prefix + name) ?? facts.endedAt(prefix + name)));
}

/** The last position at which anything happened in a scope. */
function lastOf(scope: ScopeModel): number {
  return Math.max(...scope.stages.map((name) => scope.facts.endedAt(scope.path(name))));
}

function endsOfMap(node: Kind<'map'>, scope: ScopeModel): readonly End[] {
  const { name, keyed, body } = node;
  const items = scope.valueOf(node.items);
  const path = scope.path(name);
  if (!Array.isArray(items)) return [own(scope, name, 'SF_MAP_INVALID')];
  const keys = items.map((item, at) => (keyed ? `k${tell(item)}` : String(at)));
  if (new Set(keys).size < keys.length) return [own(scope, name, 'SF_MAP_INVALID')];
  const isDecided = /^(failed|blocked|skipped behind)/.test(scope.facts.outcome(path) ?? '');
  const mayStop = mayBeStopped(scope, name) || (isDecided && scope.given.mode === 'fail-fast');
  const segments = keys.map((key) => `[${key.replace(/[%[\]]/g, encodeURIComponent)}]`);
  const scopes: ScopeModel[] = [];
  const endings: (End | undefined)[] = [];
  for (const [at, segment] of segments.entries()) {
    if (scope.facts.isOpened(`${path}${segment}/`)) {
      const inner = opened(scope, name, segment, { item: items[at], index: at }, { mayBeStopped: mayStop });
      scopes.push(inner);
      endings.push(inner.bodyEnd(body.output));
    } else {
      assert.ok(mayStop, `${path}${segment} was not opened`);
      endings.push(undefined);
    }
  }
  checkConcurrency(path, scopes, node.concurrency ?? Number.POSITIVE_INFINITY);
  const policy = node.onItemError ?? 'fail';
  const isBad = (end: End | undefined): end is End =>
    end !== undefined &&
    (end.is === 'skipped' ? end.root !== undefined : (end.is === 'failed' || end.is === 'blocked') && policy === 'fail');
  const bad = endings.filter(isBad);
  // The first in time stops the others; where nothing is stopped, the first in the order of the items decides.
  if (bad.length > 0) return scope.given.mode === 'fail-fast' ? bad : bad.slice(0, 1);
  if (endings.some((end) => end === undefined || end.is === 'cancelled')) return [cancelled];
  if (policy === 'collect') return [{ is: 'completed', value: endings.map((end, at) => `${keys[at]}: ${collected(end as End)}`) }];
  return [{ is: 'completed', value: endings.flatMap((end) => (end?.is === 'completed' ? [end.value] : [])) }];
}

function collected(end: End): string {
  return end.is === 'blocked' ? `blocked by ${end.by}` : endInWords(end);
}

function endOfLoop({ name, initial, body, maxTurns, onExhausted, untilThrows }: Kind<'loop'>, scope: ScopeModel): End {
  let state = scope.valueOf(initial);
  let openedAt = scope.facts.startedAt(scope.path(name)) ?? 0;
  for (let turn = 1; ; turn++) {
    if (!scope.facts.isOpened(`${scope.path(name)}[${turn}]/`)) return unopened(scope, name, turn);
    const inner = opened(scope, name, `[${turn}]`, { state, turn }, { openedAt });
    const end = inner.bodyEnd(body.output);
    if (end.is !== 'completed') return end;
    if (untilThrows) return own(scope, name, 'SF_STAGE_FAILED');
    if (isLastTurn(end.value, turn)) return end;
    if (turn === maxTurns) return onExhausted === 'keep' ? end : own(scope, name, 'SF_LOOP_EXHAUSTED');
    state = end.value;
    openedAt = lastOf(inner);
  }
}

function unopened(scope: ScopeModel, name: string, turn: number): End {
  assert.ok(mayBeStopped(scope, name), `${scope.path(name)}[${turn}] was not opened`);
  return cancelled;
}

function endOfGuarded({ name, body, attempts }: Kind<'guarded'>, scope: ScopeModel): End {
  let feedback: string | undefined;
  let openedAt = scope.facts.startedAt(scope.path(name)) ?? 0;
  const prints: (string | undefined)[] = [];
  for (let attempt = 1; ; attempt++) {
    if (!scope.facts.isOpened(`${scope.path(name)}[${attempt}]/`)) return unopened(scope, name, attempt);
    const inner = opened(scope, name, `[${attempt}]`, { feedback }, { openedAt });
    const end = inner.bodyEnd(body.output);
    if (end.is !== 'blocked' || end.code !== undefined) return end;
    const gate = inner.layout.node(body.output);
    const subject = gate.is === 'stage' ? gate.needs.at(-1) : undefined;
    const draft = subject && inner.valueBy(subject, lastOf(inner));
    prints.push(draft === undefined ? undefined : tell(draft));
    const isStagnant = prints.length > 2 && draft !== undefined && prints.slice(-3).every((print) => print === prints.at(-1));
    if (isStagnant || attempt === attempts) return own(scope, name, 'SF_GUARD_EXHAUSTED');
    feedback = `draft ${attempt} was ${tell(draft)}`;
    openedAt = lastOf(inner);
  }
}

function endOfNested({ name, input, child }: Kind<'subpipeline'>, scope: ScopeModel): End {
  const values = new Map<string, unknown>([
    ['text', scope.valueOf(input)],
    ['list', scope.valueOf({ read: 'input', from: ['list'] })],
  ]);
  const path = scope.path(name);
  const given: Given = {
    prefix: `${path}/`,
    region: undefined,
    around: undefined,
    values,
    mode: child.failureMode ?? scope.given.mode,
    openedAt: scope.facts.startedAt(path) ?? 0,
    mayBeStopped: mayBeStopped(scope, name),
    passOn: (end, at) => {
      if (at < scope.life(name)) scope.noteFailure(name, end, at);
    },
    endsOf: endsOfRegion,
  };
  if (!scope.facts.isOpened(`${path}/`)) return unopened(scope, name, 0);
  return new ScopeModel(new Layout(child), scope.facts, given, scope.told).checked().pipelineEnd().end;
}
