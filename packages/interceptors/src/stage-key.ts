import { type InterceptedStage, StageflowError } from '@stageflow/core';

/**
 * Whose share something is: calls with the same key are counted together. The stage by its name, what it calls, the tenant
 * (`identity.tenantId`), or several of them in one string.
 */
export type StageKey = (stage: InterceptedStage) => string;

/** Each stage for itself, by its name, in whichever pipeline it stands. */
export const byStage: StageKey = ({ stage }) => stage;

/**
 * The key of a call.
 *
 * @throws SF_OPTION_INVALID where the function gives no string: calls that have none must not share one.
 */
export function keyOf(key: StageKey, stage: InterceptedStage, interceptor: string): string {
  const found: unknown = key(stage);
  if (typeof found === 'string') return found;
  const details = { option: `key of "${interceptor}"`, expected: 'a function that gives a string', received: typeof found };
  throw new StageflowError('SF_OPTION_INVALID', details, locationOf(stage));
}

/** Where errors about a call belong. */
export function locationOf({ pipeline, runId, path, attempt }: InterceptedStage): {
  readonly pipeline: string;
  readonly runId: string;
  readonly path: string;
  readonly attempt: number;
} {
  return { pipeline, runId, path, attempt };
}
