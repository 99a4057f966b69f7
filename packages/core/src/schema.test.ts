import { describe, expect, test } from 'vitest';
import { describeReceived, issueLines, type Schema, type SchemaResult, validate } from './schema.ts';

function answering(answer: (value: unknown) => unknown): Schema<unknown, unknown> {
  return { '~standard': { version: 1, vendor: 'test', validate: answer as Schema['~standard']['validate'] } };
}

describe('validate()', () => {
  test('gives what the schema answers', async () => {
    expect(
      validate(
        answering((value) => ({ value })),
        7,
      ),
    ).toEqual({ value: 7 });
    expect(
      validate(
        answering(() => ({ issues: [{ message: 'no' }] })),
        7,
      ),
    ).toEqual({ issues: [{ message: 'no' }] });
    expect(
      validate(
        answering(() => ({ value: undefined })),
        7,
      ),
    ).toEqual({ value: undefined });
    await expect(
      validate(
        answering(async (value) => ({ value })),
        7,
      ),
    ).resolves.toEqual({ value: 7 });
  });

  test('reads a promise of another kind as a promise, not as a result', async () => {
    const foreign = { then: (settle: (result: SchemaResult<unknown>) => void) => settle({ issues: [{ message: 'no' }] }) };
    await expect(
      validate(
        answering(() => foreign),
        7,
      ),
    ).resolves.toEqual({ issues: [{ message: 'no' }] });
  });

  test('refuses where the schema throws, rejects or answers with neither', async () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const refused = (message: string) => ({ issues: [{ message }] });
    expect(validate(answering(boom), 7)).toEqual(refused('the schema threw: boom'));
    await expect(
      validate(
        answering(async () => boom()),
        7,
      ),
    ).resolves.toEqual(refused('the schema threw: boom'));
    expect(
      validate(
        answering(() => ({})),
        7,
      ),
    ).toEqual(refused('the schema answered with neither a value nor issues'));
    for (const answer of [{}, undefined, null, 7, 'ok']) {
      const neither = refused('the schema answered with neither a value nor issues');
      expect(
        validate(
          answering(() => answer),
          7,
        ),
      ).toEqual(neither);
      await expect(
        validate(
          answering(async () => answer),
          7,
        ),
      ).resolves.toEqual(neither);
    }
  });
});

describe('issueLines()', () => {
  test('puts the path before the message', () => {
    const symbol = Symbol('s');
    expect(
      issueLines([
        { message: 'too old' },
        { message: 'required', path: [] },
        { message: 'required', path: ['user', 'names', 0] },
        { message: 'required', path: [{ key: 'user' }, { key: symbol }] },
      ]),
    ).toEqual(['too old', 'required', 'user.names.0: required', 'user.Symbol(s): required']);
  });
});

describe('describeReceived()', () => {
  class Money {
    amount = 1;
  }
  test.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [7, 'the number 7'],
    [Number.NaN, 'the number NaN'],
    [true, 'the boolean true'],
    [10n, 'bigint'],
    [Symbol('s'), 'symbol'],
    ['hi', 'the string "hi"'],
    ['x'.repeat(40), `the string "${'x'.repeat(40)}"`],
    ['x'.repeat(41), 'a string of 41 characters'],
    [[1, 2], 'an array of 2'],
    [() => 1, 'a function'],
    [{}, 'an object without keys'],
    [{ total: 1, currency: 'EUR' }, 'an object with total, currency'],
    [Object.fromEntries('abcdefghij'.split('').map((key) => [key, 1])), 'an object with a, b, c, d, e, f, g, h and 2 more keys'],
    [Object.create(null), 'an object without keys'],
    [Promise.resolve(), 'a Promise'],
    [new Error('no'), 'an Error'],
    [new Map(), 'a Map'],
    [new Money(), 'a Money'],
    [new (class {})(), 'an object without keys'],
  ])('of %o is %s', (value, expected) => {
    expect(describeReceived(value)).toBe(expected);
  });

  test('does not throw for an object that hides its prototype', () => {
    const hidden = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new Error('no');
        },
      },
    );
    expect(describeReceived(hidden)).toBe('an object without keys');
  });

  test('gives names of members, never their values', () => {
    expect(describeReceived({ password: 'hunter2' })).toBe('an object with password');
  });
});
