import { StageflowError } from '@stageflow/core';
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** A set of public keys as JSON (RFC 7517). */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** How keys are fetched. */
export interface KeySetOptions {
  /** How long the key server may take, milliseconds. @default 5_000 */
  readonly timeoutMs?: number | undefined;
  /** How long after a fetch no other is made, whatever keys tokens name, milliseconds. @default 30_000 */
  readonly cooldownMs?: number | undefined;
  /** How long keys are used without asking again, milliseconds: so long a key that was withdrawn may still count. @default 600_000 */
  readonly cacheMs?: number | undefined;
}

/** Finds the key of a token. @throws SF_OPTION_INVALID */
export function keySet(jwks: string | URL | KeySet, options: KeySetOptions): JWTVerifyGetKey {
  if (!(jwks instanceof URL) && typeof jwks === 'object') return localKeySet(jwks);
  const { timeoutMs = 5_000, cooldownMs = 30_000, cacheMs = 600_000 } = options;
  return createRemoteJWKSet(keyServer(jwks), {
    timeoutDuration: Math.ceil(duration('timeoutMs', timeoutMs)),
    cooldownDuration: duration('cooldownMs', cooldownMs),
    cacheMaxAge: duration('cacheMs', cacheMs),
  });
}

function localKeySet(jwks: KeySet): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(jwks as unknown as JSONWebKeySet);
  } catch {
    throw wrongOption('jwks', 'a URL or a JSON Web Key Set', 'something else');
  }
}

/** Keys that come over a line that others can write to are no keys. */
function keyServer(jwks: string | URL): URL {
  const url = URL.canParse(String(jwks)) ? new URL(jwks) : undefined;
  const isLoopback = url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback))) return url;
  throw wrongOption('jwks', 'a URL with https (http on loopback alone) or a JSON Web Key Set', JSON.stringify(String(jwks)));
}

/** @throws SF_OPTION_INVALID */
export function duration(option: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw wrongOption(option, 'a finite number of milliseconds, at least 0', String(ms));
}

/** An option that cannot be used. */
export function wrongOption(option: string, expected: string, received: string): StageflowError {
  return new StageflowError('SF_OPTION_INVALID', { option, expected, received });
}
