import type { Cancel, Control, Output, Skip } from '../control.ts';
import type { Verdict } from '../guard.ts';
import type { ResourceOption } from '../limits/resource-use.ts';
import type { PipelinePolicy } from '../plan/draft.ts';
import type { StageLabel, StagePolicy, Yield } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';
import type { Undo } from '../undo.ts';
import type { Deduplicate } from '../work.ts';
import type { NamedStage, NameOf } from './named-needs.ts';

/** What `when` takes by name: a route and those of its arms that let the stage run; or a predicate over the values. */
export type NamedWhen<Stages> =
  | { readonly route: NameOf<Stages>; readonly is: readonly string[] }
  | ((values: never) => boolean)
  | undefined;

/** Holds `is` to the arms of its route. */
export type ArmsOf<Stages, W> = W extends { readonly route: infer Name extends NameOf<Stages> }
  ? { readonly is: readonly (Stages[Name] extends NamedStage<'route', infer Arm> ? Arm : never)[] }
  : unknown;

/** The name of the route that a gate asks. */
export type RouteOf<W> = W extends { readonly route: infer Name } ? Name : never;

/** What every stage of a flow takes. */
export interface NamedOptions<Stages, Values, N, A, W> extends StagePolicy {
  /** What it reads, by name; the function receives it under these names. */
  readonly needs?: N | undefined;
  /** Names of stages that must have ended before this one starts; their values are not read. */
  readonly after?: A | undefined;
  /** Decides whether the stage runs: `{ route, is }`, or a synchronous predicate over the values. */
  readonly when?: (W & ArmsOf<Stages, W>) | ((values: Values) => boolean) | undefined;
  readonly resource?: ResourceOption<Values> | undefined;
  /** Free labels, for metrics and lint. */
  readonly tags?: readonly string[] | undefined;
  /** The version of what the stage yields; appears in reports. */
  readonly version?: string | undefined;
}

/** What `flow.stage` takes; see `StageSpec`. */
export interface NamedStageSpec<Stages, Values, N, R, S, A, W, F> extends NamedOptions<Stages, Values, N, A, W> {
  /** @default 'transform' */
  readonly kind?: StageLabel | undefined;
  /** The contract of what it yields, any Standard Schema. */
  readonly output?: S | undefined;
  /** `'skip'`: a failure counts as a chosen skip, so the run goes on. @default 'fail' */
  readonly onFailure?: F | undefined;
  /** The work. */
  readonly run: (values: Values, context: StageContext) => R;
}

/** What `flow.work` takes; see `WorkSpec`. */
export interface NamedWorkSpec<Stages, Values, N, R, S, A, W, F> extends NamedOptions<Stages, Values, N, A, W> {
  /** The contract of what it yields, any Standard Schema. */
  readonly output?: S | undefined;
  /** `'skip'`: a failure counts as a chosen skip, so the run goes on. @default 'fail' */
  readonly onFailure?: F | undefined;
  /** The key under which the target recognises a repeated call. */
  readonly idempotencyKey?: ((values: Values) => string) | undefined;
  /** Asks that of all calls with one key one is made; see `WorkSpec`. */
  readonly deduplicate?: Deduplicate<Values> | undefined;
  /** The effect. */
  readonly run: (values: Values, context: StageContext) => R;
  /** Undoes the effect where the run ends badly after it; see `WorkSpec`. */
  readonly undo?: Undo<Values, NoInfer<Yield<S, R>>> | undefined;
}

/** What `flow.route` takes; see `RouteSpec`. */
export interface NamedRouteSpec<Stages, Values, N, R, A, W> extends NamedOptions<Stages, Values, N, A, W> {
  /** Returns the name of the way to take. */
  readonly run: (values: Values, context: StageContext) => R;
}

/** What `flow.guard` takes; see `GuardSpec`. */
export interface NamedGuardSpec<Stages, Values, Judged, Subject, N, A, W> extends NamedOptions<Stages, Values, N, A, W> {
  /** The name of what is judged; the guard yields it. */
  readonly subject: Subject;
  /** Passes the subject where no verdict could be had. @default false */
  readonly failOpen?: boolean | undefined;
  /** Judges `subject`. */
  readonly check: (
    values: Values,
    context: StageContext,
  ) => Verdict<NoInfer<Judged>> | Cancel | PromiseLike<Verdict<NoInfer<Judged>> | Cancel>;
}

/** What helpers take besides stages: the label and the policies of those they repeat. */
export interface GroupOptions extends StagePolicy {
  /** @default 'transform' */
  readonly kind?: StageLabel | undefined;
}

/** Demands the option where there is no last stage to go on from. */
export type UnlessLast<Last, Option extends string> = [Last] extends [never] ? { readonly [O in Option]: unknown } : unknown;

/** A stage as a pair: its name, and a function. */
export type NamedFunction<Name, Value, R> = readonly [name: Name, run: (value: Value, context: StageContext) => R];

/** What a link of a chain may return: the type it was handed. A link that may skip is written as a stage. */
export type LinkResult<T> = T | Exclude<Control, Skip> | PromiseLike<T | Exclude<Control, Skip>>;

/** What `flow.chain` takes. */
export interface ChainSpec<From, T, L> extends GroupOptions {
  /** The name of what the first link receives. @default the last stage */
  readonly from?: From | undefined;
  /** The links in order: each receives the value of the one before, by itself. An empty list adds nothing. */
  readonly stages: { readonly [I in keyof L]: NamedFunction<L[I], T, NoInfer<LinkResult<T>>> };
}

/** What `flow.parallel` takes. */
export interface ParallelSpec<Values, N, M> extends GroupOptions {
  /** What each of them reads. @default the last stage */
  readonly needs?: N | undefined;
  /** The functions, by the names of their stages. */
  readonly stages: { readonly [K in keyof M]: (values: Values, context: StageContext) => M[K] };
}

/** What `flow.fanOutFanIn` takes. */
export interface FanOutFanInSpec<Values, N, SplitName, Split, M, MergeName, Merged> extends GroupOptions {
  /** What the splitter reads. @default the last stage */
  readonly needs?: N | undefined;
  /** The stage that all workers read. */
  readonly split: NamedFunction<SplitName, Values, Split>;
  /** The workers, by the names of their stages: each receives what the splitter yields, by itself. */
  readonly workers: { readonly [K in keyof M]: (value: NoInfer<Output<Split>>, context: StageContext) => M[K] };
  /** The stage that reads all workers, by name. */
  readonly merge: NamedFunction<MergeName, { readonly [K in keyof M]: Output<M[K]> }, Merged>;
}

/** A member for each arm that a route may take. */
export type Arms<Taken, Member> = { readonly [Arm in Taken & string]: Member };

/** What `flow.conditional` takes. */
export interface ConditionalSpec<Values, N, RouteName, R, M, MergeName, Merged> extends GroupOptions {
  /** What the route and each arm read. @default the last stage */
  readonly needs?: N | undefined;
  /** The route: returns the name of the arm to take. */
  readonly route: NamedFunction<RouteName, Values, R>;
  /** The arms, by the names of their stages, one for each name the route may return. */
  readonly arms: {
    readonly [K in keyof M]: K extends NoInfer<Output<R>> ? (values: Values, context: StageContext) => M[K] : never;
  };
  /** Receives what the arm that was taken yields, by itself. @default no such stage */
  readonly merge?: NamedFunction<MergeName, Output<M[keyof M]>, Merged> | undefined;
}

/** What `flow.build` takes. */
export interface BuildSpec<N, A> extends PipelinePolicy {
  /** What a run returns, by name. */
  readonly outputs: N;
  /** Names of stages that run for their effect. */
  readonly also?: A | undefined;
  /** The version of the pipeline's definition. @default none */
  readonly version?: string | undefined;
}
