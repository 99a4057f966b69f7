import type { InterceptedStage } from '../interceptor.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { StageKind } from '../stage.ts';
import type { Attempt } from './attempt.ts';
import { AttemptContext } from './context.ts';
import type { Scope } from './scope.ts';
import type { ScopeState } from './scope-state.ts';

/** What interceptors see of a stage: what its function sees, and what it reads. */
export class InterceptedContext extends AttemptContext implements InterceptedStage {
  readonly kind: StageKind;
  readonly tags: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly #state: ScopeState;
  readonly #planned: PlannedStage;

  constructor(scope: Scope, stage: PlannedStage, values: Readonly<Record<string, unknown>>, attempt: Attempt | undefined) {
    super(scope, stage, values, attempt);
    this.kind = stage.kind;
    this.tags = stage.tags;
    this.values = values;
    this.#state = scope.state;
    this.#planned = stage;
  }

  get needs(): readonly string[] {
    const { groups } = this.#state.plan;
    const waitedFor = this.#planned.needs.flatMap(({ stage, group }) => groups[group]?.stages ?? [stage]);
    return Array.from(new Set(waitedFor), (index) => this.#state.pathAt(index));
  }
}
