import type { AuthFields, OrgFields } from './auth-context.ts';

/** The claims of a token whose signature, issuer, audience and times were checked. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * What {@link authContext} is made of where `jwtValidator` is not told otherwise: `sub`, `sid`, `email`, `roles`, `scope` (or
 * `scp`), `org_id` and `tenant_id` (either stands for the other), `plan`, `features`, `org_roles`, `iss`, `iat`, `exp`. They
 * are checked afterwards, so a claim of another type refuses the token.
 */
export function standardClaims(claims: Claims): AuthFields {
  const scopes = claims['scope'] ?? claims['scp'];
  const fields = {
    userId: claims['sub'],
    sessionId: claims['sid'],
    email: claims['email'],
    org: org(claims),
    roles: claims['roles'],
    scopes: typeof scopes === 'string' ? scopes.split(' ').filter((scope) => scope !== '') : scopes,
    issuer: claims['iss'],
    issuedAt: milliseconds(claims['iat']),
    expiresAt: milliseconds(claims['exp']),
  };
  return fields as AuthFields;
}

function org(claims: Claims): OrgFields | undefined {
  const { org_id: id, tenant_id: tenantId, plan, features, org_roles: roles } = claims;
  if (id === undefined && tenantId === undefined) return undefined;
  return { id: id ?? tenantId, tenantId: tenantId ?? id, plan, features, roles } as OrgFields;
}

function milliseconds(seconds: unknown): unknown {
  return typeof seconds === 'number' ? seconds * 1000 : seconds;
}
