import { describe, expect, test } from 'vitest';
import { concurrently } from './concurrently.ts';

describe('concurrently()', () => {
  test('keeps the order of the items and the limit', async () => {
    let underWay = 0;
    let most = 0;
    const results = await concurrently([5, 1, 4, 2, 3], 2, async (item) => {
      underWay += 1;
      most = Math.max(most, underWay);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      underWay -= 1;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  test('makes no further calls once one has failed', async () => {
    const called: number[] = [];
    const mapping = concurrently([1, 2, 3, 4], 1, async (item) => {
      called.push(item);
      if (item === 2) throw new Error('two');
    });
    await expect(mapping).rejects.toThrow('two');
    expect(called).toEqual([1, 2]);
  });

  test('gives nothing for nothing', async () => {
    expect(await concurrently([], 4, async () => 1)).toEqual([]);
  });
});
