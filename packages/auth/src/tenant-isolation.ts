import {
  type InterceptedRun,
  type InterceptedStage,
  type Interceptor,
  type Run,
  type StageContext,
  StageflowError,
  type StageOutcome,
} from '@stageflow/core';
import { tenantMismatch, tenantMissing } from './errors.ts';
import { tenantAccessDenied, tenantAccessObserved } from './events.ts';
import { wrongOption } from './key-set.ts';
import { normalTenantId } from './tenant-id.ts';
import { TenantRecord, type TenantReport, type TenantViolation } from './tenant-report.ts';
import { type TenantOf, tenantIdMember, tenantsOf, unknownTenant } from './tenants-of.ts';

/** What {@link tenantIsolation} takes. */
export interface TenantIsolationOptions {
  /** `enforce` denies; `observe` lets everything go on, and reports what would have been denied. */
  readonly mode: 'enforce' | 'observe';
  /**
   * Says which tenant a value belongs to. Asked about each value a stage reads and about what it yields; of a list, also
   * about each item. Where it throws, the value counts as another tenant's. @default the member `tenantId`
   */
  readonly tenantOf?: TenantOf | undefined;
}

/** Something that a stage is about to touch. */
export interface TenantAccess {
  /** Whose it is. `undefined` or `null` for what all tenants share. */
  readonly tenantId: string | undefined | null;
  /** What it is, for errors and reports: `invoice 7`. */
  readonly subject: string;
}

/** Made by {@link tenantIsolation}. */
export interface TenantIsolation extends Interceptor {
  /**
   * Says that a stage is about to touch something: whether it may. Under `enforce` it throws where it may not.
   *
   * @throws SF_AUTH_TENANT_MISMATCH, SF_AUTH_TENANT_MISSING
   * @example
   * ```ts
   * const invoice = await db.invoice(id);
   * isolation.access(context, { tenantId: invoice.owner, subject: `invoice ${id}` });
   * ```
   */
  access(context: Pick<StageContext, 'identity' | 'pipeline' | 'path' | 'emit'>, access: TenantAccess): boolean;
  /** What was seen since this was made, in all runs. */
  report(): TenantReport;
}

/**
 * An interceptor that keeps each run within its tenant: it denies a run that has none, or whose parent is of another, a stage
 * that reads or yields a value of another, and what `access` is told of.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const isolation = tenantIsolation({ mode: 'enforce' });
 * const runtime = createRuntime({ pipelines: [chat], interceptors: [auth, isolation] });
 * ```
 */
export function tenantIsolation(options: TenantIsolationOptions): TenantIsolation {
  return new Isolation(options);
}

/** What a violation is about, and who is told. */
type Place = Pick<InterceptedRun, 'identity' | 'pipeline' | 'emit'> & { readonly path?: string };
type Finding = Pick<TenantViolation, 'kind' | 'subject' | 'actual'>;

class Isolation implements TenantIsolation {
  readonly name = 'tenant-isolation';
  readonly #enforces: boolean;
  readonly #tenantOf: TenantOf;
  readonly #record = new TenantRecord();
  /** Runs under way. */
  readonly #tenants = new Map<string, string>();

  constructor({ mode, tenantOf = tenantIdMember }: TenantIsolationOptions) {
    if (mode !== 'enforce' && mode !== 'observe') throw wrongOption('mode', '"enforce" or "observe"', JSON.stringify(mode) ?? 'nothing');
    this.#enforces = mode === 'enforce';
    this.#tenantOf = tenantOf;
  }

  async run(run: InterceptedRun, next: () => Promise<Run>): Promise<Run> {
    const { tenantId, parentRunId } = run.identity;
    const own = normalTenantId(tenantId);
    if (own === undefined) this.#found(run, { kind: 'missing', subject: 'The run', actual: undefined });
    else if (own !== tenantId) this.#found(run, { kind: 'run', subject: 'The run', actual: tenantId });
    if (own !== undefined) this.#record.touch(own);
    const above = parentRunId === undefined ? undefined : this.#tenants.get(parentRunId);
    if (above !== undefined && above !== own)
      this.#found(run, { kind: 'child', subject: `Its parent run "${parentRunId}"`, actual: above });
    if (own === undefined) return next();
    this.#tenants.set(run.runId, own);
    try {
      return await next();
    } finally {
      this.#tenants.delete(run.runId);
    }
  }

  async stage(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome> {
    for (const [key, value] of Object.entries(stage.values)) this.#look(stage, value, 'value', `"${key}", which "${stage.path}" reads,`);
    const outcome = await next();
    if (outcome.status === 'completed') this.#look(stage, outcome.output, 'output', `What "${stage.path}" yields`);
    return outcome;
  }

  access(context: Place, { tenantId, subject }: TenantAccess): boolean {
    if (tenantId === undefined || tenantId === null) return true;
    return this.#mayTouch(context, normalTenantId(tenantId) ?? unknownTenant, { kind: 'access', subject });
  }

  report(): TenantReport {
    return this.#record.report();
  }

  #look(place: Place, value: unknown, kind: TenantViolation['kind'], subject: string): void {
    for (const tenant of tenantsOf(value, this.#tenantOf)) this.#mayTouch(place, tenant, { kind, subject });
  }

  #mayTouch(place: Place, tenant: string | typeof unknownTenant, about: Omit<Finding, 'actual'>): boolean {
    const actual = tenant === unknownTenant ? undefined : tenant;
    if (actual !== undefined) this.#record.touch(actual);
    if (actual !== undefined && actual === normalTenantId(place.identity.tenantId)) return true;
    this.#found(place, { ...about, actual });
    return false;
  }

  /** Writes it down, tells the sinks, and where it is enforced, throws. */
  #found(place: Place, { kind, subject, actual }: Finding): void {
    const { identity, pipeline, path = '' } = place;
    const { runId } = identity;
    const expected = normalTenantId(identity.tenantId);
    this.#record.add({ kind, subject, expected, actual, runId, pipeline, path });
    place.emit(this.#enforces ? tenantAccessDenied : tenantAccessObserved, { kind, subject, expected, actual });
    if (!this.#enforces) return;
    const location = { pipeline, runId, path: path === '' ? undefined : path };
    if (expected === undefined) throw new StageflowError(tenantMissing, { subject: 'The run' }, location);
    throw new StageflowError(tenantMismatch, { subject, expected, actual: actual ?? 'unknown' }, location);
  }
}
