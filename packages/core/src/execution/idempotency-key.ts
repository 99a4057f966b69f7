import type { RunIdentity } from '../identity.ts';
import type { PlannedStage } from '../plan/plan.ts';

/**
 * The key under which the target of an effect recognises a repeated call: of the run and the path, where the stage has none
 * of its own.
 */
export function idempotencyKeyOf({ runId, tenantId }: RunIdentity, path: string, stage: PlannedStage | undefined, values: unknown): string {
  const own = stage?.idempotencyKey?.(values as never);
  if (own === undefined) return `${runId}/${path}`;
  return [tenantId, stage?.deduplicate?.scope, own].filter((part) => part !== undefined).join('/');
}
