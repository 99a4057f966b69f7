import type { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Scope } from './scope.ts';
import { runtimeRequired } from './stage-endings.ts';

/** Why a stage cannot have what it asks for, where nothing around the run provides it. */
export function missingProvision(scope: Scope, stage: PlannedStage): StageflowError | undefined {
  const { interceptors, limits } = scope.scheduler;
  const [use] = stage.resources ?? [];
  if (use !== undefined && limits.resources === undefined) {
    return runtimeRequired(scope, stage, `the resource "${use.name}" of a runtime`, 1);
  }
  if (stage.deduplicate !== undefined && interceptors?.of(scope.plan, stage)?.deduplicates !== true) {
    return runtimeRequired(scope, stage, 'an interceptor that deduplicates effects', 1);
  }
  if (stage.undo !== undefined && scope.scheduler.single !== undefined) {
    return runtimeRequired(scope, stage, 'a run without a driver, which undoes effects', 1);
  }
  return undefined;
}
