import type { AuthContext } from './auth-context.ts';
import type { TokenValidator } from './token-validator.ts';

/** The key of the run's `extensions` under which its credential stands. */
export const credentialKey = 'stageflow.auth';

/** What a credential holds. */
export type Held =
  | { readonly token: string }
  /** Somebody whom a validator has authenticated already. */
  | { readonly auth: AuthContext; readonly by: TokenValidator };

/**
 * What proves who a run is for. It stands for a token, or for who was authenticated, and gives neither away: not to stages
 * that read the extensions of their run, not printed, not as JSON.
 */
export interface Credential {
  toString(): '[credential]';
  toJSON(): '[credential]';
}

/** By the credential: nothing that can be reached from one leads to what it stands for. */
const heldBy = new WeakMap<object, Held>();
const printed: Credential = Object.freeze<Credential>({ toString: () => '[credential]', toJSON: () => '[credential]' });

/** @param held - `undefined` where the caller brought nothing. */
export function credentialOf(held: Held | undefined): Credential {
  const credential: Credential = Object.freeze(Object.create(printed));
  if (held !== undefined) heldBy.set(credential, held);
  return credential;
}

/** What a credential stands for; `undefined` where that is nothing, or it is no credential. */
export function heldIn(credential: unknown): Held | undefined {
  return typeof credential === 'object' && credential !== null ? heldBy.get(credential) : undefined;
}

/** The `extensions` of a run, or of a resume, that carry a credential. */
export type CredentialExtensions = { readonly [credentialKey]: Credential };

/**
 * The extensions that carry a token into a run whose tenant and user are known otherwise. Where they are not, see
 * {@link Authentication.identify}.
 *
 * @param authorization - The header `Authorization`, or the token alone.
 * @example
 * ```ts
 * const run = await runtime.run(chat, { text }, { tenantId, userId, extensions: bearer(request.headers.authorization) });
 * ```
 */
export function bearer(authorization: string | null | undefined): CredentialExtensions {
  const token = typeof authorization === 'string' ? authorization.replace(/^\s*bearer\s+/i, '').trim() : '';
  return { [credentialKey]: credentialOf(token === '' ? undefined : { token }) };
}
