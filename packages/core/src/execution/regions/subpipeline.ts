import { StageflowError } from '../../errors.ts';
import type { Plan, PlannedStage } from '../../plan/plan.ts';
import type { Execution } from '../execution.ts';
import { readInputs } from '../read-inputs.ts';
import { endingOf } from '../result.ts';
import type { Scope } from '../scope.ts';
import type { ScopeState } from '../scope-state.ts';
import { locationOf } from '../stage-endings.ts';
import { ScopedRegion } from './scoped-region.ts';

/** Opens one scope with the plan of another pipeline, and yields its outputs. */
class Nesting extends ScopedRegion {
  readonly #given: Readonly<Record<string, unknown>>;

  constructor(scope: Scope, stage: PlannedStage, given: Readonly<Record<string, unknown>>) {
    super(scope, stage);
    this.#given = given;
  }

  protected begin(): void {
    const plan = this.region.body as Plan;
    const slots: unknown[] = [];
    let pending: Promise<void> | undefined;
    try {
      pending = readInputs(plan, this.#given, slots, locationOf(this.scope, this.stage, 1));
    } catch (error) {
      return this.finish({ status: 'failed', error: error as StageflowError });
    }
    if (pending === undefined) return this.#open(slots);
    // What comes after an await would be asked for between two ends.
    if (this.scope.scheduler.drive !== undefined) {
      pending.catch(() => undefined);
      return this.finish({ status: 'failed', error: this.#isDriven() });
    }
    pending.then(
      () => this.#open(slots),
      (error) => this.finish({ status: 'failed', error: error as StageflowError }),
    );
  }

  #isDriven(): StageflowError {
    const { scope, stage } = this;
    return new StageflowError('SF_SCHEMA_ASYNC', { subject: `the input of "${stage.name}" in a driven run` }, locationOf(scope, stage, 1));
  }

  #open(inputs: readonly unknown[]): void {
    if (this.over) return;
    const give = ({ slots }: ScopeState): void => {
      for (const [slot, value] of inputs.entries()) if (value !== undefined) slots[slot] = value;
    };
    this.openScope('', give, (ended) => this.finish(endingOf(ended)));
    this.scope.scheduler.drain();
  }
}

/** Opens a `subpipeline`; `given` are the inputs of the nested pipeline. */
export function openSubpipeline(scope: Scope, stage: PlannedStage, given: Readonly<Record<string, unknown>>): Execution {
  return new Nesting(scope, stage, given);
}
