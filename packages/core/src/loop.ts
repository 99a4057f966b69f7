import { openLoop } from './execution/regions/loop.ts';
import { localSource, makeRegion, type Region, type WithoutLocals } from './region.ts';
import type { Local, Source } from './source.ts';
import type { Stage } from './stage.ts';

/** When a {@link loop} ends. */
export interface LoopOptions<State> {
  /** Asked after each turn, with what it yielded and its number from 1: whether that was the last. */
  readonly until: (state: State, turn: number) => boolean;
  /** Turns at most, an integer >= 1. A loop without a bound cannot be written. */
  readonly maxTurns: number;
  /** After the last turn that is allowed: `fail` with SF_LOOP_EXHAUSTED, or `keep` the last state. @default 'fail' */
  readonly onExhausted?: 'fail' | 'keep' | undefined;
}

/**
 * Repeats a part of the plan until a condition holds: what one turn yields is the state of the next. Yields the last.
 *
 * `body` is called once, when the loop is defined. Stages that read the state run once a turn, in a scope of their own;
 * everything else they need is hoisted, and runs once. A turn that is skipped or fails ends the loop so.
 *
 * @param initial - The state of the first turn.
 * @example
 * ```ts
 * const polished = loop(
 *   'polish',
 *   draft,
 *   (text) => stage('improve', { needs: { text }, run: ({ text }) => improve(text) }),
 *   { until: (text) => score(text) > 0.9, maxTurns: 5, onExhausted: 'keep' },
 * );
 * ```
 */
export function loop<const Name extends string, const S extends Source, B extends Stage<S['~types']['out']>>(
  name: Name,
  initial: S,
  body: (state: Local<Name, S['~types']['out']>, turn: Local<Name, number>) => B,
  options: LoopOptions<NoInfer<B['~types']['out']>>,
): Region<B['~types']['out'], S['~types']['in'] | WithoutLocals<B['~types']['in'], Name>, S['~types']['skips'] | B['~types']['skips']> {
  const owner = { name };
  const output = body(localSource(owner, 'state') as never, localSource(owner, 'turn') as never);
  return makeRegion('loop', name, { state: initial }, { open: openLoop, options: { ...options }, body: { owner, output } });
}
