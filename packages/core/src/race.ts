import { openRace } from './execution/regions/race.ts';
import { makeRegion, type Region } from './region.ts';
import type { Demand, Source } from './source.ts';
import type { Stage } from './stage.ts';

/** A race may be skipped only if each of its alternatives may be. */
type AllSkip<S extends readonly Source[]> = [Extract<S[number], Source<unknown, Demand, never>>] extends [never] ? 'may skip' : never;

/**
 * Yields what the first of `alternatives` in time yields. The others, and what only they need, are aborted and end as
 * skipped. A failure is not a result: it counts when no alternative has a value, and then the first in the order written
 * decides.
 *
 * Each alternative has its `signal` aborted when it has lost; the run still waits until it has settled, or `graceMs` have
 * passed.
 *
 * @example
 * ```ts
 * const answer = race('answer', askSmallModel, askLargeModel);
 * ```
 */
export function race<const S extends readonly [Stage, Stage, ...Stage[]]>(
  name: string,
  ...alternatives: S
): Region<S[number]['~types']['out'], S[number]['~types']['in'], AllSkip<S>> {
  const heads = alternatives.map((source) => ({ key: source.name, source, lazy: true }));
  return makeRegion('race', name, {}, { open: openRace, options: {}, heads });
}
