import type { EndedOutcome } from './outcome.ts';
import type { Demand, Skippable, Source } from './source.ts';
import type { Stage } from './stage.ts';
import type { StreamedOptions } from './streamed.ts';

/** An edge that tolerates a chosen skip. Made by {@link optional}. */
export interface Optional<out Out = unknown, out In extends Demand = Demand> extends Source<Out | undefined, In, never> {
  readonly kind: 'optional';
}

/** An edge that reads how a stage ended. Made by {@link settled}. */
export interface Settled<out Out = unknown, out In extends Demand = Demand> extends Source<EndedOutcome<Out>, In, never> {
  readonly kind: 'settled';
}

/** An edge that reads the first of several that has a value. Made by {@link firstOf}. */
export interface FirstOf<out Out = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable>
  extends Source<Out, In, Skips> {
  readonly kind: 'firstOf';
}

/** An edge as it is at run time. */
export interface EdgeSource {
  readonly kind: 'optional' | 'settled' | 'firstOf' | 'streamed';
  readonly name: string;
  readonly of: readonly unknown[];
  /** Of `streamed`. */
  readonly stream?: StreamedOptions | undefined;
}

/**
 * Reads `undefined` where `source` was skipped by choice: its own `skip`, its `when`, or one of those behind it. A
 * failure or a block still skips the reader and keeps its root cause.
 *
 * @example
 * ```ts
 * const answer = stage('answer', { needs: { profile: optional(profile) }, run: ({ profile }) => profile?.name ?? 'you' });
 * ```
 */
export function optional<Out, In extends Demand>(source: Stage<Out, In> | FirstOf<Out, In>): Optional<Out, In> {
  return edge('optional', [source]);
}

/**
 * Reads the outcome of `source`, however it ended. What a `settled` reader has taken into account does not fail the run.
 *
 * @example
 * ```ts
 * const notice = stage('notice', {
 *   needs: { charge: settled(charge) },
 *   run: ({ charge }) => (charge.status === 'completed' ? 'paid' : `not paid: ${charge.status}`),
 * });
 * ```
 */
export function settled<Out, In extends Demand>(source: Stage<Out, In>): Settled<Out, In> {
  return edge('settled', [source]);
}

/**
 * Reads the first of `sources`, in the order written, that was not skipped: never the first in time. The reader starts
 * once that one is known, and is skipped when all of them were. A failure that comes before a value skips the reader.
 *
 * @example
 * ```ts
 * const reply = stage('reply', { needs: { text: firstOf(order, question) }, run: ({ text }) => text });
 * ```
 */
export function firstOf<const S extends readonly [Stage, Stage, ...Stage[]]>(
  ...sources: S
): FirstOf<S[number]['~types']['out'], S[number]['~types']['in'], AllSkip<S>> {
  return edge('firstOf', sources);
}

/** A coalesced value may be missing only if each of its sources may be. */
type AllSkip<S extends readonly Source[]> = [Extract<S[number], Source<unknown, Demand, never>>] extends [never] ? 'may skip' : never;

/** The one place where an edge's phantom types are put on. */
export function edge<E>(kind: EdgeSource['kind'], of: readonly unknown[], stream?: StreamedOptions): E {
  const name = of.map((source) => (source as { name?: unknown } | null | undefined)?.name).join(' | ');
  return Object.freeze(stream === undefined ? { kind, name, of } : { kind, name, of, stream }) as E;
}
