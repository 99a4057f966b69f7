import { secret } from '@stageflow/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writtenBy } from '../test/log-lines.ts';
import { redactor } from './redactor.ts';

const { value, text, line } = redactor();
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r';

describe('text', () => {
  test.each([
    ['a bearer token', 'sent Authorization: Bearer abc.def-ghi to it', 'sent Authorization: [Redacted] to it'],
    ['a bearer token alone', 'bearer abcdefgh12 refused', 'bearer [Redacted] refused'],
    ['basic authorization', 'authorization: Basic aHVudGVyMg==', 'authorization: [Redacted]'],
    ['a proxy authorization in quotes', `{"Proxy-Authorization":"Basic aHVudGVyMg=="}`, `{"Proxy-Authorization":"[Redacted]"}`],
    ['a JSON Web Token', `got ${jwt}, expired`, 'got [Redacted], expired'],
    ['a cookie', 'Cookie: a=1; session=hunter2\nHost: x', 'Cookie: [Redacted]\nHost: x'],
    ['a cookie that is set', 'set-cookie: "sid=hunter2; Path=/", next', 'set-cookie: [Redacted], next'],
    ['a connection string', 'postgres://app:hunter2@db:5432/main', 'postgres://app:[Redacted]@db:5432/main'],
    ['a password with an at sign', 'amqp://app:hunt@er2@mq/v', 'amqp://app:[Redacted]@mq/v'],
    ['a connection string without a user', 'redis://:hunter2@cache', 'redis://:[Redacted]@cache'],
    ['a password of a DSN', 'host=db user=app password=hunter2 port=1', 'host=db user=app password=[Redacted] port=1'],
    ['a quoted password with blanks', `password="hunter 2", more`, 'password=[Redacted], more'],
    ['JSON', '{"apiKey":"hunter2","user":"ada"}', '{"apiKey":[Redacted],"user":"ada"}'],
    ['JSON in a string of JSON', '{\\"password\\":\\"hunter2\\",\\"user\\":1}', '{\\"password\\":[Redacted],\\"user\\":1}'],
    ['a query', 'GET /a?page=2&access_token=hunter2&x=1', 'GET /a?page=2&access_token=[Redacted]&x=1'],
    ['a client secret in a form', 'client_secret=hunter2&grant=code', 'client_secret=[Redacted]&grant=code'],
    ['an account key', 'AccountName=a;AccountKey=hunter2==;Suffix=x', 'AccountName=a;AccountKey=[Redacted];Suffix=x'],
    ['a private key', `a\n-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nb`, 'a\n[Redacted]\nb'],
    ['a private key that is cut off', '-----BEGIN PRIVATE KEY-----\nhunter2', '[Redacted]'],
    ['a key that says whose it is', 'key sk-proj-hunter2hunter2hunter2 was refused', 'key [Redacted] was refused'],
    ['a token of a forge', 'ghp_hunter2hunter2hunter2hunter2hunter2', '[Redacted]'],
    ['a key of a cloud', 'AKIAIOSFODNN7EXAMPLE', '[Redacted]'],
  ])('hides %s', (_what, given, expected) => {
    expect(text(given)).toBe(expected);
    expect(text(expected)).toBe(expected);
  });

  test.each([
    'The user has 3 tokens left of maxTokens: 512, totalTokens=9.',
    'Unexpected token < in JSON at position 4',
    'https://example.com/a/b:c?d=e@f',
    'http://localhost:3000/users',
    'A bearer token is missing.',
    'the secretary took the cookies',
    'https://ada@example.com/',
  ])('leaves "%s" as it is', (given) => {
    expect(text(given)).toBe(given);
  });
});

describe('value', () => {
  test.each([
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'password',
    'userPassword',
    'passwordHash',
    'token',
    'accessToken',
    'x-auth-token',
    'csrf_token',
    'apiKey',
    'X-API-Key',
    'api_key_id',
    'secret',
    'client_secret',
    'clientSecret',
    'privateKey',
    'connectionString',
    'credentials',
    'DSN',
    `${'a'.repeat(10_000)}Password`,
  ])('hides what is called %s, at any depth', (key) => {
    const hidden = { [key]: '[Redacted]' };
    expect(value({ [key]: 'abc' })).toEqual(hidden);
    expect(value({ a: [{ b: { c: { [key]: { deep: ['abc'] } } } }] })).toEqual({ a: [{ b: { c: hidden } }] });
  });

  test.each(['inputTokens', 'tokens', 'max_tokens', 'total-tokens', 'sessionId', 'author', 'tokenizer', 'key', 'secretary', 'monkey'])(
    'shows what is called %s',
    (key) => {
      expect(value({ [key]: 12 })).toEqual({ [key]: 12 });
    },
  );

  test('shows that there is no credential, and answers of yes or no', () => {
    const given = { password: undefined, token: null, hasPassword: true };
    expect(value(given)).toEqual(given);
  });

  test('hides credentials that stand after or beside their names', () => {
    expect(value(['Host', 'a', 'Authorization', 'Basic abc', 'Accept', 'b'])).toEqual([
      'Host',
      'a',
      'Authorization',
      '[Redacted]',
      'Accept',
      'b',
    ]);
    expect(value([{ name: 'Cookie', value: 'a=b' }])).toEqual([{ name: 'Cookie', value: '[Redacted]' }]);
    expect(value({ key: 'API_KEY', value: 'abc' })).toEqual({ key: 'API_KEY', value: '[Redacted]' });
    expect(value({ name: 'Accept', value: 'abc' })).toEqual({ name: 'Accept', value: 'abc' });
  });

  test('searches text at any depth, and the names of members', () => {
    expect(value({ urls: [{ to: 'redis://:hunter2@cache' }] })).toEqual({ urls: [{ to: 'redis://:[Redacted]@cache' }] });
    expect(value({ 'redis://:hunter2@cache': 1 })).toEqual({ 'redis://:[Redacted]@cache': 1 });
    expect(value('password=hunter2')).toBe('password=[Redacted]');
  });

  test('writes errors with message, stack, cause and members, without credentials', () => {
    const cause = new TypeError('cannot reach redis://:hunter2@cache');
    const given = Object.assign(new Error('password=hunter2', { cause }), { code: 'E1', token: 'abc' });
    const copy = value({ err: given });
    expect(copy).toMatchObject({
      err: {
        type: 'Error',
        message: 'password=[Redacted]',
        code: 'E1',
        token: '[Redacted]',
        cause: { type: 'TypeError', message: 'cannot reach redis://:[Redacted]@cache' },
      },
    });
    expect(JSON.stringify(copy)).toContain('redactor.test.ts');
    expect(JSON.stringify(copy)).not.toContain('hunter2');
  });

  test('copies as JSON would: dates, members that say how they are written, nothing of functions', () => {
    const at = new Date(0);
    const point = { toJSON: () => ({ x: 1, secret: 'a' }) };
    const given = { at, point, word: { toJSON: () => 'token=abc' }, list: { toJSON: () => [1] }, text: new String('token=abc'), big: 12n };
    expect(
      value({ ...given, run: () => 1, mark: Symbol('s'), bytes: new Uint8Array(3), buffer: new ArrayBuffer(2), map: new Map([['a', 1]]) }),
    ).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      point: { x: 1, secret: '[Redacted]' },
      word: 'token=[Redacted]',
      list: [1],
      text: 'token=[Redacted]',
      big: '12',
      run: undefined,
      mark: undefined,
      bytes: '[3 bytes]',
      buffer: '[2 bytes]',
      map: {},
    });
  });

  test('writes a secret of core as what it prints', () => {
    expect(value({ given: secret('hunter2'), key: [secret('hunter2')] })).toEqual({ given: '[secret]', key: ['[secret]'] });
  });

  test('survives getters that throw, circles, revoked proxies and trees without an end', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const endless: object = new Proxy(
      {},
      {
        ownKeys: () => ['a', 'b'],
        getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
        get: (_, key) => (key === 'toJSON' ? undefined : endless2()),
      },
    );
    const endless2 = (): object =>
      new Proxy(
        {},
        {
          ownKeys: () => ['a', 'b'],
          getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
          get: (_, key) => (typeof key === 'string' && key.length === 1 ? endless2() : undefined),
        },
      );
    const circle: Record<string, unknown> = { a: 1 };
    circle['again'] = { circle };
    const thrower = {
      ok: 1,
      get bad() {
        throw new Error('no');
      },
      get password() {
        throw new Error('no');
      },
    };
    expect(value(circle)).toEqual({ a: 1, again: { circle: '[Circular]' } });
    expect(value({ proxy, after: 1 })).toEqual({ proxy: '[Unreadable]', after: 1 });
    expect(value({ thrower })).toEqual({ thrower: { ok: 1, bad: '[Unreadable]', password: '[Redacted]' } });
    expect(
      value({
        toJSON: () => {
          throw new Error('no');
        },
      }),
    ).toBe('[Unreadable]');
    expect(JSON.stringify(value({ endless }))).toContain('[Truncated]');
    expect(JSON.stringify(value(Array.from({ length: 20_000 }, (_, at) => at)))).toContain('[Truncated]');
    expect(value(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at])))).toHaveProperty('truncated', true);
  });

  test('reads a member once, so that what was looked at is what is written', () => {
    const answers: Record<string, number> = {};
    const once = (member: string, first: string) => {
      answers[member] = (answers[member] ?? 0) + 1;
      return answers[member] === 1 ? first : 'password=hunter2';
    };
    const given = {
      get shifty() {
        return once('shifty', 'harmless');
      },
      get name() {
        return once('name', 'Accept');
      },
      value: 'json',
    };
    expect(value(given)).toEqual({ shifty: 'harmless', name: 'Accept', value: 'json' });
    expect(answers).toEqual({ shifty: 1, name: 1 });
  });

  test('changes nothing that it was given, and no prototype', () => {
    const given = Object.freeze({ password: 'abc', list: Object.freeze(['token=abc']) });
    const copy = value(given);
    expect(given).toEqual({ password: 'abc', list: ['token=abc'] });
    expect(copy).toEqual({ password: '[Redacted]', list: ['token=[Redacted]'] });
    expect(Object.keys(value(JSON.parse('{"__proto__":{"polluted":1}}')) as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('declared secrets', { timeout: 30_000 }, () => {
  const declared = redactor({ secrets: ['s3cret/key+"1"', secret('wrapped-one'), 's3cret'] });

  test('are hidden in text, in members, in URLs and in strings of JSON', () => {
    expect(declared.text('a s3cret/key+"1" b wrapped-one c s3cret')).toBe('a [Redacted] b [Redacted] c [Redacted]');
    expect(declared.value({ a: ['x wrapped-one'], s3cret: 1 })).toEqual({ a: ['x [Redacted]'], '[Redacted]': 1 });
    expect(declared.text(`?k=${encodeURIComponent('s3cret/key+"1"')}`)).toBe('?k=[Redacted]');
    expect(declared.text(JSON.stringify({ k: 's3cret/key+"1"' }))).toBe('{"k":"[Redacted]"}');
    expect(redactor().text('wrapped-one')).toBe('wrapped-one');
  });

  test.each([[''], ['abc'], [secret('')], [undefined]])('are refused where they would hide ordinary text: %j', (given) => {
    expect(() => redactor({ secrets: [given as string] })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });

  test('leave no trace, whatever surrounds them', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string({ unit: 'binary' }), fc.string(), (hidden, before, after) => {
        fc.pre(!'[Redacted]'.includes(hidden));
        const redact = redactor({ secrets: [hidden] });
        expect(redact.text(`${before}${hidden}${after}`)).not.toContain(hidden);
        expect(redact.line(`${JSON.stringify({ a: [before + hidden + after] })}\n`)).not.toContain(JSON.stringify(hidden).slice(1, -1));
      }),
    );
  });
});

describe('line', () => {
  test('leaves a line without credentials as it was written', () => {
    const given = '{"level":30,"id":12345678901234567890,"msg":"hi"}\n';
    expect(line(given)).toBe(given);
  });

  test('redacts text that is no JSON', () => {
    expect(line('plain password=hunter2\n')).toBe('plain password=[Redacted]\n');
  });

  test('redacts every line of a pino logger: bindings, serializers, messages', () => {
    const redact = redactor({ secrets: ['key-of-the-house'] });
    const {
      logger,
      lines,
      text: written,
    } = writtenBy({
      hooks: { streamWrite: redact.line },
      serializers: { req: (req: { raw: string }) => ({ headers: { cookie: req.raw } }) },
    });
    logger.child({ apiKey: 'abc' }).info({ req: { raw: 'hunter2' } }, 'with %s', 'key-of-the-house');
    expect(lines()).toEqual([
      expect.objectContaining({ level: 30, apiKey: '[Redacted]', req: { headers: { cookie: '[Redacted]' } }, msg: 'with [Redacted]' }),
    ]);
    expect(written().endsWith('}\n')).toBe(true);
  });
});

describe('never throws, never changes its mind', { timeout: 30_000 }, () => {
  test('for any value', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSparseArray: true,
          withTypedArray: true,
          withNullPrototype: true,
        }),
        (given) => {
          const once = value(given);
          expect(value(once)).toEqual(once);
        },
      ),
    );
  });
});

describe('takes linear time', { timeout: 30_000 }, () => {
  // What a quadratic pattern would need for the longer text is minutes, not seconds.
  const size = 2_000_000;
  test.each([
    ['letters', 'a'],
    ['the beginnings of JSON Web Tokens', 'eyJ'],
    ['JSON Web Tokens without an end', 'eyJ-'],
    ['parts of JSON Web Tokens', 'eyJa.'],
    ['private keys without an end', '-----BEGIN PRIVATE KEY-----'],
    ['ends of private keys', '-----END A'],
    ['URLs', 'a://b:c'],
    ['slashes and colons', '://:'],
    ['names', 'password'],
    ['names and signs', 'password='],
    ['names and blanks', 'token   '],
    ['open quotes', `secret="`],
    ['backslashes', '\\'],
    ['bearer', 'bearer '],
    ['cookies', 'cookie: '],
    ['authorizations', 'authorization: '],
    ['keys', 'sk-'],
    ['at signs', '://a:@'],
  ])('on %s', (_what, piece) => {
    const long = piece.repeat(Math.ceil(size / piece.length));
    const startedAt = performance.now();
    text(`${long} password=hunter2`);
    value({ a: long });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
