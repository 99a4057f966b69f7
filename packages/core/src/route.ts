import type { Condition, DemandOfWhen, When } from './condition.ts';
import type { Control, Output, SkipsWhenReturned } from './control.ts';
import type { Demand, Needs, NoNeeds, Skippable } from './source.ts';
import { makeStage, type SkipsByOption, type Stage, type StageOptions, type StageSource } from './stage.ts';
import type { StageContext } from './stage-context.ts';

/** A stage that chooses one of several ways. */
export interface Route<
  out Out extends string = string,
  out In extends Demand = Demand,
  out Skips extends Skippable = Skippable,
  in Values = never,
> extends Stage<Out, In, Skips, Values> {
  readonly kind: 'route';
  /**
   * The condition that this route chose one of `arms`.
   *
   * @example
   * ```ts
   * const order = stage('order', { when: intent.is('order'), needs: { text }, run: ({ text }) => `order: ${text}` });
   * ```
   */
  is(...arms: readonly [Out, ...Out[]]): Condition<In>;
}

/** What {@link route} takes. */
export interface RouteSpec<N extends Needs, R, A, W> extends StageOptions<N, A, W> {
  /** The sources it reads, keyed by the names `run` receives. */
  readonly needs?: N | undefined;
  /** Returns the name of the way to take. */
  readonly run: (values: { readonly [K in keyof N]: N[K]['~types']['out'] }, context: StageContext) => R;
}

/**
 * Defines a stage that chooses: it returns one of the strings its function is typed with, and `route.is(…)` gates
 * other stages by the choice. Anything but a string fails it with `SF_ROUTE_INVALID`.
 *
 * @example
 * ```ts
 * const intent = route('intent', { needs: { text }, run: ({ text }) => (text.startsWith('buy') ? 'order' : 'question') });
 * ```
 */
export function route<
  const N extends Needs = NoNeeds,
  R extends string | Control | PromiseLike<string | Control> = never,
  const A extends readonly Stage[] = [],
  W extends When | undefined = undefined,
>(
  name: string,
  spec: RouteSpec<N, R, A, W>,
): Route<
  Output<R> & string,
  (N[keyof N] | A[number])['~types']['in'] | DemandOfWhen<W>,
  N[keyof N]['~types']['skips'] | SkipsWhenReturned<R> | SkipsByOption<W>,
  { readonly [K in keyof N]: N[K]['~types']['out'] }
> {
  const base = makeStage<StageSource>('route', name, spec);
  const made = { ...base, is: (...arms: readonly string[]) => Object.freeze({ kind: 'condition', route: made, arms }) };
  return Object.freeze(made) as never;
}
