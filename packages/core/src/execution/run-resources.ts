import { StageflowError } from '../errors.ts';
import type { ResourceUse } from '../limits/resource-use.ts';
import type { NamedResource } from '../limits/runtime-limits.ts';
import { nearestName } from '../nearest-name.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { gatherValues } from './gather-values.ts';
import { ResourcedExecution } from './resourced-execution.ts';
import type { Scope } from './scope.ts';
import { SlotClaim, type SlotWish } from './slot-claim.ts';
import { locationOf, stageFailed } from './stage-endings.ts';

/** Priorities are sums, and a pool takes only what its arithmetic keeps exact. */
const highestPriority = 1_000_000;

/** The resources of a runtime as the stages of one run take them. */
export class RunResources {
  readonly #resources: ReadonlyMap<string, NamedResource>;
  readonly #priority: number;
  /** What stages hold, or have asked for, by scope and index: those that they call take none of it again. */
  readonly #claims = new Map<Scope, Map<number, SlotClaim>>();

  /** @param priority - That of the run. */
  constructor(resources: ReadonlyMap<string, NamedResource>, priority: number) {
    this.#resources = resources;
    this.#priority = priority;
  }

  /**
   * Begins a stage that names resources: once it has its slots, unless interceptors stand around it, which begin before
   * and stand around the wait.
   */
  begin(scope: Scope, stage: PlannedStage, values: Readonly<Record<string, unknown>>): void {
    const around = scope.scheduler.interceptors?.of(scope.plan, stage);
    const execution = new ResourcedExecution(this, scope, stage, around?.attempt);
    if (around?.stage === undefined) execution.queue(() => scope.launch(stage, values, execution));
    else scope.launch(stage, values, execution);
  }

  /** What the next attempt of a stage has to take; an error where it cannot be had. */
  claim(scope: Scope, stage: PlannedStage, attempt: number): SlotClaim | StageflowError {
    const held = this.#heldAbove(scope);
    const wishes: SlotWish[] = [];
    for (const use of stage.resources as readonly ResourceUse[]) {
      const resource = this.#resources.get(use.name);
      if (resource === undefined) return this.#unknown(scope, stage, use.name, attempt);
      if (held.some(({ name }) => name === use.name)) continue;
      const later = held.find(({ order }) => order > resource.order);
      if (later !== undefined) {
        const details = { stage: stage.name, resource: use.name, held: later.name };
        return new StageflowError('SF_RESOURCE_ORDER', details, locationOf(scope, stage, attempt));
      }
      const priority = Math.max(-highestPriority, Math.min(highestPriority, this.#priority + (use.priority ?? 0)));
      try {
        wishes.push({ resource, key: keyOf(scope, stage, use), priority });
      } catch (thrown) {
        return stageFailed(scope, stage, thrown, attempt);
      }
    }
    return new SlotClaim(wishes.sort((one, other) => one.resource.order - other.resource.order));
  }

  /** From here on, what the stage calls finds what it holds. */
  keep(scope: Scope, index: number, claim: SlotClaim): void {
    const claims = this.#claims.get(scope) ?? new Map<number, SlotClaim>();
    this.#claims.set(scope, claims.set(index, claim));
  }

  forget(scope: Scope, index: number): void {
    const claims = this.#claims.get(scope);
    claims?.delete(index);
    if (claims?.size === 0) this.#claims.delete(scope);
  }

  /** What the stages hold that a scope is called from, directly or through others. */
  #heldAbove(scope: Scope): readonly NamedResource[] {
    const held: NamedResource[] = [];
    for (let at = scope.caller; at !== undefined; at = at.scope.caller) {
      held.push(...(this.#claims.get(at.scope)?.get(at.index)?.resources ?? []));
    }
    return held;
  }

  #unknown(scope: Scope, stage: PlannedStage, resource: string, attempt: number): StageflowError {
    const nearest = nearestName(resource, this.#resources.keys());
    return new StageflowError('SF_RESOURCE_UNKNOWN', { stage: stage.name, resource, nearest }, locationOf(scope, stage, attempt));
  }
}

function keyOf(scope: Scope, stage: PlannedStage, use: ResourceUse): string | undefined {
  const { options, state } = scope.scheduler;
  return use.key === undefined ? options.tenantId : use.key(gatherValues(stage, scope.state), state.identity);
}
