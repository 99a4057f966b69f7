import type { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Scope } from './scope.ts';
import { runtimeRequired } from './stage-endings.ts';

/** Why a stage cannot have what it names, where it runs without a runtime that has resources. */
export function missingResource(scope: Scope, stage: PlannedStage): StageflowError | undefined {
  const [use] = stage.resources ?? [];
  if (use === undefined || scope.scheduler.limits.resources !== undefined) return undefined;
  return runtimeRequired(scope, stage, `the resource "${use.name}" of a runtime`, 1);
}
