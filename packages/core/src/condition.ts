import type { Demand, SourceTypes } from './source.ts';

/** A decision that a plan can show: made by `route.is(…)`, used as `when`. */
export interface Condition<out In extends Demand = Demand> {
  readonly kind: 'condition';
  readonly '~types': SourceTypes<boolean, In, never>;
}

/** What `when` takes: a {@link Condition}, or a synchronous predicate over the stage's values. */
export type When<Values = never> = Condition | ((values: Values) => boolean);

/** What a `when` demands from outside. */
export type DemandOfWhen<W> = W extends Condition<infer In> ? In : never;

/** A condition as it is at run time. */
export interface ConditionSource {
  readonly kind: 'condition';
  readonly route: unknown;
  readonly arms: readonly string[];
}
