import type { Control, Output, SkipsWhenReturned } from '../control.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Schema } from '../schema.ts';
import type { Needs } from '../source.ts';
import type { SkipsByOption, Yield } from '../stage.ts';
import type {
  KeyOf,
  LinkNeed,
  NamedNeeds,
  NamedStage,
  NameOf,
  OutOf,
  Reads,
  SkipsIn,
  SourceNamed,
  StagesOf,
  SubjectNeed,
  ValuesNamed,
  WithStage,
} from './named-needs.ts';
import type {
  Arms,
  BuildSpec,
  ChainSpec,
  ConditionalSpec,
  FanOutFanInSpec,
  NamedGuardSpec,
  NamedRouteSpec,
  NamedStageSpec,
  NamedWhen,
  NamedWorkSpec,
  ParallelSpec,
  RouteOf,
  UnlessLast,
} from './specs.ts';

/** A name that is not taken; of one that is, a sentence that no name is assignable to. Dynamic names are checked by `build`. */
export type FreeName<Known, Name extends string> =
  string extends NameOf<Known> ? Name : Name extends NameOf<Known> ? `"${Name}" is taken` : Name;

/**
 * A pipeline that is being written stage by stage; stages refer by name to what was added before. Immutable: each method
 * returns a new flow, so one may be continued in several ways.
 *
 * Its type lists every stage, and the compiler looks through the list at each further one: that is quadratic in the
 * number of stages. From some fifty stages on, define them by reference, which is linear.
 *
 * @typeParam Given - What can be read besides stages: inputs, services, stages defined by reference.
 * @typeParam Stages - The stages added so far.
 * @typeParam Last - The name of the stage that helpers go on from; `never` at the beginning and after `parallel`.
 */
export interface Flow<in out Given extends Needs = Needs, in out Stages extends Needs = Needs, in out Last extends string = string> {
  readonly name: string;
  /** What it is made of: for `compose`. */
  readonly '~definition': object;
  /**
   * The stages as references, by name: for `runStage`, `pipeline.with`, regions, and pipelines defined by reference.
   *
   * @throws SF_PLAN_INVALID where a name is taken or unknown.
   * @example
   * ```ts
   * const offline = chatFlow.build({ outputs: ['answer'] }).with(chatFlow.stages.answer, ({ text }) => `you said ${text}`);
   * ```
   */
  readonly stages: StagesOf<Given, Stages>;
  /**
   * Adds a stage; see `stage()`. It reads what it names, and nothing else.
   *
   * @example
   * ```ts
   * const greeting = flow('greeting', { name }).stage('greet', { needs: ['name'], run: ({ name }) => `Hello, ${name}` });
   * ```
   */
  stage<
    const Name extends string,
    const N extends NamedNeeds<Given, Stages> = readonly [],
    R = unknown,
    S extends Schema | undefined = undefined,
    const A extends readonly NameOf<Stages>[] = readonly [],
    const W extends NamedWhen<Stages> = undefined,
    F extends 'fail' | 'skip' | undefined = undefined,
  >(
    name: FreeName<Given & Stages, Name>,
    spec: NamedStageSpec<Stages, ValuesNamed<Given & Stages, N>, N, R, S, A, W, F>,
  ): Flow<
    Given,
    Stages &
      WithStage<
        Name,
        NamedStage<
          'stage',
          Yield<S, R>,
          Reads<Given & Stages, N[number] | A[number] | RouteOf<W>>['in'],
          Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<R> | SkipsByOption<W | F>,
          N
        >
      >,
    Name
  >;
  /** Adds a stage with an effect outside the process; see `work()`. */
  work<
    const Name extends string,
    const N extends NamedNeeds<Given, Stages> = readonly [],
    R = unknown,
    S extends Schema | undefined = undefined,
    const A extends readonly NameOf<Stages>[] = readonly [],
    const W extends NamedWhen<Stages> = undefined,
    F extends 'fail' | 'skip' | undefined = undefined,
  >(
    name: FreeName<Given & Stages, Name>,
    spec: NamedWorkSpec<Stages, ValuesNamed<Given & Stages, N>, N, R, S, A, W, F>,
  ): Flow<
    Given,
    Stages &
      WithStage<
        Name,
        NamedStage<
          'stage',
          Yield<S, R>,
          Reads<Given & Stages, N[number] | A[number] | RouteOf<W>>['in'],
          Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<R> | SkipsByOption<W | F>,
          N
        >
      >,
    Name
  >;
  /** Adds a stage that chooses; see `route()`. Others say `when: { route: name, is: [arm] }`. */
  route<
    const Name extends string,
    const N extends NamedNeeds<Given, Stages> = readonly [],
    R extends string | Control | PromiseLike<string | Control> = never,
    const A extends readonly NameOf<Stages>[] = readonly [],
    const W extends NamedWhen<Stages> = undefined,
  >(
    name: FreeName<Given & Stages, Name>,
    spec: NamedRouteSpec<Stages, ValuesNamed<Given & Stages, N>, N, R, A, W>,
  ): Flow<
    Given,
    Stages &
      WithStage<
        Name,
        NamedStage<
          'route',
          Output<R> & string,
          Reads<Given & Stages, N[number] | A[number] | RouteOf<W>>['in'],
          Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<R> | SkipsByOption<W>,
          N
        >
      >,
    Name
  >;
  /** Adds a stage that judges another and yields it when it passes; see `guard()`. */
  guard<
    const Name extends string,
    const Subject extends NameOf<Given> | NameOf<Stages>,
    const N extends NamedNeeds<Given, Stages> = readonly [],
    const A extends readonly NameOf<Stages>[] = readonly [],
    const W extends NamedWhen<Stages> = undefined,
  >(
    name: FreeName<Given & Stages, Name>,
    spec: NamedGuardSpec<
      Stages,
      ValuesNamed<Given & Stages, N> & { readonly subject: OutOf<(Given & Stages)[Subject]> },
      OutOf<(Given & Stages)[Subject]>,
      Subject,
      N,
      A,
      W
    >,
  ): Flow<
    Given,
    Stages &
      WithStage<
        Name,
        NamedStage<
          'guard',
          OutOf<(Given & Stages)[Subject]>,
          Reads<Given & Stages, N[number] | A[number] | RouteOf<W> | Subject>['in'],
          Reads<Given & Stages, N[number] | Subject>['skips'] | SkipsByOption<W>,
          readonly [...N, SubjectNeed<Subject>]
        >
      >,
    Name
  >;
  /**
   * Adds stages one behind the other that hand on a value of one type: passes over a text, revisions of a draft. Goes on
   * from the last stage unless `from` names another source.
   *
   * @example
   * ```ts
   * flow('clean', { text }).chain({ from: 'text', stages: [['trim', (text) => text.trim()], ['lower', (text) => text.toLowerCase()]] });
   * ```
   */
  chain<const From extends NameOf<Given> | NameOf<Stages> = Last, const L extends readonly string[] = readonly string[]>(
    spec: ChainSpec<From, OutOf<(Given & Stages)[From]>, L> & UnlessLast<Last, 'from'>,
  ): Flow<
    Given,
    Stages & {
      readonly [K in L[number]]: NamedStage<
        'stage',
        OutOf<(Given & Stages)[From]>,
        Reads<Given & Stages, From>['in'],
        Reads<Given & Stages, From>['skips'],
        readonly [LinkNeed<From>]
      >;
    },
    L extends readonly [...string[], infer End extends string] ? End : L extends readonly [] ? Last : never
  >;
  /**
   * Adds stages that read the same and not each other. They go on from the last stage unless `needs` says otherwise.
   * There is no last stage behind them.
   *
   * @example
   * ```ts
   * flow('search', { query }).parallel({ needs: ['query'], stages: { web: ({ query }) => web(query), notes: ({ query }) => notes(query) } });
   * ```
   */
  parallel<const N extends NamedNeeds<Given, Stages> = readonly [Last], M = Readonly<Record<never, unknown>>>(
    spec: ParallelSpec<ValuesNamed<Given & Stages, N>, N, M> & UnlessLast<Last, 'needs'>,
  ): Flow<
    Given,
    Stages & {
      readonly [K in keyof M]: NamedStage<
        'stage',
        Output<M[K]>,
        Reads<Given & Stages, N[number]>['in'],
        Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<M[K]>,
        N
      >;
    },
    never
  >;
  /**
   * Adds a splitter, workers that all read it, and a stage that reads all workers. Goes on from the last stage unless
   * `needs` says otherwise. Write `split`, `workers`, `merge` in this order: the types of each come from those before.
   *
   * @example
   * ```ts
   * flow('report', { order }).fanOutFanIn({
   *   needs: ['order'],
   *   split: ['lines', ({ order }) => order.lines],
   *   workers: { total: (lines) => sum(lines), heaviest: (lines) => heaviest(lines) },
   *   merge: ['report', ({ total, heaviest }) => `${total}, at most ${heaviest}`],
   * });
   * ```
   */
  fanOutFanIn<
    const N extends NamedNeeds<Given, Stages> = readonly [Last],
    const SplitName extends string = string,
    Split = never,
    M = Readonly<Record<never, unknown>>,
    const MergeName extends string = string,
    Merged = unknown,
  >(
    spec: FanOutFanInSpec<ValuesNamed<Given & Stages, N>, N, SplitName, Split, M, MergeName, Merged> & UnlessLast<Last, 'needs'>,
  ): Flow<
    Given,
    Stages & {
      readonly [K in SplitName]: NamedStage<
        'stage',
        Output<Split>,
        Reads<Given & Stages, N[number]>['in'],
        Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<Split>,
        N
      >;
    } & {
      readonly [K in keyof M]: NamedStage<
        'stage',
        Output<M[K]>,
        Reads<Given & Stages, N[number]>['in'],
        Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<Split | M[K]>,
        readonly [SplitName]
      >;
    } & {
      readonly [K in MergeName]: NamedStage<
        'stage',
        Output<Merged>,
        Reads<Given & Stages, N[number]>['in'],
        Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<Split | M[keyof M] | Merged>,
        readonly (keyof M)[]
      >;
    },
    MergeName
  >;
  /**
   * Adds a route, an arm for each name it may return, and, if `merge` is given, a stage that reads the arm that was
   * taken. Goes on from the last stage unless `needs` says otherwise; without `merge` there is no last stage behind it.
   * Write `route`, `arms`, `merge` in this order.
   *
   * @example
   * ```ts
   * flow('reply', { text }).conditional({
   *   needs: ['text'],
   *   route: ['intent', ({ text }) => (text.startsWith('buy') ? 'order' : 'question')],
   *   arms: { order: ({ text }) => place(text), question: ({ text }) => explain(text) },
   *   merge: ['reply', (answer) => answer.trim()],
   * });
   * ```
   */
  conditional<
    const N extends NamedNeeds<Given, Stages> = readonly [Last],
    const RouteName extends string = string,
    R extends string | Control | PromiseLike<string | Control> = string,
    M extends Arms<NoInfer<Output<R>>, unknown> = Arms<NoInfer<Output<R>>, never>,
    const MergeName extends string = never,
    Merged = unknown,
  >(
    spec: ConditionalSpec<ValuesNamed<Given & Stages, N>, N, RouteName, R, M, MergeName, Merged> & UnlessLast<Last, 'needs'>,
  ): Flow<
    Given,
    Stages & {
      readonly [K in RouteName]: NamedStage<
        'route',
        Output<R> & string,
        Reads<Given & Stages, N[number]>['in'],
        Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<R>,
        N
      >;
    } & {
      readonly [K in keyof M]: NamedStage<'stage', Output<M[K]>, Reads<Given & Stages, N[number]>['in'], 'may skip', N>;
    } & {
      readonly [K in MergeName]: NamedStage<
        'stage',
        Output<Merged>,
        Reads<Given & Stages, N[number]>['in'],
        Reads<Given & Stages, N[number]>['skips'] | SkipsWhenReturned<R | M[keyof M] | Merged>,
        readonly [{ readonly firstOf: readonly (keyof M)[]; readonly as: 'taken' }]
      >;
    },
    MergeName
  >;
  /**
   * Makes the pipeline: the one that the same stages have when they are defined by reference.
   *
   * @throws SF_PLAN_INVALID with every problem at once: names that are taken, unknown or cannot be used, stages that
   *   nothing in `outputs` or `also` needs, bad policies.
   * @example
   * ```ts
   * const chat = flow('chat', { text }).stage('answer', { needs: ['text'], run: ({ text }) => ask(text) }).build({ outputs: ['answer'] });
   * ```
   */
  build<const N extends NamedNeeds<Given, Stages>, const A extends readonly NameOf<Stages>[] = readonly []>(
    spec: BuildSpec<N, A>,
  ): Pipeline<
    Reads<Given & Stages, N[number] | A[number]>['in'],
    {
      readonly [Need in N[number] as KeyOf<Need>]:
        | OutOf<SourceNamed<Given & Stages, Need>>
        | ([SkipsIn<SourceNamed<Given & Stages, Need>>] extends [never] ? never : undefined);
    }
  >;
}
