import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Attempt } from './attempt.ts';
import type { Scope } from './scope.ts';
import { locationOf } from './stage-endings.ts';

/**
 * The limit that an attempt has passed, also where its function held the thread so that no timer could say so.
 *
 * @param activeMs - Milliseconds that earlier attempts took.
 */
export function overrun(scope: Scope, stage: PlannedStage, attempt: Attempt, activeMs: number): StageflowError | undefined {
  const { timeoutMs, idleMs, budgetMs, name } = stage;
  if (attempt.givenUp !== undefined || scope.stopped !== undefined) return attempt.givenUp;
  if (timeoutMs === undefined && idleMs === undefined && budgetMs === undefined) return undefined;
  const nowMono = scope.scheduler.clock.monotonic();
  const spentMs = nowMono - attempt.startedMono;
  const location = locationOf(scope, stage, attempt.number);
  if (timeoutMs !== undefined && spentMs > timeoutMs) {
    return new StageflowError('SF_STAGE_TIMEOUT', { stage: name, timeoutMs, overrunMs: Math.ceil(spentMs - timeoutMs) }, location);
  }
  if (budgetMs !== undefined && activeMs + spentMs > budgetMs)
    return new StageflowError('SF_STAGE_BUDGET', { stage: name, budgetMs }, location);
  if (idleMs !== undefined && nowMono - attempt.lastSignMono > idleMs)
    return new StageflowError('SF_STAGE_IDLE', { stage: name, idleMs }, location);
  return undefined;
}
