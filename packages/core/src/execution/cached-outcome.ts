import { controlKind } from '../control.ts';
import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { describeReceived } from '../schema.ts';
import { misused } from './interceptor-chain.ts';
import { interpret, type Meaning } from './interpret.ts';
import type { Scope } from './scope.ts';
import { locationOf } from './stage-endings.ts';

/**
 * A value that an interceptor had already, once it has passed the contract of the stage.
 *
 * @param given - What `next()` had given the interceptor, where it called it.
 * @throws SF_INTERCEPTOR_INVALID in place of a guard's verdict or a block, and for what is no value; SF_OUTPUT_INVALID,
 *   SF_ROUTE_INVALID.
 */
export async function cachedOutcome(
  scope: Scope,
  stage: PlannedStage,
  layer: string,
  value: unknown,
  attempt: number,
  given?: StageOutcome,
): Promise<StageOutcome> {
  const location = locationOf(scope, stage, attempt);
  // What a guard would say now is not known, and what it has said stands.
  if (stage.kind === 'guard' || stage.kind === 'guarded') throw misused(layer, 'it answered with cached() in place of a guard', location);
  if (given?.status === 'blocked') throw misused(layer, 'it answered with cached() to a block', location);
  if (controlKind(value) !== undefined) throw misused(layer, `it gave ${describeReceived(value)} to cached()`, location);
  const meaning: Meaning = await interpret(stage, value, undefined, location);
  if (meaning.means === 'completed') return { status: 'completed', output: meaning.value };
  // Only guards block, so what is left is a broken contract.
  throw (meaning as Extract<Meaning, { readonly means: 'failed' }>).error;
}
