import type { StageOutcome } from './outcome.ts';
import type { Clock } from './ports/clock.ts';
import type { Run } from './run.ts';
import type { StageKind } from './stage.ts';
import type { StageContext } from './stage-context.ts';

const mark: unique symbol = Symbol.for('stageflow.cached');

/** Made by {@link cached}. */
export interface Cached<out T = unknown> {
  readonly [mark]: true;
  readonly value: T;
}

/** What an interceptor sees of a stage, or of one attempt of it. */
export interface InterceptedStage extends StageContext {
  readonly kind: StageKind;
  readonly tags: readonly string[];
  /** What the stage reads, by the keys of its needs. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The clock of the run: what an interceptor measures with, and waits on. */
  readonly clock: Clock;
  /** Paths of the stages that it waited for: those of its needs, then of `after`, then the route of `when`. Made when it is read. */
  readonly needs: readonly string[];
  /** Those of the keys under which it reads services: no data, so not to be hashed, measured or logged. */
  readonly serviceKeys: readonly string[];
  /** Which calls of it are one call; `undefined` where it declares no `idempotencyKey`. Asks the stage's functions, which may throw. */
  readonly effect: DeclaredEffect | undefined;
}

/** What a `work` says about repeats of its effect. */
export interface DeclaredEffect {
  /** What `idempotencyKey` gave: without scope and tenant. */
  readonly key: string;
  /** As it was declared. */
  readonly scope: string | undefined;
  /** What `deduplicate.params` gave; `undefined` where nothing is to be compared. */
  readonly params: unknown;
  readonly ttlMs: number | undefined;
}

/** What an interceptor sees of a run. */
export interface InterceptedRun
  extends Pick<StageContext, 'identity' | 'runId' | 'pipeline' | 'signal' | 'elapsedMs' | 'now' | 'extension' | 'emit'> {
  /** Which activation of the run this is: 1, and one more for each resume. */
  readonly epoch: number;
  /** Names of the stages of the pipeline itself. */
  readonly stages: readonly string[];
}

/** Which stages an interceptor is for: those that match every list that is given. */
export interface InterceptorScope {
  readonly kinds?: readonly StageKind[] | undefined;
  /** Names of stages, at any depth. */
  readonly stages?: readonly string[] | undefined;
  /** Stages that carry at least one of these. */
  readonly tags?: readonly string[] | undefined;
}

/**
 * Functions around runs, stages and attempts. They nest in the order of the list, the first outermost:
 * run > stage > retries > queue and slot > attempt > timeout > function > contract.
 *
 * Each calls `next()` at most once and returns what that gave it; or it returns {@link cached}, or throws. An interceptor
 * that throws, or returns anything else, fails what it stands around: it can keep a success from happening, never feign one.
 *
 * | position | called | `next()` gives | a throw |
 * |---|---|---|---|
 * | `run` | once a run | the run as it will be reported | fails the run; where it comes before `next()`, nothing runs, and a run that was resumed is left as it was |
 * | `stage` | once a stage or region that is about to start | how it ended | fails the stage, without another attempt |
 * | `attempt` | once for each call of a stage's function | how the attempt ended | fails the attempt; the stage's retry policy decides |
 *
 * @example
 * ```ts
 * const timed: Interceptor = {
 *   name: 'timed',
 *   async stage(stage, next) {
 *     const outcome = await next();
 *     console.log(stage.path, outcome.status, stage.elapsedMs);
 *     return outcome;
 *   },
 * };
 * ```
 */
export interface Interceptor {
  readonly name: string;
  /** For `stage` and `attempt`. @default every stage */
  readonly only?: InterceptorScope | undefined;
  /** Says that `stage` keeps what a `work` asks for with `deduplicate`. @default false */
  readonly deduplicates?: boolean | undefined;
  run?(run: InterceptedRun, next: () => Promise<Run>): Promise<Run>;
  stage?(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome | Cached>;
  attempt?(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome | Cached>;
}

/**
 * The result of an interceptor that has the stage's value already. The value passes the contract of the stage again, and
 * the report and the event say that it was cached. A guard's verdict cannot be cached.
 *
 * @example
 * ```ts
 * const memory = new Map<string, unknown>();
 * const memo: Interceptor = {
 *   name: 'memo',
 *   only: { tags: ['pure'] },
 *   async stage({ stage, values }, next) {
 *     const key = `${stage}:${JSON.stringify(values)}`;
 *     if (memory.has(key)) return cached(memory.get(key));
 *     const outcome = await next();
 *     if (outcome.status === 'completed') memory.set(key, outcome.output);
 *     return outcome;
 *   },
 * };
 * ```
 */
export function cached<T>(value: T): Cached<T> {
  return { [mark]: true, value };
}

/** Whether `value` was made by {@link cached}, of this copy of the package or another. */
export function isCached(value: unknown): value is Cached {
  return typeof value === 'object' && value !== null && mark in value;
}
