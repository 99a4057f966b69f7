import type { Condition, DemandOfWhen, When } from './condition.ts';
import type { Output, SkipsWhenReturned } from './control.ts';
import type { ResourceOption } from './limits/resource-use.ts';
import type { RegionDefinition } from './region.ts';
import type { RetryPolicy } from './retry.ts';
import type { Schema } from './schema.ts';
import type { Demand, Needs, NoNeeds, Skippable, Source } from './source.ts';
import type { StageContext } from './stage-context.ts';
import type { ChunkOf, Leaves, StreamingStage, StreamOptions } from './streamed.ts';
import type { Undo } from './undo.ts';
import type { Deduplicate } from './work.ts';

/** Labels of plain stages, for people, metrics and lint. `route`, `guard` and `work` have constructors of their own. */
export type StageLabel = 'transform' | 'enrich' | 'agent';

/** Stages that are made of others: each holds a part of the plan with a scope or a gate of its own. */
export type RegionKind = 'branch' | 'fallback' | 'race' | 'map' | 'loop' | 'guarded' | 'subpipeline';

/** Every kind of stage. */
export type StageKind = StageLabel | 'route' | 'guard' | 'work' | RegionKind;

/**
 * A named unit of work. Its type says what it yields, what it demands from outside and whether it may be skipped;
 * never what it needs, so it stays the same size in a graph of any depth.
 *
 * @typeParam Out - What plain readers receive.
 * @typeParam In - The union of inputs and services it reads, directly or through others.
 * @typeParam Skips - `'may skip'` where it may yield nothing, else `never`.
 * @typeParam Values - What its function receives: lets `runStage(stage, values)` be checked.
 */
export interface Stage<out Out = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable, in Values = never>
  extends Source<Out, In, Skips> {
  readonly kind: StageKind;
  readonly '~values'?: (values: Values) => void;
}

/** How a stage is run: what `pipeline.configure` may override. */
export interface StagePolicy {
  /** Limit of one attempt, milliseconds. @default no limit */
  readonly timeoutMs?: number | undefined;
  /** Limit of one attempt between two signs of life (`heartbeat`, `progress`, `emit`), milliseconds. @default no limit */
  readonly idleMs?: number | undefined;
  /** Limit of all attempts together, waits between them not counted, milliseconds. @default no limit */
  readonly budgetMs?: number | undefined;
  /** How long an aborted attempt may take to settle before it is fenced, milliseconds. @default the run's `graceMs` */
  readonly graceMs?: number | undefined;
  /** @default one attempt */
  readonly retry?: RetryPolicy | undefined;
  /** Resources of the runtime of which each attempt takes a slot, and waits for one where none is free. @default none */
  readonly resource?: ResourceOption | undefined;
}

/** What every constructor of stages takes. */
export interface StageOptions<N extends Needs, A, W> extends StagePolicy {
  readonly resource?: ResourceOption<{ readonly [K in keyof N]: N[K]['~types']['out'] }> | undefined;
  /** Stages that must have ended before this one starts; their values are not read. */
  readonly after?: A | undefined;
  /** Decides whether the stage runs; where it says no, the stage is skipped. */
  readonly when?: W | ((values: { readonly [K in keyof N]: N[K]['~types']['out'] }) => boolean) | undefined;
  /** Free labels, for metrics and lint. */
  readonly tags?: readonly string[] | undefined;
  /** The version of what the stage yields; appears in reports. */
  readonly version?: string | undefined;
}

/** What {@link stage} takes. */
export interface StageSpec<N extends Needs, R, S, A, W, F, T = undefined> extends StageOptions<N, A, W> {
  /** @default 'transform' */
  readonly kind?: StageLabel | undefined;
  /** The sources it reads, keyed by the names `run` receives. */
  readonly needs?: N | undefined;
  /** The contract of what it yields, any Standard Schema. A violation fails the stage; readers receive the schema's output. */
  readonly output?: S | undefined;
  /** `'skip'`: a failure counts as a chosen skip, so the run goes on. @default 'fail' */
  readonly onFailure?: F | undefined;
  /**
   * The stage gives chunks before its output: what a generator yields, its return value being the output, or what it
   * hands to `context.emitChunk`. Read with `streamed(stage)`. @default it gives none
   */
  readonly streams?: T | undefined;
  /** The work. A value means completed, a throw means failed; or a control value: `skip`, `cancel`, `fail`, `retryLater`. */
  readonly run: (values: { readonly [K in keyof N]: N[K]['~types']['out'] }, context: StageContext) => R;
}

/** What `streams` takes. */
export type Streams = true | StreamOptions;

/** What readers receive: the schema's output where there is a contract. */
export type Yield<S, R> = S extends undefined ? Output<R> : S extends Schema<unknown, infer Read> ? Read : never;

/** `'may skip'` where an option that can skip the stage is set. */
export type SkipsByOption<T> = T extends undefined | 'fail' ? never : 'may skip';

/**
 * Defines a stage: a named unit of work with the sources it reads and a function.
 *
 * Nothing is checked or registered here; a pipeline that reaches the stage validates it.
 *
 * @param name - Unique in a pipeline. Not empty, without `/`, `[`, `]`.
 * @example
 * ```ts
 * const { name } = inputs<{ name: string }>();
 * const greet = stage('greet', { needs: { name }, run: ({ name }) => `Hello, ${name}` });
 * const shout = stage('shout', { needs: { greet }, run: ({ greet }) => greet.toUpperCase() });
 * ```
 */
export function stage<
  const N extends Needs = NoNeeds,
  R = unknown,
  S extends Schema | undefined = undefined,
  const A extends readonly Stage[] = [],
  W extends When | undefined = undefined,
  F extends 'fail' | 'skip' | undefined = undefined,
  T extends Streams | undefined = undefined,
>(
  name: string,
  spec: StageSpec<N, R, S, A, W, F, T>,
): T extends undefined
  ? Stage<
      Yield<S, R>,
      (N[keyof N] | A[number])['~types']['in'] | DemandOfWhen<W>,
      N[keyof N]['~types']['skips'] | SkipsWhenReturned<R> | SkipsByOption<W | F>,
      { readonly [K in keyof N]: N[K]['~types']['out'] }
    >
  : StreamingStage<
      Yield<S, Leaves<R>>,
      ChunkOf<T, R>,
      (N[keyof N] | A[number])['~types']['in'] | DemandOfWhen<W>,
      N[keyof N]['~types']['skips'] | SkipsWhenReturned<Leaves<R>> | SkipsByOption<W | F>,
      { readonly [K in keyof N]: N[K]['~types']['out'] }
    > {
  // Written out, not behind a name: an alias of six parameters costs the compiler four times as much, at every stage.
  return makeStage(spec.kind ?? 'transform', name, spec);
}

/** A stage as it is at run time. Every other module reads stages through this. */
export interface StageSource {
  readonly kind: StageKind;
  readonly name: string;
  readonly spec: StageDefinition;
}

/** The run-time form of what the four constructors take. */
export interface StageDefinition extends StagePolicy {
  readonly needs?: Readonly<Record<string, unknown>> | undefined;
  readonly after?: readonly unknown[] | undefined;
  readonly when?: Condition | ((values: never) => unknown) | undefined;
  readonly output?: Schema<unknown, unknown> | undefined;
  readonly onFailure?: 'fail' | 'skip' | undefined;
  readonly failOpen?: boolean | undefined;
  readonly streams?: Streams | undefined;
  readonly idempotencyKey?: ((values: never) => string) | undefined;
  readonly deduplicate?: Deduplicate<never> | undefined;
  readonly undo?: Undo<never, never> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly version?: string | undefined;
  readonly run: StageFunction;
  readonly region?: RegionDefinition | undefined;
}

/** The function of a stage, without its types. */
export type StageFunction = (values: never, context: StageContext) => unknown;

/**
 * The run-time parts of a stage: for tools that rebuild or inspect stages.
 *
 * @example
 * ```ts
 * const { name, kind, spec } = stageParts(greet);
 * ```
 */
export function stageParts(stage: Stage): StageSource {
  return stage as unknown as StageSource;
}

/** The one place where a stage's phantom types are put on. */
export function makeStage<S>(kind: StageKind, name: string, spec: unknown): S {
  return Object.freeze({ kind, name, spec }) as S;
}
