import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type JwtValidatorOptions, jwtValidator } from '@stageflow/auth';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ada, attempt, expectDenied, issuer, validatorOf } from '../test/admission.ts';
import { keyServer } from '../test/key-server.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });

const rsa = {
  jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] },
  issuer: 'https://id.test/',
  audience: 'chat',
  algorithms: ['RS256'],
} as const satisfies JwtValidatorOptions;

const now = Math.floor(Date.UTC(2025, 0, 1) / 1000);
const claims = { ...ada, iss: rsa.issuer, aud: rsa.audience, iat: now, exp: now + 3600 };

function encoded(part: string | object): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

/** A token made by hand, so that it may be wrong in any way. */
function craft(header: object, payload: string | object, signer: (content: Buffer) => Buffer): string {
  const content = `${encoded(header)}.${encoded(payload)}`;
  return `${content}.${signer(Buffer.from(content)).toString('base64url')}`;
}

const withKey =
  (key: KeyObject) =>
  (content: Buffer): Buffer =>
    sign('sha256', content, key);
const rs256 = (header: object = {}, payload: string | object = claims): string =>
  craft({ alg: 'RS256', kid: 'k', typ: 'JWT', ...header }, payload, withKey(privateKey));
const hmac = (secret: string | Buffer) => (content: Buffer) => createHmac('sha256', secret).update(content).digest();
const craftedTwice = `${encoded('{"alg":"none","alg":"RS256","kid":"k"}')}.${rs256().split('.').slice(1).join('.')}`;
const pem = publicKey.export({ format: 'pem', type: 'spki' });

test('names that stand twice in other places than one object are no matter', async () => {
  const payload = JSON.stringify({ ...claims, address: { sub: 1, deep: [{ sub: '"sub":' }] }, note: 'sub', list: ['sub', 'exp'] });
  expect((await attempt(jwtValidator(rsa), rs256({}, payload))).run.status).toBe('completed');
});

test('the token that the hostile ones are made from is accepted', async () => {
  const { run, calls } = await attempt(jwtValidator(rsa), rs256());
  expect([run.status, run.outputs, calls]).toEqual(['completed', { after: 'ada' }, 2]);
});

describe('a hostile token is refused, and no stage is called:', () => {
  test.each<[string, string, string]>([
    ['alg none, without a signature', craft({ alg: 'none' }, claims, () => Buffer.alloc(0)), 'algorithm'],
    ['alg None', craft({ alg: 'None', kid: 'k' }, claims, () => Buffer.alloc(0)), 'algorithm'],
    ['HS256 with the public key in PEM as the secret', craft({ alg: 'HS256', kid: 'k' }, claims, hmac(pem)), 'algorithm'],
    [
      'HS256 with the public key in DER as the secret',
      craft({ alg: 'HS256', kid: 'k' }, claims, hmac(publicKey.export({ format: 'der', type: 'spki' }))),
      'algorithm',
    ],
    [
      'another algorithm of the same key',
      craft({ alg: 'RS512', kid: 'k' }, claims, (text) => sign('sha512', text, privateKey)),
      'algorithm',
    ],
    ['no algorithm', craft({ kid: 'k' }, claims, withKey(privateKey)), 'malformed'],
    ['the key of somebody else', craft({ alg: 'RS256', kid: 'k' }, claims, withKey(other.privateKey)), 'signature'],
    [
      'the key of somebody else, in the header',
      craft({ alg: 'RS256', kid: 'k', jwk: other.publicKey.export({ format: 'jwk' }) }, claims, withKey(other.privateKey)),
      'signature',
    ],
    [
      'a key server of its own, in the header',
      craft({ alg: 'RS256', kid: 'evil', jku: 'http://127.0.0.1:1/jwks' }, claims, withKey(other.privateKey)),
      'key',
    ],
    ['a path as key id', rs256({ kid: '../../../../dev/null' }), 'key'],
    ['a query as key id', rs256({ kid: "k' OR '1'='1" }), 'key'],
    ['a key id that is an object', rs256({ kid: { toString: 'k' } }), 'key'],
    ['a key id from the prototype', rs256({ kid: '__proto__' }), 'key'],
    ['a critical header that nobody knows', rs256({ crit: ['exp2'], exp2: 1 }), 'unsupported'],
    ['a payload that is not encoded', rs256({ crit: ['b64'], b64: false }), 'malformed'],
    ['the typ of another purpose', rs256({ typ: 'secevent+jwt' }), 'type'],
    ['no signature', rs256().replace(/[^.]*$/, ''), 'signature'],
    ['a signature that was cut', rs256().slice(0, -8), 'signature'],
    ['other claims under the signature', rs256().replace(/\.[^.]*\./, `.${encoded({ ...claims, sub: 'eve' })}.`), 'signature'],
    ['two parts', rs256().split('.').slice(0, 2).join('.'), 'malformed'],
    ['five parts', `${rs256()}.a.b`, 'malformed'],
    ['nothing but dots', '..', 'malformed'],
    ['a header that is a list', craft([], claims, withKey(privateKey)), 'malformed'],
    ['a payload that is no JSON', rs256({}, 'ada'), 'malformed'],
    ['a payload that is null', rs256({}, 'null'), 'malformed'],
    ['a user twice', rs256({}, JSON.stringify(claims).replace('{', '{"sub":"eve",')), 'malformed'],
    ['a user twice, once in escapes', rs256({}, JSON.stringify(claims).replace('{', '{"s\\u0075b":"eve",')), 'malformed'],
    ['a user twice, with much space', rs256({}, JSON.stringify(claims).replace('{', `{"sub"${' '.repeat(500)}:"eve",`)), 'malformed'],
    ['a header with an algorithm twice', craftedTwice, 'malformed'],
    ['what is not encoded', 'a!b.c.d', 'malformed'],
    ['a password', 'hunter2', 'malformed'],
    ['100,000 characters', `${'a'.repeat(100_000)}`, 'too_long'],
    ['100,000 characters of claims', rs256({}, { ...claims, more: 'x'.repeat(100_000) }), 'too_long'],
    ['another issuer', rs256({}, { ...claims, iss: 'https://id.test' }), 'issuer'],
    ['no issuer', rs256({}, { ...claims, iss: undefined }), 'issuer'],
    ['another audience', rs256({}, { ...claims, aud: ['mail', 'chat2'] }), 'audience'],
    ['an audience that is an object', rs256({}, { ...claims, aud: { includes: 'chat' } }), 'audience'],
    ['no end', rs256({}, { ...claims, exp: undefined }), 'claims'],
    ['an end that is a text', rs256({}, { ...claims, exp: '9999999999' }), 'claims'],
    ['an end beyond all time', rs256({}, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e308')), 'claims'],
    ['no user', rs256({}, { ...claims, sub: undefined }), 'claims'],
    ['an empty user', rs256({}, { ...claims, sub: '' }), 'claims'],
    ['a user that is a number', rs256({}, { ...claims, sub: 7 }), 'claims'],
    ['a user with a line break', rs256({}, { ...claims, sub: 'ada\nadmin' }), 'claims'],
    ['roles that are a text', rs256({}, { ...claims, roles: 'admin' }), 'claims'],
    ['roles that are numbers', rs256({}, { ...claims, roles: [1] }), 'claims'],
    ['an organisation that is a list', rs256({}, { ...claims, org_id: ['acme'] }), 'claims'],
    ['a tenant that is an object', rs256({}, { ...claims, tenant_id: { id: 'acme' } }), 'claims'],
  ])('%s', async (_, token, reason) => {
    expectDenied(await attempt(jwtValidator(rsa), token), 'SF_AUTH_TOKEN_INVALID', { reason }, token);
  });
});

describe('times', () => {
  test.each([
    ['5 s after its end, within the tolerance of 10 s, is accepted', { exp: now - 5 }, undefined],
    ['11 s after its end, outside of it, is refused', { exp: now - 11 }, 'expired'],
    ['5 s before its beginning, within the tolerance, is accepted', { nbf: now + 5 }, undefined],
    ['11 s before its beginning is refused', { nbf: now + 11 }, 'not_yet_valid'],
  ])('a token %s', async (_, times, reason) => {
    const token = rs256({}, { ...claims, ...times });
    const made = await attempt(jwtValidator({ ...rsa, clockToleranceMs: 10_000 }), token);
    if (reason === undefined) expect([made.run.status, made.calls]).toEqual(['completed', 2]);
    else expectDenied(made, 'SF_AUTH_TOKEN_INVALID', { reason }, token);
  });

  test('are those of the clock of the run', async () => {
    const { tokens, clock } = await issuer();
    const token = await tokens.issue(ada, { expiresInMs: 60_000 });
    await clock.advance(64_000);
    expect((await attempt(validatorOf(tokens), token, { clock })).run.status).toBe('completed');
    await clock.advance(2_000);
    expectDenied(await attempt(validatorOf(tokens), token, { clock }), 'SF_AUTH_TOKEN_INVALID', { reason: 'expired' }, token);
  });
});

describe('a type that is asked for', () => {
  test('is compared, and a token without one is refused', async () => {
    const validator = jwtValidator({ ...rsa, type: 'at+jwt' });
    expect((await attempt(validator, rs256({ typ: 'at+jwt' }))).run.status).toBe('completed');
    expectDenied(await attempt(validator, rs256()), 'SF_AUTH_TOKEN_INVALID', { reason: 'type' });
    expectDenied(await attempt(validator, rs256({ typ: undefined })), 'SF_AUTH_TOKEN_INVALID', { reason: 'type' });
  });

  test('is none by default: access tokens and tokens without a type count', async () => {
    for (const typ of ['at+jwt', 'application/at+jwt', undefined])
      expect((await attempt(jwtValidator(rsa), rs256({ typ }))).run.status).toBe('completed');
  });
});

describe('keys', () => {
  const cooldownMs = 30_000;

  /** A runtime's validator on a real key server, and a date that the test moves. */
  async function served() {
    const { tokens, clock } = await issuer();
    const server = await keyServer(tokens.keySet());
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const validator = validatorOf(tokens, { jwks: server.url, timeoutMs: 60, cooldownMs });
    return { tokens, clock, server, validator, later: (ms: number) => vi.setSystemTime(Date.now() + ms) };
  }

  test('are fetched once, when the first token comes', async () => {
    const { tokens, clock, server, validator } = await served();
    expect(server.asked).toBe(0);
    for (let count = 0; count < 3; count++) {
      expect((await attempt(validator, await tokens.issue(ada), { clock })).run.status).toBe('completed');
    }
    expect(server.asked).toBe(1);
  });

  test('that were changed are accepted after one more fetch, and the old one no longer', async () => {
    const { tokens, clock, server, validator, later } = await served();
    const old = await tokens.issue(ada);
    expect((await attempt(validator, old, { clock })).run.status).toBe('completed');
    await tokens.rotate();
    server.answer = tokens.keySet();
    later(cooldownMs + 1);
    const fresh = await tokens.issue(ada);
    expect((await attempt(validator, fresh, { clock })).calls).toBe(2);
    expect(server.asked).toBe(2);
    expectDenied(await attempt(validator, old, { clock }), 'SF_AUTH_TOKEN_INVALID', { reason: 'key' }, old);
    expect(server.asked).toBe(2);
  });

  test('that nobody knows cause one fetch in the time of the cooldown, however many tokens name them', async () => {
    const { tokens, clock, server, validator, later } = await served();
    await attempt(validator, await tokens.issue(ada), { clock });
    const tryUnknown = async (kid: string) => {
      const token = await tokens.issue(ada, { header: { kid } });
      expectDenied(await attempt(validator, token, { clock }), 'SF_AUTH_TOKEN_INVALID', { reason: 'key' }, token);
    };
    for (let count = 0; count < 20; count++) await tryUnknown(`unknown-${count}`);
    expect(server.asked).toBe(1);
    later(cooldownMs + 1);
    for (let count = 0; count < 20; count++) await tryUnknown(`unknown-${count}`);
    expect(server.asked).toBe(2);
    expect((await attempt(validator, await tokens.issue(ada), { clock })).run.status).toBe('completed');
  });

  test.each(['hang', 'trickle', 'error', 'nonsense', 'redirect'] as const)(
    'that a server does not give (%s) deny the run',
    async (answer) => {
      const { tokens, clock, server, validator } = await served();
      const token = await tokens.issue(ada);
      server.answer = answer;
      const denied = await attempt(validator, token, { clock });
      expectDenied(denied, 'SF_AUTH_UNAVAILABLE', {}, token);
      expect(denied.error?.retryable).toBe(true);
      expect(server.asked).toBe(1);
      server.answer = tokens.keySet();
      expect((await attempt(validator, token, { clock })).run.status).toBe('completed');
    },
  );

  test('of a server that is down deny the run', async () => {
    const { tokens, clock, server, validator } = await served();
    await server.stop();
    const token = await tokens.issue(ada);
    expectDenied(await attempt(validator, token, { clock }), 'SF_AUTH_UNAVAILABLE', {}, token);
    expect(server.asked).toBe(0);
  });

  test('that are known go on counting while the server is down, until they are too old', async () => {
    const { tokens, clock, server, validator, later } = await served();
    const token = await tokens.issue(ada);
    await attempt(validator, token, { clock });
    await server.stop();
    later(599_000);
    expect((await attempt(validator, token, { clock })).run.status).toBe('completed');
    later(2_000);
    expectDenied(await attempt(validator, token, { clock }), 'SF_AUTH_UNAVAILABLE', {}, token);
  });

  test('of which a set holds several deny a token that does not say which', async () => {
    const jwks = { keys: [...rsa.jwks.keys, { ...other.publicKey.export({ format: 'jwk' }), kid: 'o', alg: 'RS256' }] };
    const validator = jwtValidator({ ...rsa, jwks });
    expect((await attempt(validator, rs256())).run.status).toBe('completed');
    expectDenied(await attempt(validator, rs256({ kid: undefined })), 'SF_AUTH_TOKEN_INVALID', { reason: 'key' });
  });

  test('that are secrets are never used', async () => {
    const jwks = { keys: [{ kty: 'oct', k: encoded('secret'), kid: 'k' }] };
    const token = craft({ alg: 'HS256', kid: 'k' }, claims, hmac('secret'));
    expectDenied(await attempt(jwtValidator({ ...rsa, jwks }), token), 'SF_AUTH_TOKEN_INVALID', { reason: 'algorithm' });
  });
});

describe('claims', () => {
  test.each([
    ['a text', { scope: 'read  write' }],
    ['a list under another name', { scp: ['read', 'write'] }],
  ])('name scopes as %s', async (_, scopes) => {
    const validator = jwtValidator(rsa);
    const auth = await validator.validate(rs256({}, { ...claims, ...scopes }), { now: now * 1000, signal: undefined });
    expect(auth.scopes).toEqual(['read', 'write']);
  });

  test('of another shape are read by a function of the host, and checked all the same', async () => {
    const token = rs256({}, { ...claims, sub: undefined, user: { name: 'ada' }, company: ' acme ' });
    const read = ({ user, company, exp }: Readonly<Record<string, unknown>>) => ({
      userId: (user as { name: string }).name,
      org: { id: String(company) },
      expiresAt: Number(exp) * 1000,
    });
    expect((await attempt(jwtValidator({ ...rsa, claims: read }), token)).run.status).toBe('completed');
    expectDenied(await attempt(jwtValidator({ ...rsa, claims: read }), rs256()), 'SF_AUTH_UNAVAILABLE');
    const endless = () => ({ userId: 'ada', org: { id: 'acme' }, expiresAt: Number.MAX_SAFE_INTEGER });
    const unending = rs256({}, { ...claims, exp: undefined });
    expect((await attempt(jwtValidator({ ...rsa, claims: endless }), token)).run.status).toBe('completed');
    expectDenied(await attempt(jwtValidator({ ...rsa, claims: endless }), unending), 'SF_AUTH_TOKEN_INVALID', { reason: 'claims' });
    const nobody = () => ({ userId: '', expiresAt: 1 });
    expectDenied(await attempt(jwtValidator({ ...rsa, claims: nobody }), token), 'SF_AUTH_TOKEN_INVALID', { reason: 'claims' });
    const nothing = () => undefined as never;
    expectDenied(await attempt(jwtValidator({ ...rsa, claims: nothing }), token), 'SF_AUTH_TOKEN_INVALID', { reason: 'claims' });
  });
});

describe('options', () => {
  test.each<[string, object]>([
    ['algorithms', { algorithms: [] }],
    ['algorithms', { algorithms: ['none'] }],
    ['algorithms', { algorithms: ['RS256', 'HS256'] }],
    ['algorithms', { algorithms: undefined }],
    ['issuer', { issuer: '' }],
    ['issuer', { issuer: [] }],
    ['issuer', { issuer: undefined }],
    ['audience', { audience: undefined }],
    ['jwks', { jwks: 'http://id.example.com/jwks.json' }],
    ['jwks', { jwks: 'file:///etc/keys' }],
    ['jwks', { jwks: 'nonsense' }],
    ['jwks', { jwks: { keys: 'none' } }],
    ['clockToleranceMs', { clockToleranceMs: Number.NaN }],
    ['clockToleranceMs', { clockToleranceMs: Number.POSITIVE_INFINITY }],
    ['timeoutMs', { jwks: 'https://id.example.com/', timeoutMs: -1 }],
    ['cooldownMs', { jwks: 'https://id.example.com/', cooldownMs: Number.NaN }],
  ])('%s that allow everything, or nothing, are refused: %o', (option, given) => {
    const make = () => jwtValidator({ ...rsa, ...given } as JwtValidatorOptions);
    expect(make).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) }));
  });

  test('take a URL', () => {
    expect(() => jwtValidator({ ...rsa, jwks: new URL('https://id.example.com/jwks.json') })).not.toThrow();
  });
});
