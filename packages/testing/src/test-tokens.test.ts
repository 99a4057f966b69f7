import { jwtValidator } from '@stageflow/auth';
import { describe, expect, test } from 'vitest';
import { type TestTokens, testTokens } from './test-tokens.ts';

const now = Date.UTC(2025, 0, 1);

/** Who a validator of production says the token is of, or why it does not. */
async function check({ issuer, audience, algorithm, keySet }: TestTokens, token: string): Promise<unknown> {
  const validator = jwtValidator({ jwks: keySet(), issuer, audience, algorithms: [algorithm] });
  return validator.validate(token, { now, signal: undefined }).catch((error) => error.details.reason);
}

describe('testTokens()', () => {
  test('issues tokens that a validator accepts', async () => {
    const tokens = await testTokens({ now: () => now });
    expect(await check(tokens, await tokens.issue({ sub: 'ada', org_id: 'acme' }))).toMatchObject({
      userId: 'ada',
      org: { id: 'acme' },
      issuedAt: now,
      expiresAt: now + 3_600_000,
    });
  });

  test('issues tokens that it refuses', async () => {
    const tokens = await testTokens({ now: () => now });
    const strangers = await testTokens({ now: () => now });
    expect(await check(tokens, await tokens.issue({ sub: 'ada' }, { expiresInMs: -60_000 }))).toBe('expired');
    expect(await check(tokens, await tokens.issue({ sub: 'ada', aud: 'mail' }))).toBe('audience');
    expect(await check(tokens, await tokens.issue({ sub: 'ada', exp: undefined }))).toBe('claims');
    expect(await check(tokens, await tokens.issue({ sub: 'ada' }, { header: { kid: 'other' } }))).toBe('key');
    expect(await check(tokens, await strangers.issue({ sub: 'ada' }))).toBe('signature');
  });

  test('changes its key', async () => {
    const tokens = await testTokens({ now: () => now, issuer: 'https://other.test/', audience: 'chat' });
    const old = await tokens.issue({ sub: 'ada' });
    await tokens.rotate();
    expect(await check(tokens, old)).toBe('key');
    expect(await check(tokens, await tokens.issue({ sub: 'ada' }))).toMatchObject({ issuer: 'https://other.test/' });
    expect(JSON.stringify(tokens.keySet())).not.toContain('"d"');
  });

  test('issues by the clock of the host where it is given none', async () => {
    const tokens = await testTokens();
    const [, claims] = (await tokens.issue({ sub: 'ada' })).split('.').map((part) => Buffer.from(part, 'base64url').toString());
    expect(Math.abs(JSON.parse(String(claims)).iat - Date.now() / 1000)).toBeLessThan(60);
  });
});
