import type { PlannedStage } from '../plan/plan.ts';
import type { Execution } from './execution.ts';
import { InterceptedExecution } from './intercepted-execution.ts';
import type { StageInterceptors } from './interceptor-chain.ts';
import type { Scope } from './scope.ts';
import { StageExecution } from './stage-execution.ts';

/** What runs a stage that is more than one call: `prepared`, its attempts or its region, within its interceptors. */
export function executionOf(
  scope: Scope,
  stage: PlannedStage,
  values: Readonly<Record<string, unknown>>,
  around: StageInterceptors | undefined,
  prepared: Execution | undefined,
): Execution {
  const inner = prepared ?? innermost(scope, stage, values, around);
  return around?.stage === undefined ? inner : new InterceptedExecution(scope, stage, inner, around.stage, values);
}

function innermost(
  scope: Scope,
  stage: PlannedStage,
  values: Readonly<Record<string, unknown>>,
  around: StageInterceptors | undefined,
): Execution {
  if (stage.region !== undefined) return stage.region.open(scope, stage, values);
  return scope.scheduler.drive?.(scope, stage, values) ?? new StageExecution(scope, stage, around?.attempt);
}
