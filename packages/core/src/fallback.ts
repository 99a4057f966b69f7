import { openFallback } from './execution/regions/fallback.ts';
import { makeRegion, type Region } from './region.ts';
import type { Demand, Source } from './source.ts';
import type { Stage } from './stage.ts';

type Last<S extends readonly unknown[]> = S extends readonly [...unknown[], infer L] ? L : never;
type SkipsOfLast<S extends readonly Source[]> = Last<S> extends Source<unknown, Demand, infer Skips> ? Skips : never;

/**
 * Yields what the first of `alternatives` yields that has a value, in the order written. The next starts only when the
 * one before has failed or was skipped; what is reached only through it does not start earlier. A failure that another
 * alternative makes up for does not fail the run; when the last has none either, the region ends as the last did.
 *
 * A guard cannot be an alternative unless it is `failOpen`: a block must not be answered with something else.
 *
 * @example
 * ```ts
 * const price = fallback('price', livePrice, cachedPrice);
 * ```
 */
export function fallback<const S extends readonly [Stage, Stage, ...Stage[]]>(
  name: string,
  ...alternatives: S
): Region<S[number]['~types']['out'], S[number]['~types']['in'], SkipsOfLast<S>> {
  const heads = alternatives.map((source, at) => ({ key: source.name, source, lazy: at > 0 }));
  return makeRegion('fallback', name, {}, { open: openFallback, options: {}, heads });
}
