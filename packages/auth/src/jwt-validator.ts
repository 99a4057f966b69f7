import { StageflowError } from '@stageflow/core';
import { type JWTVerifyGetKey, jwtVerify, type ProtectedHeaderParameters } from 'jose';
import { type AuthContext, type AuthFields, authContext } from './auth-context.ts';
import { type Claims, standardClaims } from './claims.ts';
import { tokenInvalid } from './errors.ts';
import { checkShape } from './jwt-shape.ts';
import { duration, type KeySet, type KeySetOptions, keySet, wrongOption } from './key-set.ts';
import { tokenFailure } from './token-failure.ts';
import type { TokenValidator } from './token-validator.ts';

const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;

/** What a token may be signed with. Algorithms with a shared secret are none of these: whoever checks could sign as well. */
export type SignatureAlgorithm = (typeof asymmetric)[number];

/** What {@link jwtValidator} takes. */
export interface JwtValidatorOptions extends KeySetOptions {
  /** Where the issuer publishes its keys, or the keys. */
  readonly jwks: string | URL | KeySet;
  /** Whose tokens count: the claim `iss`, exactly. */
  readonly issuer: string | readonly string[];
  /** Whom they have to be meant for: one of these in the claim `aud`. */
  readonly audience: string | readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  /** How far the clocks of issuer and host may differ, milliseconds; counted in whole seconds. @default 5_000 */
  readonly clockToleranceMs?: number | undefined;
  /** The `typ` that the header of a token must have. @default `JWT`, `at+jwt`, or none */
  readonly type?: string | undefined;
  /** Reads claims of another shape than {@link standardClaims} does. Asked once everything else was checked. */
  readonly claims?: ((claims: Claims) => AuthFields) | undefined;
}

/**
 * Accepts JSON Web Tokens that an issuer signed, by its published keys. Keys are fetched when they are first needed, and again
 * when a token names one that is not known, at most once in `cooldownMs`. A key server that is away, hangs or answers nonsense
 * refuses every token whose key is not known.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const validator = jwtValidator({
 *   jwks: 'https://id.example.com/.well-known/jwks.json',
 *   issuer: 'https://id.example.com/',
 *   audience: 'chat',
 *   algorithms: ['RS256'],
 * });
 * ```
 */
export function jwtValidator(options: JwtValidatorOptions): TokenValidator {
  return new JwtValidator(options);
}

class JwtValidator implements TokenValidator {
  readonly clockToleranceMs: number;
  readonly #key: JWTVerifyGetKey;
  readonly #issuer: string[];
  readonly #audience: string[];
  readonly #algorithms: string[];
  readonly #type: string | undefined;
  readonly #read: (claims: Claims) => AuthFields;

  constructor(options: JwtValidatorOptions) {
    this.clockToleranceMs = duration('clockToleranceMs', options.clockToleranceMs ?? 5_000);
    this.#key = keySet(options.jwks, options);
    this.#issuer = names('issuer', options.issuer);
    this.#audience = names('audience', options.audience);
    this.#algorithms = names('algorithms', options.algorithms);
    const foreign = this.#algorithms.find((algorithm) => !(asymmetric as readonly string[]).includes(algorithm));
    if (foreign !== undefined) throw wrongOption('algorithms', `some of ${asymmetric.join(', ')}`, JSON.stringify(foreign));
    this.#type = options.type;
    this.#read = options.claims ?? standardClaims;
  }

  async validate(token: string, { now }: { readonly now: number }): Promise<AuthContext> {
    try {
      checkShape(token);
      const { payload, protectedHeader } = await jwtVerify(token, this.#key, {
        algorithms: this.#algorithms,
        issuer: this.#issuer,
        audience: this.#audience,
        clockTolerance: this.clockToleranceMs / 1000,
        currentDate: new Date(now),
        requiredClaims: ['exp'],
        ...(this.#type === undefined ? {} : { typ: this.#type }),
      });
      if (this.#type === undefined) checkType(protectedHeader);
      return authContext(this.#read(payload));
    } catch (thrown) {
      throw tokenFailure(thrown, token);
    }
  }
}

/** Tokens of one issuer with one key are made for many purposes; those of other kinds say so. */
function checkType({ typ }: ProtectedHeaderParameters): void {
  if (typ === undefined || /^(application\/)?(at\+)?jwt$/i.test(typ)) return;
  throw new StageflowError(tokenInvalid, { reason: 'type', why: 'it was made for another purpose' });
}

/** @throws SF_OPTION_INVALID where there is none: that would allow everything, or nothing. */
function names(option: string, given: string | readonly string[]): string[] {
  const list = typeof given === 'string' ? [given] : given;
  if (Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === 'string' && name !== '')) return [...list];
  throw wrongOption(option, 'at least one text that is not empty', JSON.stringify(given) ?? 'nothing');
}
