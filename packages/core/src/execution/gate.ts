import { describeThrown, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { describeReceived } from '../schema.ts';
import type { Scope } from './scope.ts';
import { locationOf } from './stage-endings.ts';

/** Asks a stage's `when`: `undefined` where it runs, the reason where it is skipped, the error where it could not say. */
export function gate(stage: PlannedStage, values: unknown, scope: Scope): string | StageflowError | undefined {
  if (stage.gate !== undefined) {
    const choice = scope.state.slots[stage.gate.route];
    if (stage.gate.arms.has(choice)) return undefined;
    return `"${scope.state.pathAt(stage.gate.route)}" chose "${String(choice)}"`;
  }
  const { attempt: _none, ...location } = locationOf(scope, stage, 0);
  let answer: unknown;
  try {
    answer = stage.when?.(values as never);
  } catch (cause) {
    const thrown = `its condition threw: ${describeThrown(cause).message}.`;
    return new StageflowError('SF_STAGE_FAILED', { stage: stage.name, thrown }, { ...location, cause });
  }
  if (typeof answer !== 'boolean')
    return new StageflowError('SF_WHEN_INVALID', { stage: stage.name, received: describeReceived(answer) }, location);
  return answer ? undefined : 'its condition was not met';
}
