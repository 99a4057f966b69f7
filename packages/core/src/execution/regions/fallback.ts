import type { PlannedStage } from '../../plan/plan.ts';
import type { Execution } from '../execution.ts';
import type { Scope } from '../scope.ts';
import { endingOfStage } from './ending.ts';
import { RegionExecution } from './region-execution.ts';

/** Takes the first alternative that has a value, and asks for the next only when the one before has none. */
class Fallback extends RegionExecution {
  protected begin(): void {
    this.#try(0);
  }

  #try(at: number): void {
    const { scope, region } = this;
    const { stage, gate } = region.heads[at] as (typeof region.heads)[number];
    if (gate !== -1) scope.demands?.grant(region.gates[gate]?.token as number);
    scope.whenEnded(stage, () => {
      if (this.over) return;
      const ending = endingOfStage(scope.state, stage);
      if (ending.status === 'completed' || ending.status === 'cancelled' || at === region.heads.length - 1) this.finish(ending);
      else this.#try(at + 1);
    });
  }
}

/** Opens a `fallback`. */
export function openFallback(scope: Scope, stage: PlannedStage): Execution {
  return new Fallback(scope, stage);
}
