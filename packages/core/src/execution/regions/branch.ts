import { StageflowError } from '../../errors.ts';
import type { SkippedOutcome } from '../../outcome.ts';
import type { PlannedStage } from '../../plan/plan.ts';
import { describeReceived } from '../../schema.ts';
import type { Execution } from '../execution.ts';
import { joinOn } from '../join.ts';
import type { Scope } from '../scope.ts';
import { locationOf } from '../stage-endings.ts';
import { endingOfStage } from './ending.ts';
import { RegionExecution } from './region-execution.ts';

/** Lets the arm that the route chose start, and yields what it yields. */
class Branch extends RegionExecution {
  readonly #choice: unknown;

  constructor(scope: Scope, stage: PlannedStage, choice: unknown) {
    super(scope, stage);
    this.#choice = choice;
  }

  protected begin(): void {
    const { scope, stage, region } = this;
    const arm = region.heads.find(({ key }) => key === this.#choice);
    for (const { key, gate } of region.heads) {
      const token = region.gates[gate]?.token as number;
      if (key !== arm?.key) scope.demands?.deny(token, `"${stage.name}" took "${String(this.#choice)}"`);
    }
    if (arm === undefined) {
      const expected = region.heads.map(({ key }) => `"${key}"`).join(', ');
      const details = { stage: stage.name, received: `${describeReceived(this.#choice)}, for which it has no arm (${expected})` };
      return this.finish({ status: 'failed', error: new StageflowError('SF_ROUTE_INVALID', details, locationOf(scope, stage, 1)) });
    }
    scope.demands?.grant(region.gates[arm.gate]?.token as number);
    scope.whenEnded(arm.stage, () => this.#follow(arm.stage));
  }

  #follow(arm: number): void {
    const outcome: SkippedOutcome | undefined = joinOn(arm, this.scope.state);
    if (outcome?.rootCause !== undefined) this.finish({ status: 'doomed', outcome });
    else this.finish(endingOfStage(this.scope.state, arm));
  }
}

/** Opens a `branch`. */
export function openBranch(scope: Scope, stage: PlannedStage, { route }: Readonly<Record<string, unknown>>): Execution {
  return new Branch(scope, stage, route);
}
