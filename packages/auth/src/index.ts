export { type AuthContext, type AuthFields, authContext, type OrgContext, type OrgFields } from './auth-context.ts';
export { type Authentication, type AuthenticationOptions, authentication, type ResumeRequest } from './authentication.ts';
export { type AuthorizationOptions, authorization } from './authorization.ts';
export { type Claims, standardClaims } from './claims.ts';
export { bearer, type Credential, type CredentialExtensions } from './credential.ts';
export {
  authRequired,
  authUnavailable,
  type InvalidTokenReason,
  identityMismatch,
  organisationDenied,
  policyDenied,
  roleDenied,
  sealBroken,
  tenantMismatch,
  tenantMissing,
  tokenInvalid,
  tokenMissing,
} from './errors.ts';
export {
  type AuthDenied,
  type AuthFailure,
  type AuthLogin,
  authDenied,
  authFailure,
  authLogin,
  type TenantTouched,
  tenantAccessDenied,
  tenantAccessObserved,
} from './events.ts';
export { type JwtValidatorOptions, jwtValidator, type SignatureAlgorithm } from './jwt-validator.ts';
export type { KeySet, KeySetOptions } from './key-set.ts';
export {
  type Allowed,
  allOf,
  allow,
  anyOf,
  type Decision,
  type Denied,
  deny,
  type OrganisationRequirement,
  type Policy,
  type PolicyRequest,
  requireOrganisation,
  requireRole,
} from './policy.ts';
export { authOf, type IdentifiedOptions, type OfRun, onBehalfOf } from './principal.ts';
export { type SealOptions, sealed } from './sealed.ts';
export { normalTenantId } from './tenant-id.ts';
export { type TenantAccess, type TenantIsolation, type TenantIsolationOptions, tenantIsolation } from './tenant-isolation.ts';
export type { TenantReport, TenantViolation } from './tenant-report.ts';
export { tenantScoped } from './tenant-scoped.ts';
export type { TenantOf } from './tenants-of.ts';
export type { TokenValidator } from './token-validator.ts';
