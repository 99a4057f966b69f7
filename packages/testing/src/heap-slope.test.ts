import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { heapSlope, theilSenSlope } from './heap-slope.ts';

const before = globalThis.gc;

beforeEach(() => {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;
});

afterEach(() => {
  globalThis.gc = before;
});

describe('heapSlope()', () => {
  test('sees what each run keeps, against a control that keeps nothing', async () => {
    const kept: object[] = [];
    const make = async (): Promise<object> => Array.from({ length: 1_000 }, (_, at) => ({ at }));
    const leaking = await heapSlope(async () => kept.push(await make()), { runs: 100, warmUp: 20, samples: 12 });
    const clean = await heapSlope(make, { runs: 100, warmUp: 20, samples: 12 });
    // 1,000 objects of at least 20 bytes and their places in the array.
    expect(leaking.bytesPerRun).toBeGreaterThan(20_000);
    expect(Math.abs(clean.bytesPerRun)).toBeLessThan(leaking.bytesPerRun / 10);
    expect(kept).toHaveLength(120);
    expect(leaking.samples.map(({ runs }) => runs)).toEqual([0, 9, 18, 27, 36, 45, 55, 64, 73, 82, 91, 100]);
  });

  test('says what to do where there is no collector', async () => {
    globalThis.gc = undefined;
    await expect(heapSlope(() => {})).rejects.toThrow('heapSlope() needs globalThis.gc: start Node with --expose-gc');
  });

  test('refuses too few samples or runs, and passes on what the function throws', async () => {
    await expect(heapSlope(() => {}, { samples: 2 })).rejects.toThrow(RangeError);
    await expect(heapSlope(() => {}, { runs: 5, samples: 6 })).rejects.toThrow(RangeError);
    await expect(heapSlope(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  });
});

describe('theilSenSlope()', () => {
  test('is the slope of a line, whatever a fifth of its points say', () => {
    const line = Array.from({ length: 21 }, (_, x) => [x, 3 * x + 7] as const);
    expect(theilSenSlope(line)).toBe(3);
    expect(theilSenSlope(line.map(([x, y]) => (x % 5 === 2 ? [x, y + 10_000] : [x, y])))).toBe(3);
  });

  test('is the mean of the two middle slopes where their number is even', () => {
    // Three points with one x twice leave two slopes: 1 and 3.
    expect(
      theilSenSlope([
        [0, 0],
        [1, 1],
        [1, 3],
      ]),
    ).toBe(2);
    expect(theilSenSlope([[1, 1]])).toBeNaN();
  });
});
