import type { DeclaredEffect, InterceptedStage } from '../interceptor.ts';
import type { DraftStage } from '../plan/draft.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { StageKind } from '../stage.ts';
import type { Attempt } from './attempt.ts';
import { AttemptContext } from './context.ts';
import type { Scope } from './scope.ts';

/** What interceptors see of a stage: what its function sees, and what it reads. */
export class InterceptedContext extends AttemptContext implements InterceptedStage {
  readonly values: Readonly<Record<string, unknown>>;
  readonly #scope: Scope;
  readonly #planned: PlannedStage;

  constructor(scope: Scope, stage: PlannedStage, values: Readonly<Record<string, unknown>>, attempt: Attempt | undefined) {
    super(scope, stage, values, attempt);
    this.values = values;
    this.#scope = scope;
    this.#planned = stage;
  }

  get kind(): StageKind {
    return this.#planned.kind;
  }
  get tags(): readonly string[] {
    return this.#planned.tags;
  }
  get clock(): Clock {
    return this.#scope.scheduler.clock;
  }
  get needs(): readonly string[] {
    const { state } = this.#scope;
    const waitedFor = this.#planned.needs.flatMap(({ stage, group }) => state.plan.groups[group]?.stages ?? [stage]);
    return Array.from(new Set(waitedFor), (index) => state.pathAt(index));
  }
  get serviceKeys(): readonly string[] {
    const { needs } = this.#scope.plan.draft.stages[this.#planned.index] as DraftStage;
    return needs.filter(({ read }) => read === 'service').map(({ key }) => key);
  }
  get effect(): DeclaredEffect | undefined {
    const { idempotencyKey, deduplicate } = this.#planned;
    if (idempotencyKey === undefined) return undefined;
    const values = this.values as never;
    return {
      key: idempotencyKey(values),
      scope: deduplicate?.scope,
      params: deduplicate?.params?.(values),
      ttlMs: deduplicate?.ttlMs,
    };
  }
}
