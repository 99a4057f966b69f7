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
 * What proves who a run is for. It holds a token, or who was authenticated, and gives neither away: not to stages that read
 * the extensions of their run, not printed, not as JSON.
 */
export class Credential {
  readonly #held: Held | undefined;

  /** @param held - `undefined` where the caller brought nothing. */
  constructor(held: Held | undefined) {
    this.#held = held;
    Object.freeze(this);
  }

  /** What is in it; `undefined` where it is empty, or is no credential. For this package alone. */
  static held(credential: unknown): Held | undefined {
    return typeof credential === 'object' && credential !== null && #held in credential ? credential.#held : undefined;
  }

  toString(): string {
    return '[credential]';
  }

  toJSON(): string {
    return '[credential]';
  }
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
  return { [credentialKey]: new Credential(token === '' ? undefined : { token }) };
}
