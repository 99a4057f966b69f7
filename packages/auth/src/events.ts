import { defineEvent, type EventDefinition } from '@stageflow/core';
import { payload } from './payload.ts';

/** Who was authenticated. */
export type AuthLogin = {
  readonly userId: string;
  readonly tenantId: string | undefined;
  readonly sessionId: string | undefined;
  readonly issuer: string | undefined;
};

/** A run that was denied, or a resume of it. */
export type AuthFailure = {
  readonly code: string;
  /** Of an invalid token, why; else as `code`. */
  readonly reason: string;
};

/** What somebody who was authenticated may not do. */
export type AuthDenied = {
  readonly code: string;
  readonly userId: string | undefined;
};

/** Something of one tenant in a run of another. */
export type TenantTouched = {
  readonly kind: string;
  readonly subject: string;
  readonly expected: string | undefined;
  readonly actual: string | undefined;
};

/** A run, or a resume of it, was authenticated: once in each activation. */
export const authLogin: EventDefinition<AuthLogin> = defineEvent(
  'auth.login',
  payload<AuthLogin>({ userId: 'required', tenantId: 'optional', sessionId: 'optional', issuer: 'optional' }),
);

/** A run, or a resume of it, was not authenticated. */
export const authFailure: EventDefinition<AuthFailure> = defineEvent(
  'auth.failure',
  payload<AuthFailure>({ code: 'required', reason: 'required' }),
);

/** A policy has denied a run or a stage. */
export const authDenied: EventDefinition<AuthDenied> = defineEvent(
  'auth.denied',
  payload<AuthDenied>({ code: 'required', userId: 'optional' }),
);

const touched = payload<TenantTouched>({ kind: 'required', subject: 'required', expected: 'optional', actual: 'optional' });

/** A run was kept from touching another tenant, or has none. */
export const tenantAccessDenied: EventDefinition<TenantTouched> = defineEvent('tenant.access_denied', touched);

/** A run touched another tenant, or has none, and was let go on, since isolation is only observed. */
export const tenantAccessObserved: EventDefinition<TenantTouched> = defineEvent('tenant.access_observed', touched);
