import type { PlannedStage } from '../plan/plan.ts';
import { backoffDelayMs, retryAfterMs } from '../retry.ts';
import type { Attempt } from './attempt.ts';
import type { FailedAttempt } from './attempt-end.ts';
import type { Scope } from './scope.ts';

/** What earlier attempts of a stage have used up. */
interface Spent {
  /** Milliseconds in attempts. */
  readonly activeMs: number;
  readonly previousWaitMs: number;
}

/** Milliseconds until the next attempt, or `undefined` where this was the last. */
export function retryDelayMs(
  scope: Scope,
  stage: PlannedStage,
  attempt: Attempt,
  failure: FailedAttempt,
  spent: Spent,
): number | undefined {
  if (!mayTryAgain(scope, stage, attempt.number)) return undefined;
  const { options, clock } = scope.scheduler;
  const askedMs = askedDelayMs(stage, attempt.number, failure, spent.activeMs, () => clock.now());
  return askedMs === undefined
    ? undefined
    : nextDelayMs(stage, attempt.number, askedMs, spent.previousWaitMs, options.random ?? Math.random);
}

/** Whether the policy of a stage and its scope leave room for another attempt. */
export function mayTryAgain({ stopped }: Scope, { retry }: PlannedStage, attempt: number): boolean {
  return retry !== undefined && stopped === undefined && attempt < retry.attempts;
}

/** How long what went wrong asks to wait, in milliseconds: 0 where it does not say; `undefined` where it is not worth another attempt. */
export function askedDelayMs(
  { retry, kind, idempotencyKey, budgetMs }: PlannedStage,
  attempt: number,
  { thrown, afterMs, retryable, unsettled }: FailedAttempt,
  activeMs: number,
  now: () => number,
): number | undefined {
  if (retry === undefined || retryable === false || (budgetMs !== undefined && activeMs >= budgetMs)) return undefined;
  if (unsettled === true && kind === 'work' && idempotencyKey === undefined) return undefined;
  try {
    if (!retry.when(thrown, attempt)) return undefined;
    return afterMs ?? retryAfterMs(thrown, now()) ?? 0;
  } catch {
    // A classifier that throws, or an error whose members do, has not said that another attempt is worth while.
    return undefined;
  }
}

/** The wait before the next attempt: that of the policy, or what was asked, within the policy's bound, where that is longer. */
export function nextDelayMs(
  { retry }: PlannedStage,
  attempt: number,
  askedMs: number,
  previousWaitMs: number,
  random: () => number,
): number {
  const policy = retry as NonNullable<PlannedStage['retry']>;
  const backoffMs = backoffDelayMs(policy, attempt, previousWaitMs, random());
  return Math.max(backoffMs, Math.min(policy.maxMs, Number.isFinite(askedMs) ? Math.max(0, askedMs) : 0));
}
