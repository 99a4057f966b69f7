import { StageflowError } from '@stageflow/core';
import { duplicateMember } from './duplicate-member.ts';
import { type InvalidTokenReason, tokenInvalid } from './errors.ts';

/** Longer than what web servers take as a header. */
const longestToken = 16_384;

/**
 * Refuses what no signed JWT looks like, before any of it is trusted or any key is looked for.
 *
 * @throws SF_AUTH_TOKEN_INVALID
 */
export function checkShape(token: string): void {
  if (token.length > longestToken) throw refused('too_long', `it has more than ${longestToken} characters`);
  const parts = token.split('.');
  if (parts.length !== 3) throw refused('malformed', 'it does not have three parts');
  for (const part of parts.slice(0, 2)) {
    const text = decoded(part);
    if (!isObject(text)) throw refused('malformed', 'a part of it is no JSON object in base64url');
    if (duplicateMember(text) !== undefined) throw refused('malformed', 'a member stands in it twice');
  }
}

function decoded(part: string): string {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return '';
  }
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function refused(reason: InvalidTokenReason, why: string): StageflowError {
  return new StageflowError(tokenInvalid, { reason, why });
}
