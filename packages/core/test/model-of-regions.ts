import assert from 'node:assert/strict';
import type { FailureMode } from '@stageflow/core';
import { alive, lifeOf, never, wantedAt } from './demand-of-regions.ts';
import { edgesOf, type Layout } from './layout-of-regions.ts';
import {
  befalls,
  numberOf,
  type ScriptedNode,
  type ScriptedPipeline,
  type ScriptedPlain,
  type ScriptedRead,
  type ScriptedRegion,
  tell,
  valueFrom,
} from './scripted-regions.ts';

/** How a stage must end. */
export type End =
  | { readonly is: 'completed'; readonly value: unknown }
  | { readonly is: 'skipped'; readonly root?: { readonly path: string; readonly is: 'failed' | 'blocked' } }
  | { readonly is: 'failed'; readonly code: string; readonly path: string }
  /** `code` where the guard could not judge. */
  | { readonly is: 'blocked'; readonly by: string; readonly code?: string | undefined }
  | { readonly is: 'cancelled' };

/** What only time decides: read from the run, and put together by the model. Numbers are positions among the events. */
export interface Facts {
  /** As `tell` has an outcome; `undefined` where nothing is reported. */
  outcome(path: string): string | undefined;
  startedAt(path: string): number | undefined;
  endedAt(path: string): number;
  /** Whether anything below a path failed or was blocked. */
  isFailingBelow(prefix: string): boolean;
  /** Whether anything is reported below a path. */
  isOpened(prefix: string): boolean;
  /** The time of a position, milliseconds. */
  timeAt(position: number): number | undefined;
  /** When the run was told to stop; `Infinity` where it was not. */
  readonly stoppedAt: number;
  readonly order: ReadonlyMap<string, number>;
}

/** What is given to one scope. */
export interface Given {
  readonly prefix: string;
  readonly region: string | undefined;
  readonly around: ScopeModel | undefined;
  readonly values: ReadonlyMap<string, unknown>;
  readonly mode: FailureMode;
  /** Before this nothing of it may start. */
  readonly openedAt: number;
  /** Whether something outside may have stopped it, and nothing else. */
  readonly mayBeStopped: boolean;
  /** Told of a failure in it that stops it, and of when: stops what is around as well, unless its region takes that into account. */
  readonly passOn: (end: End, at: number) => void;
  /** How a region in it must end; accounts for all that it has opened. */
  readonly endsOf: (node: ScriptedRegion, scope: ScopeModel) => readonly End[];
}

const skipped: End = { is: 'skipped' };
const cancelled: End = { is: 'cancelled' };

/**
 * What must become of every stage of one scope: the pipeline, an item, a turn, a draft. It follows from the script, what
 * became of the needs, and where it depends on time from the facts.
 */
export class ScopeModel {
  readonly layout: Layout;
  readonly facts: Facts;
  readonly given: Given;
  /** The paths of all stages that are accounted for, with how they ended. */
  readonly told: Map<string, End>;
  readonly #ends = new Map<string, End>();
  readonly #stoppers: { readonly end: End; readonly at: number }[] = [];

  constructor(layout: Layout, facts: Facts, given: Given, told: Map<string, End>) {
    this.layout = layout;
    this.facts = facts;
    this.given = given;
    this.told = told;
  }

  get stages(): readonly string[] {
    return this.layout.within(this.given.region);
  }

  path(name: string): string {
    return this.given.prefix + name;
  }

  /** The scope that a stage stands in, of this and those around it. */
  scopeOf(name: string): ScopeModel {
    return this.layout.home(name) === this.given.region ? this : (this.given.around as ScopeModel).scopeOf(name);
  }

  /** Accounts for every stage, and says how the scope ended. */
  checked(): this {
    const isCancelled = this.stages.filter((name) => this.end(name).is === 'cancelled');
    if (!this.given.mayBeStopped && this.#stoppers.length === 0) assert.deepEqual(isCancelled, [], `nothing stopped ${this.given.prefix}`);
    const stop = this.#firstStop;
    if (stop !== undefined) this.given.passOn(stop.end, stop.at);
    return this;
  }

  end(name: string): End {
    if (this.layout.home(name) !== this.given.region) return this.scopeOf(name).end(name);
    const known = this.#ends.get(name);
    if (known !== undefined) return known;
    const path = this.path(name);
    const outcome = this.facts.outcome(path);
    const allowed = this.#allowed(this.layout.node(name));
    const end = allowed.find((each) => endInWords(each) === outcome);
    assert.ok(end, `${path} ended "${outcome}"; it had to end as one of ${JSON.stringify(allowed.map(endInWords))}`);
    this.#ends.set(name, end);
    this.told.set(path, end);
    if (end.is === 'failed' || end.is === 'blocked') this.noteFailure(name, end, this.facts.endedAt(path));
    return end;
  }

  /** Whether something may have ended this scope before it was done; {@link checked} holds it to that. */
  get mayBeStopped(): boolean {
    return this.given.mayBeStopped || (this.given.mode === 'fail-fast' && this.facts.isFailingBelow(this.given.prefix));
  }

  /** In `fail-fast`, the failure or block that stopped this scope: the first in time, here or within. */
  get firstStopper(): End | undefined {
    return this.#firstStop?.end;
  }

  get #firstStop(): { readonly end: End; readonly at: number } | undefined {
    return this.#stoppers.toSorted((left, right) => left.at - right.at)[0];
  }

  /** A stage of this scope, or something in the region it is, has failed at a time. */
  noteFailure(name: string, end: End, at: number): void {
    if (this.given.mode !== 'fail-fast' || !this.layout.escapes(name)) return;
    this.#stoppers.push({ end, at });
  }

  /** Stages that failed or were blocked, of which that reaches what is wanted. */
  get unhandled(): readonly string[] {
    return this.stages.filter((name) => /^(failed|blocked)/.test(this.facts.outcome(this.path(name)) ?? '') && this.layout.escapes(name));
  }

  #allowed(node: ScriptedNode): readonly End[] {
    const { facts, mayBeStopped: stopped } = this;
    const path = this.path(node.name);
    const startedAt = facts.startedAt(path);
    const life = this.life(node.name);
    const hindrances = this.#hindrances(node);
    if (startedAt === undefined) {
      const refused = hindrances.length > 0 ? joinOf(hindrances) : this.#refusal(node);
      if (life === never) return stopped ? [skipped, cancelled, ...hindrances] : [skipped];
      const late = stopped && this.#capturesAny(node) ? hindrances : [];
      // What a stop takes from a region that had not asked yet is not wanted; which came first is not told.
      const mayBeUnwanted = life < alive || (stopped && !this.layout.ways(node.name).some(({ by }) => by === 'the pipeline'));
      const unwanted = mayBeUnwanted ? [skipped] : [];
      if (stopped || unwanted.length > 0) return [refused ?? cancelled, ...late, ...unwanted, ...(stopped ? [cancelled] : [])];
      assert.ok(refused, `${path} was wanted and could start, and did not`);
      return [refused];
    }
    assert.notEqual(life, never, `${path} started, and was not wanted`);
    assert.deepEqual(hindrances, [], `${path} started behind one that kept it`);
    assert.equal(this.#refusal(node), undefined, `${path} started where its condition is not met`);
    for (const name of this.#decidersOf(node)) {
      assert.ok(facts.endedAt(this.scopeOf(name).path(name)) < startedAt, `${path} started before ${name} had ended`);
    }
    assert.ok(wantedAt(this, node.name) < startedAt, `${path} started before it was wanted`);
    assert.ok(startedAt < life, `${path} started when it was not wanted any more`);
    const usual = node.is === 'stage' ? [this.#endOfCall(node)] : this.given.endsOf(node, this);
    if (facts.endedAt(path) > life) {
      // A region that the winner's own end brings to its end may have come to it before it could be taken back.
      const tied = node.is !== 'stage' && facts.timeAt(facts.endedAt(path)) === facts.timeAt(life) ? usual : [];
      return stopped ? [...tied, skipped, cancelled] : [...tied, skipped];
    }
    return stopped ? [...usual, cancelled, ...(node.is === 'stage' ? this.#abortEnds(node) : [])] : usual;
  }

  /** Until when a stage is wanted; see {@link lifeOf}. */
  life(name: string): number {
    return lifeOf(this.scopeOf(name), name);
  }

  /** All that a stage waits for, in the order written. */
  #waitsOf(node: ScriptedNode): readonly ScriptedRead[] {
    const plain = (from: string): ScriptedRead => ({ read: 'value', from: [from] });
    const edges = edgesOf(node).filter(({ read }) => read !== 'local' && read !== 'input');
    if (node.is === 'branch') return [plain(node.route)];
    if (node.is !== 'stage') return edges;
    const after = node.after.map((from): ScriptedRead => ({ read: 'optional', from: [from] }));
    return [...edges, ...after, ...(typeof node.when === 'object' ? [plain(node.when.route)] : [])];
  }

  /** The stage that decides a wait: of a `firstOf`, the first that was not skipped by choice. */
  #decider({ from }: ScriptedRead): string {
    return from.find((name) => endInWords(this.end(name)) !== 'skipped') ?? (from.at(-1) as string);
  }

  #decidersOf(node: ScriptedNode): readonly string[] {
    return this.#waitsOf(node).flatMap((wait) => {
      const decider = this.#decider(wait);
      return wait.from.slice(0, wait.from.indexOf(decider) + 1);
    });
  }

  /** All that keeps a stage from running, in the order written. */
  #hindrances(node: ScriptedNode): readonly End[] {
    return this.#waitsOf(node).flatMap((wait): End[] => {
      const decider = this.#decider(wait);
      const end = this.end(decider);
      if (wait.read === 'settled' || end.is === 'completed') return [];
      if (end.is === 'failed' || end.is === 'blocked')
        return [{ is: 'skipped', root: { path: this.scopeOf(decider).path(decider), is: end.is } }];
      if (end.is === 'skipped' && end.root === undefined) return wait.read === 'value' || wait.read === 'firstOf' ? [skipped] : [];
      return [end];
    });
  }

  /** Whether it waits for a stage around its scope, which a stop may reach later. */
  #capturesAny(node: ScriptedNode): boolean {
    return this.#waitsOf(node).some(({ from }) => from.some((name) => this.scopeOf(name) !== this));
  }

  #valueIn(name: string): unknown {
    const end = this.end(name);
    return end.is === 'completed' ? end.value : undefined;
  }

  /** What a reader receives. */
  valueOf(edge: ScriptedRead): unknown {
    if (edge.read === 'local' || edge.read === 'input') return this.#given(edge.from[0] as string);
    const decider = this.#decider(edge);
    return edge.read === 'settled' ? endInWords(this.end(decider)) : this.#valueIn(decider);
  }

  /** What a reader would have received at a time; of a stage that had not ended, nothing. */
  valueBy(edge: ScriptedRead, at: number): unknown {
    if (edge.read === 'local' || edge.read === 'input') return this.valueOf(edge);
    const deciders = edge.from.slice(0, edge.from.indexOf(this.#decider(edge)) + 1);
    const isKnown = deciders.every((name) => this.facts.endedAt(this.scopeOf(name).path(name)) <= at);
    return isKnown ? this.valueOf(edge) : undefined;
  }

  #given(name: string): unknown {
    const { values, around } = this.given;
    return values.has(name) || around === undefined ? values.get(name) : around.#given(name);
  }

  #values({ kind, needs }: ScriptedPlain): (readonly [string, unknown])[] {
    return needs.map((edge, at) => [kind === 'guard' && at === needs.length - 1 ? 'subject' : `need${at}`, this.valueOf(edge)] as const);
  }

  /** How a stage is skipped whose condition is not met; `undefined` where it is. */
  #refusal(node: ScriptedNode): End | undefined {
    if (node.is !== 'stage' || node.when === undefined) return undefined;
    const isMet =
      typeof node.when === 'object'
        ? node.when.arms.includes(String(this.#valueIn(node.when.route)))
        : numberOf(node.name, this.#values(node)) % 2 === 0;
    return isMet ? undefined : skipped;
  }

  #endOfCall(node: ScriptedPlain): End {
    const values = this.#values(node);
    const number = numberOf(node.name, values);
    const attempts = node.retries ? [1, 2] : [1];
    let failure: End | undefined;
    for (const attempt of attempts) {
      if (!befalls(node.mishap, number, attempt)) {
        if (node.kind !== 'guard' || node.brings === 'transform')
          return { is: 'completed', value: node.kind === 'guard' ? number : valueFrom(node, number) };
        return { is: 'completed', value: values.at(-1)?.[1] };
      }
      const what = node.mishap?.what;
      if (what === 'skip') return skipped;
      if (what === 'cancel') return cancelled;
      if (what === 'block') return { is: 'blocked', by: this.path(node.name) };
      failure = this.#failure(node, what === 'throw' ? 'SF_STAGE_FAILED' : 'SF_STAGE_TIMEOUT', values);
    }
    return failure as End;
  }

  #failure(node: ScriptedPlain, code: string, values: readonly (readonly [string, unknown])[]): End {
    if (node.skipsOnFailure) return skipped;
    if (node.kind !== 'guard') return { is: 'failed', code, path: this.path(node.name) };
    return node.failOpen
      ? { is: 'completed', value: values.at(-1)?.[1] }
      : { is: 'blocked', by: this.path(node.name), code: 'SF_GUARD_FAILED' };
  }

  /** How a stage may end that was aborted in its call, besides as cancelled. */
  #abortEnds(node: ScriptedPlain): readonly End[] {
    const mayFail = node.onAbort === 'throws' || befalls(node.mishap, numberOf(node.name, this.#values(node)), 1);
    return mayFail ? ['SF_STAGE_FAILED', 'SF_STAGE_TIMEOUT'].map((code) => this.#failure(node, code, this.#values(node))) : [];
  }

  /** How a stage came out for a region: what was skipped because of another of its scope, as that other. */
  traced(name: string): End {
    const scope = this.scopeOf(name);
    const end = this.end(name);
    if (end.is !== 'skipped' || end.root === undefined) return end;
    const root = this.stages.find((each) => this.path(each) === end.root?.path);
    return scope === this && root !== undefined && root !== name ? this.traced(root) : end;
  }

  /** The values that outputs give; what is missing has none. */
  outputs({ outputs }: ScriptedPipeline): Record<string, unknown> {
    const given = outputs.flatMap((edge, at): [string, unknown][] => {
      const word = edge.read === 'settled' ? 'completed' : endInWords(this.end(this.#decider(edge)));
      return word.startsWith('completed') || word === 'skipped' ? [[`output${at}`, this.valueOf(edge)]] : [];
    });
    return Object.fromEntries(given);
  }

  /** How a pipeline came out that nothing outside has stopped, and whether it lacks what it can do without. */
  pipelineEnd(): { readonly end: End; readonly degraded: boolean } {
    const { script } = this.layout;
    const outputs = this.outputs(script);
    const value: End = { is: 'completed', value: outputs };
    if (this.firstStopper !== undefined) return { end: this.firstStopper, degraded: false };
    const isWhole = Object.keys(outputs).length === script.outputs.length;
    const bad = this.inOrder(this.unhandled).map((name) => this.end(name));
    const failed = bad.find(({ is }) => is === 'failed');
    const blocked = bad.find(({ is }) => is === 'blocked');
    const degraded = failed !== undefined && this.given.mode === 'best-effort' && isWhole && blocked === undefined;
    return { end: degraded ? value : (failed ?? blocked ?? value), degraded };
  }

  /** How a body came out. */
  bodyEnd(output: string): End {
    if (this.firstStopper !== undefined) return this.firstStopper;
    const end = this.traced(output);
    if (end.is !== 'completed' && (end.is !== 'skipped' || end.root !== undefined)) return end;
    const bad = this.inOrder(this.unhandled).map((name) => this.end(name));
    const failed = this.given.mode === 'best-effort' ? undefined : bad.find(({ is }) => is === 'failed');
    return failed ?? bad.find(({ is }) => is === 'blocked') ?? end;
  }

  inOrder(names: readonly string[]): readonly string[] {
    const position = (name: string): number => this.facts.order.get(this.path(name)) ?? 0;
    return names.toSorted((left, right) => position(left) - position(right));
  }
}

/** The join table: how a stage is skipped that something keeps from running; cancelled behind a cancel. */
function joinOf(hindrances: readonly End[]): End | undefined {
  return (
    hindrances.find((end) => end.is === 'skipped' && end.root !== undefined) ??
    hindrances.find(({ is }) => is === 'cancelled') ??
    hindrances[0]
  );
}

/** An end as `tell` has the outcome. */
export function endInWords(end: End): string {
  if (end.is === 'completed') return `completed ${tell(end.value)}`;
  if (end.is === 'failed') return `failed ${end.code} at ${end.path}`;
  if (end.is === 'skipped' && end.root !== undefined) return `skipped behind ${end.root.is} ${end.root.path}`;
  return end.is;
}
