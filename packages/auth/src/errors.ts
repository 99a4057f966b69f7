import { defineError, type ErrorDefinition } from '@stageflow/core';

/** Why a token was refused. */
export type InvalidTokenReason =
  /** Not a signed JWT, or one that says a thing twice. */
  | 'malformed'
  /** Longer than any token that is meant. */
  | 'too_long'
  /** Signed with an algorithm that is not allowed, `none` included. */
  | 'algorithm'
  /** Signed with a key that the key set does not hold, or holds more than once. */
  | 'key'
  /** The signature is not that of the key. */
  | 'signature'
  /** Asks the reader to understand something that this one does not. */
  | 'unsupported'
  /** Made for another purpose: its header says another `typ`. */
  | 'type'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  /** A claim is missing, or is not what it has to be. */
  | 'claims';

/** The run was given no token. */
export const tokenMissing: ErrorDefinition<'SF_AUTH_TOKEN_MISSING', { readonly subject: string }> = defineError('SF_AUTH_TOKEN_MISSING', {
  message: ({ subject }: { readonly subject: string }) => `${subject} was given no token.`,
  hint: () => 'Give the run the options of `auth.identify(header)`, or `extensions: bearer(header)`; a resume needs a token of its own.',
});

/** The run was given a token that is not valid. */
export const tokenInvalid: ErrorDefinition<'SF_AUTH_TOKEN_INVALID', { readonly reason: InvalidTokenReason; readonly why: string }> =
  defineError('SF_AUTH_TOKEN_INVALID', {
    message: ({ reason, why }: { readonly reason: InvalidTokenReason; readonly why: string }) =>
      `The token was refused (${reason}): ${why}.`,
    hint: () => 'Ask the caller for a fresh token of the issuer, meant for this audience.',
  });

/** Whether the token is valid could not be found out: it counts as not valid. */
export const authUnavailable: ErrorDefinition<'SF_AUTH_UNAVAILABLE', { readonly why: string }> = defineError('SF_AUTH_UNAVAILABLE', {
  message: ({ why }: { readonly why: string }) => `The token could not be checked, so it was refused: ${why}`,
  hint: () => 'See whether the key server of the issuer can be reached and answers; the same call may succeed later.',
  retryable: true,
});

/** The run is for another user than its token. */
export const identityMismatch: ErrorDefinition<
  'SF_AUTH_IDENTITY_MISMATCH',
  { readonly expected: string | undefined; readonly actual: string }
> = defineError('SF_AUTH_IDENTITY_MISMATCH', {
  message: ({ expected, actual }: { readonly expected: string | undefined; readonly actual: string }) =>
    `The run is for ${expected === undefined ? 'no user' : `user "${expected}"`}, its token is of user "${actual}".`,
  hint: () => 'Start the run with the options of `auth.identify(header)`. Who else may resume it is said by `mayResume`.',
});

/** A tenant is needed, and there is none. */
export const tenantMissing: ErrorDefinition<'SF_AUTH_TENANT_MISSING', { readonly subject: string }> = defineError(
  'SF_AUTH_TENANT_MISSING',
  {
    message: ({ subject }: { readonly subject: string }) => `${subject} names no tenant.`,
    hint: () => 'Give `tenantId`, in normal form: `normalTenantId(id)`. Nothing is open to everyone by leaving it out.',
  },
);

/** Something of one tenant was asked for on behalf of another. */
export const tenantMismatch: ErrorDefinition<
  'SF_AUTH_TENANT_MISMATCH',
  { readonly subject: string; readonly expected: string | undefined; readonly actual: string }
> = defineError('SF_AUTH_TENANT_MISMATCH', {
  message: ({ subject, expected, actual }: { readonly subject: string; readonly expected: string | undefined; readonly actual: string }) =>
    `${subject} is of tenant "${actual}", on behalf of ${expected === undefined ? 'no tenant' : `tenant "${expected}"`}.`,
  hint: () => 'Look at where the id came from. Ids that differ in spaces or Unicode form are made equal by `normalTenantId(id)`.',
});

/** A role is needed that the caller does not have. */
export const roleDenied: ErrorDefinition<'SF_AUTH_ROLE_DENIED', { readonly roles: readonly string[] }> = defineError(
  'SF_AUTH_ROLE_DENIED',
  {
    message: ({ roles }: { readonly roles: readonly string[] }) => `The caller has none of the roles that are needed: ${roles.join(', ')}.`,
    hint: () => 'Give the caller one of them at the issuer; a token that was issued before does not have it.',
  },
);

/** The organisation of the caller is not one that may do this. */
export const organisationDenied: ErrorDefinition<'SF_AUTH_ORGANISATION_DENIED', { readonly why: string }> = defineError(
  'SF_AUTH_ORGANISATION_DENIED',
  {
    message: ({ why }: { readonly why: string }) => `The organisation of the caller may not do this: ${why}.`,
    hint: () => 'Look at the claims about the organisation in the token, and at what `requireOrganisation` asks for.',
  },
);

/** A policy of the host said no, or said nothing that could be understood. */
export const policyDenied: ErrorDefinition<'SF_AUTH_DENIED', { readonly why: string }> = defineError('SF_AUTH_DENIED', {
  message: ({ why }: { readonly why: string }) => `The policy denies this: ${why}`,
  hint: () => 'A policy allows only by returning `allow()`. One that throws or returns anything else denies.',
});

/** Something asks who the caller is, where nobody was authenticated. */
export const authRequired: ErrorDefinition<'SF_AUTH_REQUIRED', { readonly subject: string }> = defineError('SF_AUTH_REQUIRED', {
  message: ({ subject }: { readonly subject: string }) => `${subject} needs an authenticated run, and nobody has authenticated this one.`,
  hint: () => 'Put `authentication(…)` first among the interceptors of the runtime, before what asks for the caller.',
});

/** What a store gave back is not what was kept. */
export const sealBroken: ErrorDefinition<'SF_AUTH_SEAL_BROKEN', { readonly runId: string; readonly why: string }> = defineError(
  'SF_AUTH_SEAL_BROKEN',
  {
    message: ({ runId, why }: { readonly runId: string; readonly why: string }) =>
      `What the store has of run "${runId}" is not what was kept: ${why}.`,
    hint: () => 'Somebody has changed it, or the keys of `sealed` were. Keep the old key in the list until its runs have ended.',
  },
);
