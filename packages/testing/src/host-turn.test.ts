import { describe, expect, test } from 'vitest';
import { hostTurn } from './host-turn.ts';

describe('hostTurn()', () => {
  test.each([
    ['setImmediate', globalThis.setImmediate],
    ['a message', undefined],
  ])('by %s: comes after every microtask', async (_name, via) => {
    let hops = 0;
    const hopping = (async () => {
      while (hops < 100) {
        await undefined;
        hops++;
      }
    })();
    await hostTurn(via ?? null);
    expect(hops).toBe(100);
    await hopping;
  });
});
