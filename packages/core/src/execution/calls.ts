import { StageflowError } from '../errors.ts';
import type { DraftStage } from '../plan/draft.ts';
import { nameProblem } from '../plan/names.ts';
import { compile, type Plan, type PlannedStage } from '../plan/plan.ts';
import { stagePolicyProblems } from '../plan/policy-problems.ts';
import { isStage } from '../plan/sources-of.ts';
import { describeReceived } from '../schema.ts';
import type { StageSource } from '../stage.ts';
import type { Journal } from './journal.ts';
import { type Ending, endingOfScope } from './regions/ending.ts';
import { keySegment } from './regions/scoped-region.ts';
import { Scope } from './scope.ts';
import { ScopeState } from './scope-state.ts';
import { locationOf } from './stage-endings.ts';
import { running } from './status.ts';
import type { Stop } from './stop.ts';
import { valuesPrint } from './values-print.ts';

type Values = Readonly<Record<string, unknown>>;

/** Whoever calls: a stage, and which attempt of it. */
interface Caller {
  readonly stage: PlannedStage;
  readonly attempt: number;
  /** One call of its function: a stage that has waited for an answer is called again within its attempt. */
  readonly body: object;
}

/** One call that was made, whether by this attempt of its caller or an earlier one. */
class Call {
  readonly callee: string;
  readonly values: Values;
  readonly promise: Promise<unknown>;
  state: 'open' | 'done' | 'failed' = 'open';
  /** The call of its caller's function that made it, or took it over. */
  body: object;
  scope!: Scope;
  /** The same call, made anew. */
  again: Promise<unknown> | undefined = undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: StageflowError) => void;

  constructor(callee: string, values: Values, body: object) {
    this.callee = callee;
    this.values = values;
    this.body = body;
    // Its failure is in the reports.
    this.promise = quietly(
      new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      }),
    );
  }

  yields(value: unknown): void {
    this.state = 'done';
    this.#resolve(value);
  }

  fails(error: StageflowError): void {
    this.state = 'failed';
    this.#reject(error);
  }
}

/** The calls that the stages of one scope have made. */
export class Calls {
  readonly #scope: Scope;
  readonly #made = new Map<number, Map<string, Call>>();
  /** Under way, by caller. */
  readonly #open = new Map<number, Set<Scope>>();
  /** How many calls without a key each has made, by callee. */
  readonly #counts = new WeakMap<object, Map<string, number>>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * Runs `callee` below its caller.
   *
   * @param body - Identifies one call of the caller's function.
   * @throws SF_CALL_INVALID, SF_DEPTH_EXCEEDED, SF_NONDETERMINISTIC, as a rejection; or what the callee ended with.
   */
  call(stage: PlannedStage, attempt: number, body: object, callee: unknown, values: Values, key: string | undefined): Promise<unknown> {
    const caller: Caller = { stage, attempt, body };
    const over = this.#overFor(caller, isStage(callee) ? callee.name : describeReceived(callee));
    if (over !== undefined) return quietly(Promise.reject(over));
    try {
      return this.#call(caller, callee, values, key);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #call(caller: Caller, callee: unknown, values: Values, key: string | undefined): Promise<unknown> {
    const plan = planOfCall(callee, (name, why) => this.#refusal(caller, name, why));
    const { name } = plan.stages[0] as PlannedStage;
    if (typeof values !== 'object' || values === null) throw this.#refusal(caller, name, `its values are ${describeReceived(values)}`);
    this.#checkDepth(caller, name);
    const segment = key === undefined ? this.#ordinal(caller, name) : segmentOf(key);
    const id = key === undefined ? `${segment}/${name}` : segment;
    const known = this.#madeBy(caller).get(id);
    if (known === undefined) return this.#begin(caller, plan, segment, id, values).promise;
    this.#compare(caller, id, known, name, values);
    known.body = caller.body;
    if (known.state === 'done' || (known.state === 'open' && known.scope.stopped === undefined)) return known.promise;
    known.again ??= quietly(this.#again(caller, plan, segment, id, values, known));
    return known.again;
  }

  /** A call that failed is made again, once what is left of it has settled. */
  async #again(caller: Caller, plan: Plan, segment: string, id: string, values: Values, known: Call): Promise<unknown> {
    if (known.state === 'open') {
      await known.promise.catch(() => {});
      const over = this.#overFor(caller, known.callee);
      if (over !== undefined) throw over;
    }
    return this.#begin(caller, plan, segment, id, values, known).promise;
  }

  /** Stops what a caller has under way: it has ended, or its attempt was given up. */
  stop(caller: number, stop: Stop): void {
    for (const scope of [...(this.#open.get(caller) ?? [])]) scope.stop(stop);
  }

  /** What a stage has called and not waited for goes with it. */
  callerEnded(caller: number): void {
    const reason = 'the stage that called it has ended';
    const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason });
    this.stop(caller, { status: 'cancelled', reason, stage: undefined, error: undefined, signalReason });
  }

  stopAll(stop: Stop): void {
    for (const caller of this.#open.keys()) this.stop(caller, stop);
  }

  close(): void {
    for (const scopes of this.#open.values()) for (const scope of [...scopes]) scope.close();
  }

  /** @param earlier - The same call, of an attempt that failed: its report gives way to the new one. */
  #begin(caller: Caller, plan: Plan, segment: string, id: string, values: Values, earlier?: Call): Call {
    const scope = this.#scope;
    const { state } = scope;
    const { index } = caller.stage;
    const { name } = plan.stages[0] as PlannedStage;
    const call = new Call(name, values, caller.body);
    const inner = new ScopeState(plan, `${state.pathOf(caller.stage)}${segment}/`, state.startedAfterMs !== undefined);
    if (scope.scheduler.journal !== undefined) this.#compareWithKept(caller, id, inner, scope.scheduler.journal, values);
    this.#madeBy(caller).set(id, call);
    for (const name of plan.locals) inner.slots[plan.slotOf('local', name) as number] = values[name];
    if (earlier === undefined) state.recordScope(index, inner);
    else {
      const scopes = state.scopes?.get(index) as ScopeState[];
      scopes[scopes.indexOf(earlier.scope.state)] = inner;
    }
    const opened = new Scope(scope.scheduler, inner, {
      handled: true,
      failureMode: scope.failureMode,
      depth: (scope.options.depth ?? 0) + 1,
      caller: { scope, index },
      onEnd: (ended) => this.#ended(caller, call, ended),
    });
    call.scope = opened;
    this.#openOf(index).add(opened);
    scope.active++;
    opened.start();
    return call;
  }

  /** A call that was kept by an earlier activation must be the same call. */
  #compareWithKept(caller: Caller, id: string, inner: ScopeState, journal: Journal, values: Values): void {
    inner.print = valuesPrint(values);
    const kept = journal.restored(inner.pathAt(0))?.values;
    if (kept === undefined || kept === inner.print) return;
    const { stage, attempt } = caller;
    const call = this.#scope.state.pathOf(stage) + id;
    const details = { stage: stage.name, call, expected: `made with ${kept}`, received: `made with ${inner.print}` };
    throw new StageflowError('SF_NONDETERMINISTIC', details, locationOf(this.#scope, stage, attempt));
  }

  #ended({ stage, attempt }: Caller, call: Call, ended: Scope): void {
    const scope = this.#scope;
    this.#openOf(stage.index).delete(ended);
    scope.active--;
    const ending = endingOfScope(ended);
    if (ending.status === 'completed') call.yields(ending.value);
    else if (ending.status === 'skipped') call.yields(undefined);
    else if (ending.status === 'failed') call.fails(ending.error);
    else call.fails(endedBadly(ending as NotMade, ended, locationOf(scope, stage, attempt)));
    scope.goOn();
  }

  /** Only an attempt that is under way can call: why this one is not. */
  #overFor(caller: Caller, callee: string): StageflowError | undefined {
    const { state, stopped } = this.#scope;
    const { stage, attempt } = caller;
    if (stopped !== undefined) {
      const location = { ...locationOf(this.#scope, stage, attempt), cause: stopped.signalReason };
      return new StageflowError('SF_RUN_CANCELLED', { reason: stopped.reason }, location);
    }
    if (state.status[stage.index] === running && attempt >= state.attemptsOf(stage.index)) return undefined;
    return this.#refusal(caller, callee, 'the attempt that calls it has ended');
  }

  #checkDepth({ stage, attempt }: Caller, callee: string): void {
    const maxDepth = this.#scope.scheduler.limits.maxCallDepth;
    if ((this.#scope.options.depth ?? 0) < maxDepth) return;
    throw new StageflowError('SF_DEPTH_EXCEEDED', { stage: stage.name, callee, maxDepth }, locationOf(this.#scope, stage, attempt));
  }

  /** Calls without a key are told apart by their order, which only calls that follow each other have. */
  #ordinal(caller: Caller, callee: string): string {
    const counts = this.#counts.get(caller.body) ?? new Map<string, number>();
    this.#counts.set(caller.body, counts);
    const before = counts.get(callee) ?? 0;
    const latest = this.#madeBy(caller).get(`${ordinalSegment(before)}/${callee}`);
    if (before > 0 && latest?.state === 'open') {
      throw this.#refusal(caller, callee, 'another call of it is under way, so the two need keys to be told apart');
    }
    counts.set(callee, before + 1);
    return ordinalSegment(before + 1);
  }

  /** A call that was made before must be the same call. */
  #compare(caller: Caller, id: string, known: Call, callee: string, values: Values): void {
    const [before, now] = known.callee === callee ? [valuesPrint(known.values), valuesPrint(values)] : [known.callee, callee];
    if (before === now) return;
    const ofValues = known.callee === callee;
    if (known.body === caller.body) {
      throw this.#refusal(caller, callee, `its key names a call of ${ofValues ? 'it with other values' : `"${before}"`} already`);
    }
    const [expected, received] = ofValues ? [`made with ${before}`, `made with ${now}`] : [`a call of "${before}"`, `a call of "${now}"`];
    const { stage, attempt } = caller;
    const details = { stage: stage.name, call: this.#scope.state.pathOf(stage) + id, expected, received };
    throw new StageflowError('SF_NONDETERMINISTIC', details, locationOf(this.#scope, stage, attempt));
  }

  #refusal({ stage, attempt }: Caller, callee: string, why: string): StageflowError {
    return new StageflowError('SF_CALL_INVALID', { stage: stage.name, callee, why }, locationOf(this.#scope, stage, attempt));
  }

  #madeBy({ stage: { index } }: Caller): Map<string, Call> {
    const known = this.#made.get(index) ?? new Map<string, Call>();
    this.#made.set(index, known);
    return known;
  }

  #openOf(caller: number): Set<Scope> {
    const known = this.#open.get(caller) ?? new Set<Scope>();
    this.#open.set(caller, known);
    return known;
  }
}

/** Keys never begin with the sign of an ordinal, so that no two calls share a path. */
function segmentOf(key: string): string {
  return keySegment(key).replace(/^\[#/, '[%23');
}

function ordinalSegment(ordinal: number): string {
  return ordinal === 1 ? '' : `[#${ordinal}]`;
}

/** The endings that give neither a value nor an error of the callee's own. */
type NotMade = Extract<Ending, { readonly status: 'blocked' | 'cancelled' }>;

/** The signal's reason is the cause, so that a caller that lets the rejection through counts as one that obeyed. */
function endedBadly(ending: NotMade, { stopped }: Scope, location: ReturnType<typeof locationOf>): StageflowError {
  const { reason } = ending;
  const options = { ...location, cause: stopped?.signalReason };
  if (ending.status === 'blocked') return new StageflowError('SF_RUN_BLOCKED', { stage: ending.by, reason }, options);
  return new StageflowError('SF_RUN_CANCELLED', { reason }, options);
}

/** Whoever does not wait for it must not be ended by a rejection that nobody awaits. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

const plans = new WeakMap<StageSource, Plan>();

/** The plan of one stage whose values are given; made once a stage. */
function planOfCall(callee: unknown, refuse: (name: string, why: string) => StageflowError): Plan {
  if (!isStage(callee)) throw refuse(describeReceived(callee), 'it is no stage');
  const known = plans.get(callee);
  if (known !== undefined) return known;
  const { name, kind, spec } = callee;
  const why = nameProblem(name);
  if (why !== undefined) throw refuse(String(name), why);
  if (spec.region !== undefined) throw refuse(name, `it is a region ("${kind}"), which stands in a pipeline`);
  if (typeof spec.when === 'object') throw refuse(name, 'it runs where a route says so, and routes stand in a pipeline');
  const draft = draftOfCall(callee);
  const [wrong] = stagePolicyProblems(draft);
  if (wrong !== undefined) throw refuse(name, wrong.message);
  const plan = compile({
    name,
    version: undefined,
    stages: [draft],
    outputs: [{ key: 'output', read: 'value', from: [name] }],
    also: [],
    policy: {},
  });
  plans.set(callee, plan);
  return plan;
}

function draftOfCall({ name, kind, spec }: StageSource): DraftStage {
  const needs = Object.keys(spec.needs ?? {}).map((key) => ({ key, read: 'local' as const, from: [key] }));
  return { name, kind, needs, after: [], when: undefined, spec };
}
