import { StageflowError } from '@stageflow/core';
import { tokenInvalid } from './errors.ts';
import { normalTenantId } from './tenant-id.ts';

/** The organisation that a caller acts for. */
export interface OrgContext {
  readonly id: string;
  /** The tenant that its data belong to, in normal form. */
  readonly tenantId: string;
  /** What it pays for: a word of the host's own. */
  readonly plan: string | undefined;
  readonly features: readonly string[];
  /** What the caller is within this organisation. */
  readonly roles: readonly string[];
}

/** Who a run is for, as a token proved it. Frozen; printing it masks the e-mail address. */
export interface AuthContext {
  readonly userId: string;
  readonly sessionId: string | undefined;
  readonly email: string | undefined;
  /** `undefined` where the token names neither organisation nor tenant. */
  readonly org: OrgContext | undefined;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly issuer: string | undefined;
  /** Epoch milliseconds. */
  readonly issuedAt: number | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** The organisation, as {@link authContext} takes it. */
export interface OrgFields {
  readonly id: string;
  /** @default `id` */
  readonly tenantId?: string | undefined;
  readonly plan?: string | undefined;
  readonly features?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
}

/** What {@link authContext} takes. */
export interface AuthFields {
  readonly userId: string;
  readonly sessionId?: string | undefined;
  readonly email?: string | undefined;
  readonly org?: OrgFields | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly issuer?: string | undefined;
  /** Epoch milliseconds. */
  readonly issuedAt?: number | undefined;
  /** Epoch milliseconds. Whoever is authenticated is so for a time. */
  readonly expiresAt: number;
}

/**
 * Makes an {@link AuthContext}: for validators of your own, and for claims in a shape of your own.
 *
 * @throws SF_AUTH_TOKEN_INVALID, reason `claims`, where a field is missing or is not what it has to be.
 */
export function authContext(fields: AuthFields): AuthContext {
  const given = record(fields, 'what the validator gave');
  const auth = {
    userId: required(given, 'userId'),
    sessionId: optionalText(given, 'sessionId'),
    email: optionalText(given, 'email'),
    org: given['org'] === undefined ? undefined : orgContext(record(given['org'], 'org')),
    roles: texts(given, 'roles'),
    scopes: texts(given, 'scopes'),
    issuer: optionalText(given, 'issuer'),
    issuedAt: given['issuedAt'] === undefined ? undefined : time(given, 'issuedAt'),
    expiresAt: time(given, 'expiresAt'),
  };
  return Object.freeze(printedMasked(auth));
}

function orgContext(given: Readonly<Record<string, unknown>>): OrgContext {
  const id = required(given, 'id');
  const tenantId = normalTenantId(given['tenantId'] ?? id);
  if (tenantId === undefined) throw refused('org.tenantId is not an id');
  const { plan, features, roles } = {
    plan: optionalText(given, 'plan'),
    features: texts(given, 'features'),
    roles: texts(given, 'roles'),
  };
  return Object.freeze({ id, tenantId, plan, features, roles });
}

/** However it is printed, the e-mail address shows no more than its beginning. */
function printedMasked<T extends { readonly email: string | undefined }>(auth: T): T {
  const masked = (): object => ({ ...auth, email: auth.email && `${auth.email.slice(0, 3)}***` });
  const shown = { value: masked, enumerable: false };
  return Object.defineProperties(auth, {
    toJSON: shown,
    toString: { value: () => JSON.stringify(masked()), enumerable: false },
    [Symbol.for('nodejs.util.inspect.custom')]: shown,
  });
}

function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw refused(`${name} is no record`);
}

/** Ids and words of one line: what ends in logs and events must not break out of them. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1024 && !/\p{Cc}/u.test(value);
}

function required(given: Readonly<Record<string, unknown>>, name: string): string {
  const value = given[name];
  if (isText(value)) return value;
  throw refused(value === undefined ? `${name} is missing` : `${name} is not a line of text`);
}

function optionalText(given: Readonly<Record<string, unknown>>, name: string): string | undefined {
  return given[name] === undefined ? undefined : required(given, name);
}

function texts(given: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = given[name] ?? [];
  if (Array.isArray(value) && value.every(isText)) return Object.freeze([...value]);
  throw refused(`${name} is not a list of words`);
}

function time(given: Readonly<Record<string, unknown>>, name: string): number {
  const value = given[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw refused(`${name} is not a time`);
}

function refused(why: string): StageflowError {
  return new StageflowError(tokenInvalid, { reason: 'claims', why });
}
