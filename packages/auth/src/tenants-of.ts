import { normalTenantId } from './tenant-id.ts';

/** The tenant that a value says it belongs to; `undefined` where it belongs to none in particular. */
export type TenantOf = (value: unknown) => string | undefined;

/** Reads the member `tenantId`, where it is a text. */
export function tenantIdMember(value: unknown): string | undefined {
  const id: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'tenantId') : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** Not `undefined`: somebody has it, and it cannot be said who. */
export const unknownTenant: unique symbol = Symbol('unknown tenant');

/** The tenants that a value, or each item of a list, belongs to, in normal form. */
export function* tenantsOf(value: unknown, tenantOf: TenantOf): Generator<string | typeof unknownTenant> {
  for (const one of Array.isArray(value) ? [value, ...value] : [value]) {
    const tenant = tenantOfOne(one, tenantOf);
    if (tenant !== undefined) yield tenant;
  }
}

function tenantOfOne(value: unknown, tenantOf: TenantOf): string | typeof unknownTenant | undefined {
  try {
    const id = tenantOf(value);
    return id === undefined ? undefined : (normalTenantId(id) ?? unknownTenant);
  } catch {
    return unknownTenant;
  }
}
