import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStageflowError, StageflowError } from '../errors.ts';
import { decode, type Encoded, encode } from './codec.ts';

/** Through the text and back. */
function roundTrip(value: unknown): unknown {
  const result = encode(value);
  if ('refused' in result) throw new Error(`refused at ${result.refused}: ${result.what}`);
  return decode(result.text);
}

const awkward = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, undefined, 12n, new Date(0));
const members = fc.oneof(fc.string(), fc.constantFrom('$sf', '__proto__', 'constructor', 'toString', 'length', ''));

/** Plain data of every kind, nested, with members that are easily taken for something else. */
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.date({ noInvalidDate: true }),
      awkward,
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(members, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
    fc.uint8Array({ maxLength: 8 }),
  ),
})).value;

describe('encode() and decode()', () => {
  test('give back whatever is plain data', () => {
    fc.assert(
      fc.property(values, (value) => {
        // Vitest's comparison reads a member named `constructor` as the class.
        expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('write plain JSON as JSON', () => {
    expect(encode({ text: 'hi', list: [1, true, null] })).toEqual({ text: '{"text":"hi","list":[1,true,null]}' });
  });

  test.each([Number.NaN, Number.NEGATIVE_INFINITY, -0, undefined, 2n ** 70n])('keep %s', (value) => {
    expect(Object.is(roundTrip(value), value)).toBe(true);
  });

  test('keep a member that is undefined, which JSON drops', () => {
    expect(Object.keys(roundTrip({ a: undefined }) as object)).toEqual(['a']);
  });

  test('keep a date that is none', () => {
    expect((roundTrip(new Date(Number.NaN)) as Date).getTime()).toBeNaN();
  });

  test('keep the holes of an array as undefined', () => {
    // biome-ignore lint/suspicious/noSparseArray: that is what is tested
    expect(roundTrip([1, , 3])).toStrictEqual([1, undefined, 3]);
  });

  test('keep a member named like the tag, and what only looks like a tagged value', () => {
    const hostile = { $sf: 'date', value: '0', inner: { $sf: { $sf: 'undefined' } } };
    expect(roundTrip(hostile)).toStrictEqual(hostile);
  });

  test('keep a member named __proto__ as a member, and reach no prototype', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"$sf":1}');
    const back = roundTrip(hostile) as Record<string, unknown>;
    expect(Object.getOwnPropertyDescriptor(back, '__proto__')?.value).toEqual({ polluted: true });
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(back['polluted']).toBeUndefined();
  });

  test('read objects without a prototype as plain ones', () => {
    expect(roundTrip(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 });
  });

  test('keep one object that is in two places, as two', () => {
    const shared = { a: 1 };
    expect(roundTrip([shared, shared])).toStrictEqual([{ a: 1 }, { a: 1 }]);
  });

  test('keep errors with name, message, stack and causes', () => {
    const error = new TypeError('no', { cause: new Error('why', { cause: { code: 7n } }) });
    const back = roundTrip(error) as Error & { cause: Error };
    expect(back).toBeInstanceOf(Error);
    expect([back.name, back.message, back.stack]).toEqual(['TypeError', 'no', error.stack]);
    expect(back.cause.message).toBe('why');
    expect(back.cause.cause).toEqual({ code: 7n });
  });

  test('keep an error of Stageflow with its code, details and place', () => {
    const error = new StageflowError('SF_STAGE_TIMEOUT', { stage: 'a', timeoutMs: 5, overrunMs: 0 }, { path: 'a', runId: 'r' });
    const back = roundTrip({ error }) as { error: StageflowError };
    expect(isStageflowError(back.error, 'SF_STAGE_TIMEOUT')).toBe(true);
    expect(back.error.toJSON()).toEqual(error.toJSON());
  });

  test('keep an error without a stack or a cause', () => {
    const error = new Error('bare');
    delete error.stack;
    const back = roundTrip(error) as Error;
    expect([back.message, 'cause' in back]).toEqual(['bare', false]);
  });
});

describe('encode()', () => {
  class Client {}
  const circle: { self?: unknown } = {};
  circle.self = circle;

  test.each<[string, unknown, string, string]>([
    ['a function', { a: [1, () => 1] }, 'value.a[1]', 'a function'],
    ['a symbol', { a: Symbol('s') }, 'value.a', 'a symbol'],
    ['an instance of a class', [new Client()], 'value[0]', 'an instance of Client'],
    ['an instance of a class that has no name', Object.create({ constructor: undefined }), 'value', 'an instance of a class'],
    ['a circle', circle, 'value.self', 'a circle'],
    ['what a map holds', new Map([['k', () => 1]]), 'value<0>', 'a function'],
    ['a key of a map', new Map([[() => 1, 'v']]), 'value<key 0>', 'a function'],
    ['what a set holds', new Set([1, () => 1]), 'value<1>', 'a function'],
    ['the cause of an error', new Error('e', { cause: () => 1 }), 'value.cause', 'a function'],
    ['an array of numbers of another kind', new Float64Array(1), 'value', 'an instance of Float64Array'],
  ])('refuses %s, and says where it is', (_, value, refused, what) => {
    expect(encode(value)).toEqual({ refused, what });
  });

  test('names the first of several that cannot be kept', () => {
    expect(encode({ a: () => 1, b: Symbol('s') })).toEqual({ refused: 'value.a', what: 'a function' });
  });

  test('does not throw where members do', () => {
    const hostile = {
      get bad(): never {
        throw new Error('no access');
      },
    };
    expect(encode(hostile)).toEqual({ refused: 'value', what: 'something whose members cannot be read (Error: no access)' });
  });

  test('does not throw where the nesting is deeper than the stack', () => {
    let deep: unknown = 1;
    for (let at = 0; at < 200_000; at++) deep = [deep];
    expect(encode(deep)).toMatchObject({ refused: 'value' });
  });

  test('does not throw where a proxy answers nothing', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(encode(proxy)).toMatchObject({ refused: 'value' });
  });
});

describe('decode()', () => {
  test('refuses a tag of a later version', () => {
    expect(() => decode('{"$sf":"temporal"}' as Encoded)).toThrow('a value is tagged "temporal", which this version does not know');
  });

  test('refuses what is no JSON', () => {
    expect(() => decode('{' as Encoded)).toThrow(SyntaxError);
  });
});

test('bytes are read as earlier versions wrote them, too', () => {
  expect(decode('{"$sf":"bytes","value":[0,255]}' as Encoded)).toEqual(Uint8Array.of(0, 255));
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at % 256);
  const { text } = encode(bytes) as { readonly text: Encoded };
  expect(decode(text)).toEqual(bytes);
  expect(text.length).toBeLessThan(bytes.length * 1.4);
});
