import { summarizeError } from '../error-summary.ts';
import { describeThrown, StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { stageFields } from './emitter.ts';
import type { Scheduler } from './scheduler.ts';
import type { Scope } from './scope.ts';
import { locationOf } from './stage-endings.ts';

/** The cleanups of one run: last in first out, one at a time, within one budget. */
export class Cleanups {
  readonly #scheduler: Scheduler;
  readonly #registered: { readonly scope: Scope; readonly stage: PlannedStage; readonly cleanup: () => unknown }[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(scope: Scope, stage: PlannedStage, cleanup: () => unknown): void {
    this.#registered.push({ scope, stage, cleanup });
  }

  /** Never rejects. What is registered meanwhile runs as well; what the budget does not reach is reported as failed. */
  async run(budgetMs: number): Promise<void> {
    let overdue = false;
    let ring!: () => void;
    const alarm = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const timer = this.#scheduler.clock.schedule(() => {
      overdue = true;
      ring();
    }, budgetMs);
    for (let entry = this.#registered.pop(); entry !== undefined; entry = this.#registered.pop()) {
      const { scope, stage, cleanup } = entry;
      if (overdue) {
        this.#report(scope, stage, new Error(`the budget of ${budgetMs} ms was spent before it could run`));
        continue;
      }
      try {
        await Promise.race([cleanup(), alarm]);
        if (overdue) this.#report(scope, stage, new Error(`it did not finish within the budget of ${budgetMs} ms`));
      } catch (error) {
        this.#report(scope, stage, error);
      }
    }
    timer.cancel();
  }

  #report(scope: Scope, stage: PlannedStage, cause: unknown): void {
    const scheduler = this.#scheduler;
    const attempt = scope.state.attemptsOf(stage.index);
    const details = { stage: stage.name, why: describeThrown(cause).message };
    const error = new StageflowError('SF_CLEANUP_FAILED', details, { ...locationOf(scope, stage, attempt), cause });
    scheduler.state.cleanupErrors ??= [];
    scheduler.state.cleanupErrors.push(error);
    scheduler.emit({ type: 'cleanup.failed', ...stageFields(scope.state, stage, attempt), error: summarizeError(error) });
  }
}
