import type { PlannedStage } from '../../plan/plan.ts';
import type { Execution } from '../execution.ts';
import type { Scope } from '../scope.ts';
import { endingOfStage } from './ending.ts';
import { RegionExecution } from './region-execution.ts';

/** Takes the first alternative in time that has a value, and aborts the others. */
class Race extends RegionExecution {
  #left = 0;
  /** Set before what lost is aborted, which may let others end. */
  #decided = false;

  protected begin(): void {
    const { scope, region } = this;
    this.#left = region.heads.length;
    const { journal } = scope.scheduler;
    const known = journal?.restored(scope.state.pathOf(this.stage))?.outcome;
    // Who was first is not to be found out again.
    if (known?.status === 'completed') this.#loseAllBut(region.heads.findIndex(({ key }) => key === known.output));
    for (const { token } of region.gates) scope.demands?.grant(token);
    for (const [at, { stage }] of region.heads.entries()) scope.whenEnded(stage, () => this.#ended(at, stage));
  }

  #ended(at: number, index: number): void {
    if (this.over || this.#decided) return;
    const { scope, region } = this;
    const ending = endingOfStage(scope.state, index);
    this.#left--;
    if (ending.status === 'completed') {
      this.#decided = true;
      this.#remember(region.heads[at]?.key as string);
      // Before the readers start, so that what lost is aborted first.
      this.#loseAllBut(at);
      this.finish(ending);
    } else if (this.#left === 0) {
      const endings = region.heads.map((head) => endingOfStage(scope.state, head.stage));
      this.finish(endings.find(({ status }) => status !== 'skipped') ?? ending);
    }
  }

  #loseAllBut(winner: number): void {
    const { scope, stage, region } = this;
    const reason = `"${region.heads[winner]?.key}" was first in "${stage.name}"`;
    for (const [at, { gate }] of region.heads.entries()) {
      if (at !== winner) scope.demands?.deny(region.gates[gate]?.token as number, reason);
    }
  }

  #remember(winner: string): void {
    const { scope, stage } = this;
    const { journal } = scope.scheduler;
    if (journal === undefined) return;
    journal.keep(scope.state.pathOf(stage), winner);
    journal.record(scope.state, stage, { status: 'completed', output: winner });
  }
}

/** Opens a `race`. */
export function openRace(scope: Scope, stage: PlannedStage): Execution {
  return new Race(scope, stage);
}
