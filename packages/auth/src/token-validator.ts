import type { AuthContext } from './auth-context.ts';

/** Says who a token is of. There is no default: one that accepts everything is not part of this package. */
export interface TokenValidator {
  /** How long after its end a token still counts, milliseconds. @default 0 */
  readonly clockToleranceMs?: number | undefined;
  /**
   * Resolves to what {@link authContext} made of a valid token. Rejects for any other: with an error of this package, or
   * with anything else where it could not find out. The caller is denied either way.
   *
   * @param at.now - Epoch milliseconds, from the clock of the run.
   * @param at.signal - Aborts when the run is stopped.
   */
  validate(token: string, at: { readonly now: number; readonly signal: AbortSignal | undefined }): Promise<AuthContext>;
}
