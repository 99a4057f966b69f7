import { inspect } from 'node:util';
import { authContext } from '@stageflow/auth';
import { describe, expect, test } from 'vitest';

const fields = {
  userId: 'ada',
  email: 'ada.lovelace@example.com',
  org: { id: 'acme', features: ['sso'] },
  roles: ['editor'],
  expiresAt: 1,
} as const;

describe('authContext()', () => {
  test('fills in what was not given', () => {
    expect({ ...authContext({ userId: 'ada', expiresAt: 1 }) }).toEqual({
      userId: 'ada',
      sessionId: undefined,
      email: undefined,
      org: undefined,
      roles: [],
      scopes: [],
      issuer: undefined,
      issuedAt: undefined,
      expiresAt: 1,
    });
    expect(authContext(fields).org).toEqual({ id: 'acme', tenantId: 'acme', plan: undefined, features: ['sso'], roles: [] });
  });

  test('brings the tenant into normal form, and keeps the id of the organisation', () => {
    const org = { id: 'Acme Inc. ', tenantId: ' 0190ABCD-0000-7000-8000-00000000000F ' };
    expect(authContext({ ...fields, org }).org).toMatchObject({ id: 'Acme Inc. ', tenantId: '0190abcd-0000-7000-8000-00000000000f' });
  });

  test('is made of its own fields again', () => {
    expect({ ...authContext(authContext(fields)) }).toEqual({ ...authContext(fields) });
  });

  test('is frozen to its depth', () => {
    const auth = authContext(fields);
    for (const part of [auth, auth.org, auth.roles, auth.org?.features]) expect(Object.isFrozen(part)).toBe(true);
  });

  test('does not follow what was given when that changes', () => {
    const roles = ['editor'];
    const auth = authContext({ ...fields, roles });
    roles.push('admin');
    expect(auth.roles).toEqual(['editor']);
  });

  test('shows no more than the beginning of the e-mail address, however it is printed', () => {
    const auth = authContext(fields);
    for (const text of [`${auth}`, JSON.stringify({ auth }), inspect({ auth }, { depth: 5 })]) {
      expect(text).toContain('ada***');
      expect(text).not.toContain('lovelace');
    }
    expect(auth.email).toBe('ada.lovelace@example.com');
    expect(`${authContext({ userId: 'ada', expiresAt: 1 })}`).not.toContain('***');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no user', { expiresAt: 1 }],
    ['no end', { userId: 'ada' }],
    ['an endless end', { ...fields, expiresAt: Number.POSITIVE_INFINITY }],
    ['a tenant of nothing but spaces', { ...fields, org: { id: 'acme', tenantId: '  ' } }],
    ['an organisation without an id', { ...fields, org: { tenantId: 'acme' } }],
    ['an organisation that is a text', { ...fields, org: 'acme' }],
    ['a name of 2,000 characters', { ...fields, userId: 'a'.repeat(2000) }],
    ['roles in a set', { ...fields, roles: new Set(['admin']) }],
    ['a session that is a number', { ...fields, sessionId: 7 }],
    ['a time of issue that is a text', { ...fields, issuedAt: '1' }],
  ])('refuses %s', (_, given) => {
    expect(() => authContext(given as never)).toThrow(
      expect.objectContaining({ code: 'SF_AUTH_TOKEN_INVALID', details: expect.objectContaining({ reason: 'claims' }) }),
    );
  });
});
