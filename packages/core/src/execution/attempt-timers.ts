import { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import type { Attempt } from './attempt.ts';
import type { Scope } from './scope.ts';
import { locationOf } from './stage-endings.ts';

/** The limits of one attempt at a time: its own, what is left of the stage's budget, and its signs of life. */
export class AttemptTimers {
  readonly #scope: Scope;
  readonly #stage: PlannedStage;
  readonly #giveUp: (attempt: Attempt, error: StageflowError) => void;
  #limit: Timer | undefined;
  #idle: Timer | undefined;

  /** @param giveUp - Told when a limit has passed. */
  constructor(scope: Scope, stage: PlannedStage, giveUp: (attempt: Attempt, error: StageflowError) => void) {
    this.#scope = scope;
    this.#stage = stage;
    this.#giveUp = giveUp;
  }

  /** @param activeMs - Milliseconds that earlier attempts took. */
  set(attempt: Attempt, activeMs: number): void {
    const { timeoutMs, budgetMs, idleMs, name } = this.#stage;
    const { clock } = this.#scope.scheduler;
    const where = locationOf(this.#scope, this.#stage, attempt.number);
    const budgetLeftMs = budgetMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, budgetMs - activeMs);
    if (timeoutMs !== undefined && timeoutMs <= budgetLeftMs) {
      const give = () => this.#giveUp(attempt, new StageflowError('SF_STAGE_TIMEOUT', { stage: name, timeoutMs, overrunMs: 0 }, where));
      this.#limit = clock.schedule(give, timeoutMs);
    } else if (budgetMs !== undefined) {
      const give = () => this.#giveUp(attempt, new StageflowError('SF_STAGE_BUDGET', { stage: name, budgetMs }, where));
      this.#limit = clock.schedule(give, budgetLeftMs);
    }
    if (idleMs !== undefined) this.#watchForIdleness(attempt, idleMs, idleMs);
  }

  cancel(): void {
    this.#limit?.cancel();
    this.#idle?.cancel();
  }

  #watchForIdleness(attempt: Attempt, idleMs: number, waitMs: number): void {
    const { clock } = this.#scope.scheduler;
    this.#idle = clock.schedule(() => {
      const leftMs = attempt.lastSignMono + idleMs - clock.monotonic();
      if (leftMs > 0) return this.#watchForIdleness(attempt, idleMs, leftMs);
      const location = locationOf(this.#scope, this.#stage, attempt.number);
      this.#giveUp(attempt, new StageflowError('SF_STAGE_IDLE', { stage: this.#stage.name, idleMs }, location));
    }, waitMs);
  }
}
