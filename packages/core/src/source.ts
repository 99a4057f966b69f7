/**
 * What the types of a graph know: what a source yields, what it demands from outside, whether it may
 * be skipped. Never what it needs, so that a type stays the same size in a graph of any depth.
 */

/** The phantom record every source carries. It exists in types only. */
export interface SourceTypes<out Out = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable> {
  readonly out: Out;
  readonly in: In;
  readonly skips: Skips;
}

/** Marks a source that may yield nothing; a source that always yields has `never` in its place. */
export type Skippable = 'may skip';

/**
 * Anything a stage can read: an input, a service, a stage, a modified edge.
 *
 * @typeParam Out - The value a reader receives.
 * @typeParam In - The union of inputs and services it reads, directly or through others.
 * @typeParam Skips - `'may skip'` where it may yield nothing, else `never`.
 */
export interface Source<out Out = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable> {
  readonly kind: string;
  readonly name: string;
  readonly '~types': SourceTypes<Out, In, Skips>;
}

/**
 * A named value given when a run starts. Made by `inputs()`.
 *
 * @typeParam Given - What `run()` is handed.
 * @typeParam Read - What stages receive: the schema's output, or `Given` where there is no schema.
 */
export interface Input<out Name extends string = string, out Given = unknown, out Read = unknown> {
  readonly kind: 'input';
  readonly name: Name;
  readonly '~given': Given;
  readonly '~types': SourceTypes<Read, Input<Name, Given, Read>, never>;
}

/** A named thing the host provides: a client, a model. Made by `services()`; never recorded, frozen or hashed. */
export interface Service<out Name extends string = string, out T = unknown> {
  readonly kind: 'service';
  readonly name: Name;
  readonly '~types': SourceTypes<T, Service<Name, T>, never>;
}

/**
 * A value that a region gives to what it repeats: the item of a `map`, the state of a `loop`, the feedback of `guarded`.
 * The region takes it out of what its readers demand, so it can be read only inside.
 */
export interface Local<out Region extends string = string, out T = unknown> {
  readonly kind: 'local';
  readonly name: string;
  readonly '~region': Region;
  readonly '~types': SourceTypes<T, Local<Region>, never>;
}

/** What a source asks of whoever starts the run, or of the region it stands in. */
export type Demand = Input | Service | Local;

/** The sources a stage reads, keyed by the names its function receives. */
export type Needs = Readonly<Record<string, Source>>;

/** What a stage that reads nothing has in place of {@link Needs}. */
export type NoNeeds = Readonly<Record<never, Source>>;

/** The values handed to a stage's function, keyed as in `needs`. */
export type ValuesOf<N extends Needs> = { readonly [K in keyof N]: N[K]['~types']['out'] };

/** What a source yields. */
export type OutputOf<S extends Source> = S['~types']['out'];

/** What a source demands: the union of its inputs and services. */
export type DemandOf<S extends Source> = S['~types']['in'];

/** `'may skip'` where a source may yield nothing, else `never`. */
export type SkipsOf<S extends Source> = S['~types']['skips'];
