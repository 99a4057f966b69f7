/** What was touched that is of another tenant, or that a run has no tenant. */
export interface TenantViolation {
  readonly kind: 'missing' | 'run' | 'child' | 'value' | 'output' | 'access';
  /** What it was, in words. */
  readonly subject: string;
  /** Whose run it is; `undefined` where it has no tenant. */
  readonly expected: string | undefined;
  /** Whose it was; `undefined` where it could not be found out, or there is none. */
  readonly actual: string | undefined;
  readonly runId: string;
  readonly pipeline: string;
  /** Of the stage; empty where it is about the run as a whole. */
  readonly path: string;
}

/** What {@link tenantIsolation} has seen since it was made. */
export interface TenantReport {
  /** Every tenant that a run was for or that something touched belonged to, in the order they were seen; the first 1,000. */
  readonly tenants: readonly string[];
  /** The newest 1,000. */
  readonly violations: readonly TenantViolation[];
  /** All there were. */
  readonly violationCount: number;
  readonly isIsolated: boolean;
}

/** How many tenants and violations are kept: whoever sends ids must not fill the memory. */
const kept = 1_000;

/** Writes down which tenants were touched. */
export class TenantRecord {
  readonly #tenants = new Set<string>();
  readonly #violations: TenantViolation[] = [];
  #count = 0;

  touch(tenantId: string): void {
    if (this.#tenants.size < kept) this.#tenants.add(tenantId);
  }

  add(violation: TenantViolation): void {
    this.#count++;
    this.#violations.push(Object.freeze(violation));
    if (this.#violations.length > kept) this.#violations.shift();
  }

  report(): TenantReport {
    return {
      tenants: [...this.#tenants],
      violations: [...this.#violations],
      violationCount: this.#count,
      isIsolated: this.#count === 0,
    };
  }
}
