import { openBranch } from './execution/regions/branch.ts';
import { makeRegion, type Region } from './region.ts';
import type { Route } from './route.ts';
import type { Stage } from './stage.ts';

/** One stage for each way a route can take. */
export type Arms<Way extends string> = { readonly [K in Way]: Stage };

/**
 * Continues with the arm that a route chose, and yields what that arm yields. A missing arm does not compile. What is
 * reached only through an arm starts when the arm is chosen, and is skipped when it is not.
 *
 * @param name - Unique in a pipeline.
 * @example
 * ```ts
 * const reply = branch('reply', intent, { order: takeOrder, question: answerQuestion });
 * ```
 */
export function branch<const R extends Route, const A extends Arms<R['~types']['out']>>(
  name: string,
  route: R,
  arms: A & { readonly [K in Exclude<keyof A, R['~types']['out']>]: never },
): Region<
  A[R['~types']['out']]['~types']['out'],
  R['~types']['in'] | A[R['~types']['out']]['~types']['in'],
  R['~types']['skips'] | A[R['~types']['out']]['~types']['skips']
> {
  const heads = Object.entries(arms).map(([key, source]) => ({ key, source, lazy: true }));
  return makeRegion('branch', name, { route }, { open: openBranch, options: {}, heads });
}
