import { StageflowError } from '../errors.ts';
import { nearestName } from '../nearest-name.ts';
import type { Plan } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import { RunPlace } from '../run-place.ts';
import { type ActiveRuns, activeRuns, type RunRequest } from './active-runs.ts';
import { checkRules, integer } from './limit-rules.ts';
import { type ResourceOptions, type ResourcePool, type ResourceSnapshot, resourcePool } from './resource-pool.ts';

/** What the runs of one runtime may take together. */
export interface RuntimeLimits {
  /**
   * Runs under way. A run takes one place together with all runs below it; its key, which `perKey` limits, is its
   * tenant. @default no limit
   */
  readonly runs?: ResourceOptions | undefined;
  /**
   * What stages name in their option `resource`, in the order in which a stage that names several takes them. @default none
   */
  readonly resources?: Readonly<Record<string, ResourceOptions>> | undefined;
  /** How deep runs that are started below others may nest, an integer >= 1. @default 5 */
  readonly maxRunDepth?: number | undefined;
  /** Told when an overload begins or ends. What it throws is thrown to the host. @default nobody is told */
  readonly onOverload?: ((change: OverloadChange) => void) | undefined;
}

/** An overload has begun, or ended. */
export interface OverloadChange {
  /** `runs`, or `resources.` and the name: where the limit stands among the options. */
  readonly limit: string;
  readonly overloaded: boolean;
  readonly snapshot: ResourceSnapshot;
}

/** The limits of a runtime at one moment. */
export interface LimitSnapshots {
  /** `undefined` where runs have no limit. */
  readonly runs: ResourceSnapshot | undefined;
  readonly resources: Readonly<Record<string, ResourceSnapshot>>;
}

/** A resource as stages find it by its name. */
export interface NamedResource {
  readonly name: string;
  /** Its place among the resources: they are taken in this order. */
  readonly order: number;
  readonly pool: ResourcePool;
  readonly options: ResourceOptions;
}

/** The limits of one runtime at work. */
export class Limiter {
  readonly resources: ReadonlyMap<string, NamedResource>;
  readonly #runs: ActiveRuns | undefined;
  readonly #runOptions: ResourceOptions | undefined;

  /** @throws SF_OPTION_INVALID */
  constructor({ runs, resources = {}, maxRunDepth, onOverload }: RuntimeLimits, clock: Clock) {
    checkRules([integer('maxRunDepth', maxRunDepth, 1)], 'limits');
    const hostOf = (limit: string, snapshot: () => ResourceSnapshot) => ({
      clock,
      option: `limits.${limit}`,
      onOverload: onOverload && ((overloaded: boolean) => onOverload({ limit, overloaded, snapshot: snapshot() })),
    });
    const admitted: ActiveRuns | undefined =
      runs &&
      activeRuns(
        runs,
        hostOf('runs', () => (admitted as ActiveRuns).snapshot()),
      );
    this.#runs = admitted;
    this.#runOptions = runs;
    this.resources = new Map(
      Object.entries(resources).map(([name, options], order) => {
        const pool: ResourcePool = resourcePool(
          options,
          hostOf(`resources.${name}`, () => pool.snapshot()),
        );
        return [name, { name, order, pool, options }];
      }),
    );
  }

  /** Asks for a place for a run; `undefined` where runs have no limit. */
  place(request: RunRequest): RunPlace | undefined {
    return this.#runs && new RunPlace(this.#runs, this.#runOptions as ResourceOptions, request);
  }

  snapshots(): LimitSnapshots {
    const resources = Array.from(this.resources.values(), ({ name, pool }) => [name, pool.snapshot()] as const);
    return { runs: this.#runs?.snapshot(), resources: Object.fromEntries(resources) };
  }

  /** Refuses the runs that wait and those that come. Runs under way keep their place, and get what they need. */
  close(): void {
    this.#runs?.close();
  }
}

/**
 * Refuses pipelines that name a resource which is not there.
 *
 * @throws SF_RESOURCE_UNKNOWN
 */
export function checkResources(plans: Iterable<Plan>, resources: ReadonlyMap<string, NamedResource> | undefined): void {
  for (const plan of plans) checkPlan(plan, plan.name, resources);
}

/** Recurses as deep as regions are nested. */
function checkPlan(plan: Plan, pipeline: string, resources: ReadonlyMap<string, NamedResource> | undefined): void {
  for (const { name: stage, resources: uses, region } of plan.stages) {
    if (region?.body !== undefined) checkPlan(region.body, pipeline, resources);
    const missing = uses?.find(({ name }) => resources?.has(name) !== true);
    if (missing === undefined) continue;
    const nearest = nearestName(missing.name, resources?.keys() ?? []);
    throw new StageflowError('SF_RESOURCE_UNKNOWN', { stage, resource: missing.name, nearest }, { pipeline });
  }
}
