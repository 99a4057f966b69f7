import { arms, callOf, digest, type ScriptedCall, type ScriptedGraph, type ScriptedStage, slowContractMs } from './scripted-graph.ts';

/**
 * What the engine decides as it likes, and the model therefore takes from the run: when each stage was taken up, and when
 * the run stopped and ended. The checks beside the model say whether it was free to.
 */
export interface Facts {
  /** By stage: when it was taken up, ms; nothing for stages that were not before the run stopped. */
  readonly takenUpAt: ReadonlyMap<string, number>;
  /** By stage: when each of its calls was made, ms. */
  readonly callsAt: ReadonlyMap<string, readonly number[]>;
  /** `Infinity` where nothing stopped the run. */
  readonly stopAt: number;
  readonly endAt: number;
  /** Whether the run had stopped when this attempt failed: asked where both were at one instant. */
  readonly failedAfterStop: (stage: string, attempt: number) => boolean;
  /** When the stage was cancelled: asked where its next attempt was ready at the very instant of the stop. */
  readonly cancelledAt: (stage: string) => number;
}

/** How a stage must end. */
export type End =
  | { readonly is: 'completed'; readonly value: unknown }
  | { readonly is: 'skipped'; readonly rootCause?: { readonly stage: string; readonly status: 'failed' | 'blocked' } }
  | { readonly is: 'failed'; readonly code: string }
  | { readonly is: 'blocked'; readonly code?: string }
  | { readonly is: 'cancelled'; readonly asked?: true };

/** One call of a stage's function. */
export interface Call {
  readonly script: ScriptedCall;
  /** When it could be made, were there a slot. */
  readonly readyAt: number;
  readonly startAt: number;
  /** When the function answers; `Infinity`: never. */
  readonly answeredAt: number;
  /** When its answer has passed the contract, too. */
  readonly settledAt: number;
  /** When it no longer counts: it has settled, or its grace has passed. */
  readonly closedAt: number;
  readonly isAbandoned: boolean;
  /** The code it failed with, if it failed. */
  readonly failed: string | undefined;
  /** The wait before the next call, if one was to follow. */
  readonly retryInMs: number | undefined;
}

/** What the calls of a stage's function come to. */
export interface Attempts {
  readonly end: End;
  readonly endAt: number;
  readonly calls: readonly Call[];
  readonly failedOpen: boolean;
  /** The code of the failure that counts among the errors of the run, whatever became of it. */
  readonly failure: string | undefined;
}

/** The values a stage reads, by key, in the order written. */
export type Values = readonly (readonly [string, unknown])[];

/** The calls of a stage's function, and what they come to. */
export function attempts(stage: ScriptedStage, values: Values, firstReadyAt: number, graph: ScriptedGraph, facts: Facts): Attempts {
  const calls: Call[] = [];
  let readyAt = firstReadyAt;
  let activeMs = 0;
  let waitedMs = 0;
  for (let attempt = 1; ; attempt++) {
    const startAt = facts.callsAt.get(stage.name)?.[attempt - 1];
    const ended = (end: End, endAt: number) => ({ end, endAt, calls, failedOpen: false, failure: undefined });
    if (startAt === undefined) {
      // The wait ends with the stop; who waits for a slot is told when the run ends.
      const isTie = readyAt === facts.stopAt;
      return ended({ is: 'cancelled' }, isTie ? facts.cancelledAt(stage.name) : readyAt > facts.stopAt ? facts.stopAt : facts.endAt);
    }
    const script = callOf(stage, attempt);
    const course = courseOf(stage, script, startAt, activeMs, graph, facts);
    const result = course.limit ?? meaning(stage, course.brings, values);
    activeMs += course.closedAt - startAt;
    const call = { script, readyAt, startAt, ...course, failed: undefined, retryInMs: undefined };
    if (course.isCutOff || 'is' in result) {
      calls.push(call);
      return ended('is' in result && !course.isCutOff ? result : { is: 'cancelled' }, course.closedAt);
    }
    const hasStopped = course.closedAt === facts.stopAt ? facts.failedAfterStop(stage.name, attempt) : course.closedAt > facts.stopAt;
    const isWorthIt = !result.isFinal && (stage.asks === undefined ? result.retryable : stage.asks === 'always');
    const isOver = hasStopped || !isWorthIt || (stage.budgetMs !== undefined && activeMs >= stage.budgetMs);
    const isUnsafe = course.isAbandoned && stage.kind === 'work' && !stage.hasKey;
    const retryInMs = isOver || isUnsafe ? undefined : nextWait(stage, attempt, waitedMs, result.afterMs ?? 0);
    calls.push({ ...call, failed: result.code, retryInMs });
    if (retryInMs === undefined)
      return { ...ended(...lastFailure(stage, result.code, values, course.closedAt)), ...openness(stage, result.code) };
    waitedMs = retryInMs;
    readyAt = course.closedAt + retryInMs;
  }
}

interface Course {
  readonly answeredAt: number;
  readonly settledAt: number;
  readonly closedAt: number;
  readonly isAbandoned: boolean;
  /** Whether it was still under way when the run ended, or obeyed its stop. */
  readonly isCutOff: boolean;
  readonly brings: ScriptedCall['brings'];
  /** The limit that passed. */
  readonly limit: Failure | undefined;
}

interface Failure {
  readonly code: string;
  /** What a policy says that does not say when it retries. */
  readonly retryable: boolean;
  /** Whether no policy can make it worth another attempt. */
  readonly isFinal?: true;
  readonly afterMs?: number;
}

/** How one call goes: until it settles by itself, a limit passes, or the run stops, and what it does then. */
function courseOf(
  stage: ScriptedStage,
  script: ScriptedCall,
  startAt: number,
  activeMs: number,
  graph: ScriptedGraph,
  facts: Facts,
): Course {
  const { stopAt } = facts;
  const natural = startAt + (script.afterMs ?? 0);
  const limit = limitOf(stage, script, startAt, activeMs);
  const abortAt = Math.min(limit.at, stopAt);
  const reacts = natural > abortAt && script.onAbort !== 'ignores';
  const answeredAt = reacts ? Math.max(abortAt, startAt) : natural;
  const kept = stage.kind === 'guard' ? 'pass' : 'value';
  const brings = !reacts ? script.brings : script.onAbort === 'keeps' ? kept : 'throw';
  // At one instant the limit came first: nothing but its passing can have stopped the run then.
  const isLimit = limit.at <= stopAt;
  const isGivenUp = isLimit && natural > abortAt;
  const contractMs = stage.contract === 'slow' && (brings === 'value' || brings === 'nonsense') && !isGivenUp ? slowContractMs : 0;
  const settledAt = answeredAt + contractMs;
  const times = { answeredAt, settledAt, brings };
  if (natural <= abortAt && settledAt <= abortAt)
    return { ...times, closedAt: settledAt, isAbandoned: false, isCutOff: false, limit: undefined };
  const fenceAt = isLimit ? limit.at + (stage.graceMs ?? graph.graceMs) : stopAt + graph.graceMs;
  const lastAt = isLimit && stopAt < fenceAt ? stopAt + graph.graceMs : fenceAt;
  const inTime = settledAt <= lastAt;
  const isAbandoned = !inTime && isLimit && lastAt === fenceAt;
  const obeysStop = !isLimit && reacts && script.onAbort === 'obeys';
  const closedAt = Math.min(settledAt, lastAt);
  return { ...times, closedAt, isAbandoned, isCutOff: obeysStop || (!inTime && !isAbandoned), limit: isLimit ? limit : undefined };
}

/** The limit that passes first, if the function does nothing about it. */
function limitOf(stage: ScriptedStage, script: ScriptedCall, startAt: number, activeMs: number): Failure & { readonly at: number } {
  const { timeoutMs = Number.POSITIVE_INFINITY, budgetMs = Number.POSITIVE_INFINITY, idleMs = Number.POSITIVE_INFINITY } = stage;
  const { beatMs, afterMs = 0 } = script;
  // It gives its sign of life while it is under way, and says that it progressed when it answers.
  const signs = beatMs === undefined || afterMs === 0 ? [] : [beatMs, afterMs].sort((left, right) => left - right);
  const quietMs = signs.reduce((untilMs, signMs) => (signMs < untilMs ? signMs + idleMs : untilMs), idleMs);
  const limits = [
    { at: startAt + timeoutMs, code: 'SF_STAGE_TIMEOUT', retryable: true },
    { at: startAt + budgetMs - activeMs, code: 'SF_STAGE_BUDGET', retryable: false },
    { at: startAt + quietMs, code: 'SF_STAGE_IDLE', retryable: true },
  ];
  return limits.reduce((first, limit) => (limit.at < first.at ? limit : first));
}

/** What a function's answer means for its stage. */
function meaning(stage: ScriptedStage, brings: ScriptedCall['brings'], values: Values): End | Failure {
  const number = digest(stage.name, values);
  const isGuard = stage.kind === 'guard';
  switch (brings) {
    case 'value':
      return {
        is: 'completed',
        value: stage.kind === 'route' ? arms[number % arms.length] : number + (stage.contract === undefined ? 0 : 1),
      };
    case 'pass':
      return { is: 'completed', value: values.at(-1)?.[1] };
    case 'transform':
      return { is: 'completed', value: number };
    case 'block':
      return { is: 'blocked' };
    case 'cancel':
      return { is: 'cancelled', asked: true };
    case 'skip':
      return isGuard ? final('SF_GUARD_FAILED') : { is: 'skipped' };
    case 'nonsense':
      if (stage.contract !== undefined) return { code: 'SF_OUTPUT_INVALID', retryable: true };
      if (isGuard) return final('SF_GUARD_FAILED');
      return stage.kind === 'route' ? final('SF_ROUTE_INVALID') : { is: 'completed', value: undefined };
    case 'suspend':
    case 'review':
      return final('SF_RUNTIME_REQUIRED');
    case 'retryLater':
      return { code: 'SF_STAGE_FAILED', retryable: true, afterMs: 30 };
    case 'throw for good':
      return { code: 'SF_STAGE_FAILED', retryable: false };
    case 'throw':
    case 'fail':
      return { code: 'SF_STAGE_FAILED', retryable: true };
  }
}

function final(code: string): Failure {
  return { code, retryable: false, isFinal: true };
}

/** The random number of every scripted run: in the middle, so that waits are half way between their bounds. */
export const givenRandom = 0.5;

function nextWait({ retry }: ScriptedStage, attempt: number, waitedMs: number, askedMs: number): number | undefined {
  if (retry === undefined || attempt >= (retry.attempts ?? 3)) return undefined;
  const { baseMs = 100, maxMs = 30_000 } = retry;
  const growth = { constant: 1, linear: attempt, exponential: 2 ** (attempt - 1) }[retry.backoff ?? 'exponential'];
  const wait = Math.min(maxMs, baseMs * growth);
  const decorrelated = Math.min(maxMs, (baseMs + Math.max(baseMs, 3 * (waitedMs || baseMs))) / 2);
  const spread = { none: wait, full: wait / 2, equal: (wait * 3) / 4, decorrelated }[retry.jitter ?? 'full'];
  return Math.max(spread, Math.min(maxMs, askedMs));
}

/** What a stage ends as when no attempt follows a failure. */
function lastFailure(stage: ScriptedStage, code: string, values: Values, at: number): [End, number] {
  if (stage.skipsOnFailure) return [{ is: 'skipped' }, at];
  if (stage.kind !== 'guard' || code === 'SF_RUNTIME_REQUIRED') return [{ is: 'failed', code }, at];
  return [stage.failOpen ? { is: 'completed', value: values.at(-1)?.[1] } : { is: 'blocked', code: 'SF_GUARD_FAILED' }, at];
}

function openness(stage: ScriptedStage, code: string): Pick<Attempts, 'failedOpen' | 'failure'> {
  const failedOpen = stage.kind === 'guard' && stage.failOpen && code !== 'SF_RUNTIME_REQUIRED';
  const asGuard = stage.kind === 'guard' && code !== 'SF_RUNTIME_REQUIRED';
  return { failedOpen, failure: failedOpen ? undefined : asGuard ? 'SF_GUARD_FAILED' : code };
}
