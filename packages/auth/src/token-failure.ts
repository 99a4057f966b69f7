import { isStageflowError, StageflowError } from '@stageflow/core';
import { authUnavailable, type InvalidTokenReason, tokenInvalid } from './errors.ts';
import { thrownWithoutTokens, withoutTokens } from './without-tokens.ts';

type Why = readonly [InvalidTokenReason, string];

/** What jose says by its codes; claims are told apart by their names. */
const reasons: ReadonlyMap<unknown, Why> = new Map(
  Object.entries<Why>({
    ERR_JWT_EXPIRED: ['expired', 'its time is over'],
    ERR_JWT_INVALID: ['malformed', 'it is no JWT'],
    ERR_JWS_INVALID: ['malformed', 'it is no signed JWT'],
    ERR_JOSE_ALG_NOT_ALLOWED: ['algorithm', 'its algorithm is not among those that are allowed'],
    ERR_JOSE_NOT_SUPPORTED: ['unsupported', 'it asks for something that is not supported'],
    ERR_JWKS_NO_MATCHING_KEY: ['key', 'the key set has no key for it'],
    ERR_JWKS_MULTIPLE_MATCHING_KEYS: ['key', 'the key set has several keys for it, and it does not say which'],
    ERR_JWS_SIGNATURE_VERIFICATION_FAILED: ['signature', 'its signature is wrong'],
  }),
);

const claimReasons: ReadonlyMap<unknown, Why> = new Map(
  Object.entries<Why>({
    nbf: ['not_yet_valid', 'its time has not come'],
    iss: ['issuer', 'it is of another issuer'],
    aud: ['audience', 'it is meant for another audience'],
    typ: ['type', 'it was made for another purpose'],
  }),
);

/**
 * What kept a token from being accepted, as an error of this package. The original is not its cause: it holds the claims of
 * the token. What is not known to be about the token counts as trouble with finding out.
 */
export function tokenFailure(thrown: unknown, token: string): StageflowError {
  if (isStageflowError(thrown) && thrown.code.startsWith('SF_AUTH_') && !mentionsToken(thrown, token)) return thrown;
  const code = member(thrown, 'code');
  const known = code === 'ERR_JWT_CLAIM_VALIDATION_FAILED' ? claimReason(member(thrown, 'claim')) : reasons.get(code);
  if (known === undefined) return new StageflowError(authUnavailable, { why: thrownWithoutTokens(thrown, token) });
  const [reason, why] = known;
  return new StageflowError(tokenInvalid, { reason, why });
}

/** Whether an error of a validator gives its token away. */
function mentionsToken({ message, hint, details }: StageflowError, token: string): boolean {
  const text = `${message} ${hint} ${JSON.stringify(details)}`;
  return withoutTokens(text, token) !== text;
}

function claimReason(claim: unknown): Why {
  return claimReasons.get(claim) ?? ['claims', `the claim ${JSON.stringify(claim)} is missing or wrong`];
}

/** What was thrown may be anything, and may not want to be read. */
function member(value: unknown, name: string): unknown {
  try {
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  } catch {
    return undefined;
  }
}
