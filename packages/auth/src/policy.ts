import { type InterceptedStage, isStageflowError, type RunIdentity, StageflowError } from '@stageflow/core';
import type { AuthContext } from './auth-context.ts';
import { organisationDenied, policyDenied, roleDenied } from './errors.ts';
import { wrongOption } from './key-set.ts';
import { thrownWithoutTokens } from './without-tokens.ts';

/** What a policy decides on. */
export interface PolicyRequest {
  readonly auth: AuthContext;
  readonly identity: RunIdentity;
  readonly pipeline: string;
  /** The stage that is about to start; `undefined` where it is about the run as a whole. */
  readonly stage: Pick<InterceptedStage, 'stage' | 'path' | 'kind' | 'tags' | 'values'> | undefined;
  /** Aborts when the run stops. */
  readonly signal: AbortSignal;
}

/** What a policy says. */
export type Decision = Allowed | Denied;

/** Made by {@link allow}. */
export interface Allowed {
  readonly allowed: true;
}

/** Made by {@link deny}. */
export interface Denied {
  readonly allowed: false;
  readonly error: StageflowError;
}

/** Says whether somebody may do something. Whatever it gives but {@link allow} denies, a throw and nothing at all included. */
export type Policy = (request: PolicyRequest) => Decision | Promise<Decision>;

const allowed: Allowed = Object.freeze({ allowed: true });

/** Lets it happen. */
export function allow(): Decision {
  return allowed;
}

/**
 * Keeps it from happening.
 *
 * @param why - A sentence, which ends up in errors and logs; or the error.
 * @example
 * ```ts
 * const ownTeam: Policy = ({ auth, stage }) =>
 *   auth.scopes.includes('teams') ? allow() : deny(`the scope "teams" is needed for ${stage?.stage}.`);
 * ```
 */
export function deny(why: string | StageflowError): Decision {
  return Object.freeze({ allowed: false, error: typeof why === 'string' ? new StageflowError(policyDenied, { why }) : why });
}

/**
 * Asks for at least one of these roles, letter by letter.
 *
 * @throws SF_OPTION_INVALID where none is given.
 */
export function requireRole(...roles: readonly string[]): Policy {
  requireSome('roles', roles);
  return ({ auth }) => (roles.some((role) => auth.roles.includes(role)) ? allow() : deny(new StageflowError(roleDenied, { roles })));
}

/** What {@link requireOrganisation} asks for: all that is given. */
export interface OrganisationRequirement {
  /** One of these organisations. */
  readonly ids?: readonly string[] | undefined;
  /** One of these plans. */
  readonly plans?: readonly string[] | undefined;
  /** Each of these features. */
  readonly features?: readonly string[] | undefined;
  /** One of these roles within the organisation. */
  readonly roles?: readonly string[] | undefined;
}

/**
 * Asks that the caller acts for an organisation, and for one of this kind.
 *
 * @throws SF_OPTION_INVALID where a list is empty.
 */
export function requireOrganisation(wanted: OrganisationRequirement = {}): Policy {
  for (const [option, list] of Object.entries(wanted)) if (list !== undefined) requireSome(option, list);
  const { ids, plans, features, roles } = wanted;
  const lacks = ({ org }: AuthContext): string | undefined => {
    if (org === undefined) return 'the caller acts for none';
    if (ids !== undefined && !ids.includes(org.id)) return 'it is not one of those that may';
    if (plans !== undefined && !plans.includes(org.plan ?? '')) return `one of these plans is needed: ${plans.join(', ')}`;
    const missing = features?.find((feature) => !org.features.includes(feature));
    if (missing !== undefined) return `it does not have the feature "${missing}"`;
    if (roles?.some((role) => org.roles.includes(role)) === false) return `one of these roles in it is needed: ${roles.join(', ')}`;
    return undefined;
  };
  return ({ auth }) => {
    const why = lacks(auth);
    return why === undefined ? allow() : deny(new StageflowError(organisationDenied, { why }));
  };
}

/** Allows what each of these allows; denies as the first that denies. */
export function allOf(...policies: readonly Policy[]): Policy {
  requireSome('policies', policies);
  return async (request) => {
    for (const policy of policies) {
      const decision = await decide(policy, request);
      if (!decision.allowed) return decision;
    }
    return allow();
  };
}

/** Allows what at least one of these allows; denies as the last that denies. */
export function anyOf(...policies: readonly Policy[]): Policy {
  requireSome('policies', policies);
  return async (request) => {
    let decision = deny('there is no policy.');
    for (const policy of policies) {
      decision = await decide(policy, request);
      if (decision.allowed) break;
    }
    return decision;
  };
}

/** Asks a policy; whatever happens, there is a decision, and what is not understood denies. */
export async function decide(policy: Policy, request: PolicyRequest): Promise<Decision> {
  try {
    const decision: unknown = await policy(request);
    const said: unknown = Object(decision)['allowed'];
    if (said === true) return allow();
    const error: unknown = Object(decision)['error'];
    return deny(said === false && isStageflowError(error) ? error : 'it has not said that it allows it.');
  } catch (thrown) {
    return deny(isStageflowError(thrown) ? thrown : `it threw ${thrownWithoutTokens(thrown)}`);
  }
}

function requireSome(option: string, list: readonly unknown[]): void {
  if (list.length === 0) throw wrongOption(option, 'a list of at least one', 'an empty list');
}
