import { describe, expect, test } from 'vitest';
import { valuesPrint } from './values-print.ts';

class Client {
  readonly secret = Math.random();
}

describe('valuesPrint()', () => {
  test.each<[string, unknown, string]>([
    ['members in the order of their names', { b: 1, a: { d: [1, 'x', null, true], c: 2 } }, '{"a":{"c":2,"d":[1,"x",null,true]},"b":1}'],
    ['an object without a prototype as any other', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['a date as its time', { at: new Date(5) }, '{"at":"5"}'],
    ['a date that is none', { at: new Date(Number.NaN) }, '{"at":"NaN"}'],
    ['a large number with its sign', { n: 12n }, '{"n":"12n"}'],
    ['a member that says __proto__ as a member', JSON.parse('{"__proto__": 1}'), '{"__proto__":1}'],
    [
      'what has no words as its kind',
      [() => 1, Symbol('s'), new Client(), new Map(), /x/],
      '["[function]","[symbol]","[object]","[object]","[object]"]',
    ],
    ['a function that JSON would call as a function', { toJSON: () => 'x' }, '{"toJSON":"[function]"}'],
    ['nothing', undefined, 'undefined'],
    ['a member that is not there as one that is undefined', { a: undefined }, '{}'],
  ])('prints %s', (_, values, print) => {
    expect(valuesPrint(values)).toBe(print);
  });

  test('prints what contains itself', () => {
    const circular: { self?: unknown; list: unknown[] } = { list: [] };
    circular.self = circular;
    circular.list.push(circular.list);
    expect(valuesPrint(circular)).toBe('{"list":["[circular]"],"self":"[circular]"}');
  });

  test('prints one object in two places as two objects that are equal', () => {
    const shared = { x: 1 };
    expect(valuesPrint({ a: shared, b: shared })).toBe(valuesPrint({ a: { x: 1 }, b: { x: 1 } }));
  });

  test('shortens what is long, and still tells apart what differs at the end', () => {
    const long = (end: string) => valuesPrint({ text: 'x'.repeat(500) + end });
    expect(long('a')).toMatch(/^\{"text":"x{191}… \(512 characters, [0-9a-f]+\)$/);
    expect(long('a')).toBe(long('a'));
    expect(long('a')).not.toBe(long('b'));
    expect(valuesPrint('x'.repeat(198))).toBe(`"${'x'.repeat(198)}"`);
    expect(valuesPrint('x'.repeat(199))).toContain('… (201 characters');
  });

  test('takes its checksum from FNV-1a', () => {
    // The text is 300 times "a" in quotes; the sum was computed by another implementation.
    let hash = 0x811c9dc5n;
    for (const unit of `"${'a'.repeat(300)}"`) hash = ((hash ^ BigInt(unit.charCodeAt(0))) * 0x01000193n) & 0xffffffffn;
    expect(valuesPrint('a'.repeat(300))).toContain(`, ${hash.toString(16)})`);
  });
});
