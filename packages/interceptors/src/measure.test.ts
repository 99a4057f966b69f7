import { describe, expect, test } from 'vitest';
import { measure } from './measure.ts';

describe('measure()', () => {
  test.each<[unknown, number]>([
    ['abc', 5],
    ['é', 4],
    ['€', 5],
    ['\ud83d\ude80', 6],
    [12.5, 4],
    [true, 4],
    [null, 4],
    [undefined, 4],
    [255n, 2],
    [{}, 2],
    [{ a: 1 }, 6],
    [[1, 2, 3], 5],
    [new Array(3), 14],
    [new Map([['k', 1]]), 6],
    [new Set(['k']), 5],
    [new Uint8Array(100), 102],
    [() => 1, 4],
    [new Date(0), 2],
  ])('of %o is %i', (value, bytes) => {
    expect(measure(value, 1_000)).toBe(bytes);
  });

  test('counts each object once, and comes to an end in circles', () => {
    const shared = { text: 'x'.repeat(100) };
    expect(measure([shared, shared], 10_000)).toBeLessThan(130);
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(measure(circle, 10_000)).toBe(10);
  });

  test('calls no getter, and takes what throws for empty', () => {
    let calls = 0;
    const getter = {
      get text() {
        calls++;
        return 'x';
      },
    };
    expect(measure(getter, 1_000)).toBe(12);
    const refusing = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(measure([refusing, revoked.proxy, new Proxy(new Map([[1, 2]]), {}), 'abc'], 1_000)).toBe(2 + 2 + 2 + 2 + 5);
    expect(calls).toBe(0);
  });

  test('goes no further than the limit', () => {
    let looks = 0;
    const members = new Proxy([], {
      get: (_, key) => (key === 'length' ? 4e9 : undefined),
      getOwnPropertyDescriptor: (_, key) => {
        looks++;
        return { value: String(key), configurable: true, enumerable: true, writable: true };
      },
    });
    expect(measure(members, 1_000)).toBeGreaterThan(1_000);
    expect(looks).toBeLessThan(1_000);
    expect(measure('x'.repeat(10_000_000), 10)).toBeLessThan(20);
  });

  test('is as deep as the value', () => {
    let deep: unknown = 1;
    for (let at = 0; at < 100_000; at++) deep = [deep];
    expect(measure(deep, 1_000_000)).toBe(200_001);
  });
});
