import { type IdentityOptions, type RunIdentity, StageflowError } from '@stageflow/core';
import type { AuthContext } from './auth-context.ts';
import { type CredentialExtensions, credentialKey, credentialOf } from './credential.ts';
import { authRequired } from './errors.ts';
import type { TokenValidator } from './token-validator.ts';

/** The authenticated, by the identity of their run: an object that each activation has of its own, and nobody else can make. */
const principals = new WeakMap<RunIdentity, { readonly auth: AuthContext; readonly by: TokenValidator }>();

/** Makes somebody the caller of a run. */
export function bind(identity: RunIdentity, auth: AuthContext, by: TokenValidator): void {
  principals.set(identity, { auth, by });
}

/** What has the identity of its run: the context of a stage, what interceptors see, an ended run. */
export interface OfRun {
  readonly identity: RunIdentity;
}

/**
 * Who a run is for, as its token proved it. Of a run that was resumed: who resumed it.
 *
 * @param context - The context of a stage, or what an interceptor sees.
 * @throws SF_AUTH_REQUIRED where nobody was authenticated.
 * @example
 * ```ts
 * const orders = stage('orders', { needs: { db }, run: ({ db }, context) => db.ordersOf(authOf(context).userId) });
 * ```
 */
export function authOf(context: OfRun): AuthContext {
  return principalOf(context, 'authOf()').auth;
}

function principalOf({ identity }: OfRun, subject: string): { readonly auth: AuthContext; readonly by: TokenValidator } {
  const principal = principals.get(identity);
  if (principal === undefined) throw new StageflowError(authRequired, { subject }, { runId: identity.runId });
  return principal;
}

/** The options of a run on behalf of somebody who was authenticated; they fit a resume, too. */
export interface IdentifiedOptions extends Required<Pick<IdentityOptions, 'userId' | 'tenantId'>> {
  readonly userId: string;
  readonly extensions: CredentialExtensions;
}

/** The options of a run on behalf of `auth`. */
export function optionsFor(auth: AuthContext, by: TokenValidator): IdentifiedOptions {
  const { userId, org } = auth;
  return { userId, tenantId: org?.tenantId, extensions: { [credentialKey]: credentialOf({ auth, by }) } };
}

/**
 * The options of another run for the same caller, to be started by a stage: the token is not validated again, but its time
 * must not be over.
 *
 * @throws SF_AUTH_REQUIRED where nobody was authenticated.
 * @example
 * ```ts
 * const parts = stage('parts', {
 *   needs: { host },
 *   run: (_, context) => host.run(child, {}, { parent: context.runId, ...onBehalfOf(context) }),
 * });
 * ```
 */
export function onBehalfOf(context: OfRun): IdentifiedOptions {
  const { auth, by } = principalOf(context, 'onBehalfOf()');
  return optionsFor(auth, by);
}
