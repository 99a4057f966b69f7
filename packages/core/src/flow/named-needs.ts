import type { FirstOf, Optional, Settled } from '../edge.ts';
import type { Guard } from '../guard.ts';
import type { Route } from '../route.ts';
import type { Demand, Skippable, Source } from '../source.ts';
import type { Stage } from '../stage.ts';

/** The names in a record of sources. */
export type NameOf<Known> = keyof Known & string;

/**
 * One thing that a stage of a flow reads, by name: the name of something given or of a stage added before; the name of
 * a stage under `optional` or `settled`, which read as the functions of these names do; or several under `firstOf`, of
 * which the first that has a value is read, under the key `as`.
 */
export type NamedNeed<Given, Stages> =
  | NameOf<Given>
  | NameOf<Stages>
  | { readonly optional: NameOf<Stages> }
  | { readonly settled: NameOf<Stages> }
  | { readonly firstOf: readonly [NameOf<Stages>, NameOf<Stages>, ...NameOf<Stages>[]]; readonly as: string };

/** What a stage of a flow reads. */
export type NamedNeeds<Given, Stages> = readonly NamedNeed<Given, Stages>[];

/**
 * A stage as the type of a flow lists it: with the names it needs, not with the values behind them. The compiler looks
 * through the whole list for each stage, so entries are as small as can be.
 */
export interface NamedStage<
  out Kind extends 'stage' | 'route' | 'guard' = 'stage' | 'route' | 'guard',
  out Out = unknown,
  out In extends Demand = Demand,
  out Skips extends Skippable = Skippable,
  out N extends readonly unknown[] = readonly unknown[],
> extends Source<Out, In, Skips> {
  readonly '~kind': Kind;
  readonly '~needs': N;
}

/** One stage more. */
export type WithStage<Name extends string, S> = { readonly [K in Name]: S };

/** The entries of a flow as the stages they stand for. */
export type StagesOf<Given, Stages> = {
  readonly [Name in keyof Stages]: Stages[Name] extends NamedStage<infer Kind, infer Out, infer In, infer Skips, infer N>
    ? StageOfKind<Kind, Out, In, Skips, { readonly [Need in N[number] as KeyOf<Need>]: OutOf<SourceNamed<Given & Stages, Need>> }>
    : never;
};

type StageOfKind<Kind, Out, In extends Demand, Skips extends Skippable, Values> = Kind extends 'route'
  ? Route<Out & string, In, Skips, Values>
  : Kind extends 'guard'
    ? Guard<Out, In, Skips, Values>
    : Stage<Out, In, Skips, Values>;

/** What the function of a guard receives as `subject`. */
export interface SubjectNeed<out Name> {
  readonly subject: Name;
}

/** What a link of a chain receives, under the name of the link before. */
export interface LinkNeed<out Name> {
  readonly link: Name;
}

/** The key under which a function receives what it reads. */
export type KeyOf<Need> = Need extends string
  ? Need
  : Need extends { readonly optional: infer Name extends string } | { readonly settled: infer Name extends string }
    ? Name
    : Need extends { readonly as: infer Key extends string }
      ? Key
      : Need extends SubjectNeed<unknown>
        ? 'subject'
        : Need extends LinkNeed<unknown>
          ? string
          : never;

/** The source that a function reads there. */
export type SourceNamed<Known, Need> =
  Need extends NameOf<Known>
    ? Known[Need]
    : Need extends { readonly optional: infer Name extends NameOf<Known> }
      ? Optional<OutOf<Known[Name]>, DemandIn<Known[Name]>>
      : Need extends { readonly settled: infer Name extends NameOf<Known> }
        ? Settled<OutOf<Known[Name]>, DemandIn<Known[Name]>>
        : Need extends { readonly firstOf: readonly (infer Name extends NameOf<Known>)[] }
          ? FirstOf<OutOf<Known[Name]>, DemandIn<Known[Name]>, AllSkip<Known[Name]>>
          : Need extends SubjectNeed<infer Name extends NameOf<Known>> | LinkNeed<infer Name extends NameOf<Known>>
            ? Known[Name]
            : never;

/** A coalesced value may be missing only if each of its sources may be. */
type AllSkip<S> = [Extract<S, Source<unknown, Demand, never>>] extends [never] ? 'may skip' : never;

/** What a source yields. */
export type OutOf<S> = S extends Source ? S['~types']['out'] : never;

/** What a source demands of whoever starts the run. */
export type DemandIn<S> = S extends Source ? S['~types']['in'] : never;

/** `'may skip'` where a source may yield nothing. */
export type SkipsIn<S> = S extends Source ? S['~types']['skips'] : never;

/** The values that a function receives. */
export type ValuesNamed<Known, N extends readonly unknown[]> = {
  readonly [Need in N[number] as KeyOf<Need>]: OutOf<SourceNamed<Known, Need>>;
};

/**
 * What some needs tell of a stage that has them. Members are read, because an alias would keep what it was computed
 * from: the list of all stages, in the type of each of them.
 */
export interface Reads<Known, Need> {
  readonly in: SourceNamed<Known, Need> extends infer S ? (S extends Source ? S['~types']['in'] : never) : never;
  readonly skips: SkipsIn<SourceNamed<Known, Need>>;
}
