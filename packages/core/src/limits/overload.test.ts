import { describe, expect, test } from 'vitest';
import { OverloadGauge, type OverloadOptions } from './overload.ts';

const idle = { utilization: 0, queued: 0, waitingSince: undefined, now: 0 };

/** What a gauge says to one load after another. */
function readings(options: OverloadOptions, loads: readonly Partial<Parameters<OverloadGauge['assess']>[0]>[]): boolean[] {
  const gauge = new OverloadGauge(options);
  return loads.map((load) => {
    gauge.assess({ ...idle, ...load });
    return gauge.overloaded;
  });
}

describe('overload', () => {
  test('begins at its mark of utilization, and ends below three quarters of it', () => {
    const loads = [0.3, 0.5, 0.4, 0.375, 0.37, 0.4].map((utilization) => ({ utilization }));
    expect(readings({ atUtilization: 0.5 }, loads)).toEqual([false, true, true, true, false, false]);
  });

  test('begins at its mark of the queue', () => {
    const loads = [3, 4, 3, 2, 3].map((queued) => ({ queued }));
    expect(readings({ atQueue: 4 }, loads)).toEqual([false, true, true, false, false]);
  });

  test('begins once one has waited as long as the mark, and ends when nobody has waited for near as long', () => {
    const loads = [
      { waitingSince: 10, now: 109 },
      { waitingSince: 10, now: 110 },
      { waitingSince: 60, now: 135 },
      { waitingSince: 61, now: 135 },
    ];
    expect(readings({ atWaitMs: 100 }, loads)).toEqual([false, true, true, false]);
    expect(readings({ atWaitMs: 100 }, [{ waitingSince: 0, now: 100 }, {}])).toEqual([true, false]);
  });

  test('counts a fraction of a millisecond as the timers do', () => {
    const waitingSince = 0.4;
    const now = waitingSince + 0.1;
    expect(now - waitingSince).toBeLessThan(0.1);
    expect(readings({ atWaitMs: 0.1 }, [{ waitingSince, now }])).toEqual([true]);
  });

  test('lasts while any of the marks holds', () => {
    const loads = [{ queued: 4 }, { queued: 0, utilization: 0.9 }, { queued: 0, utilization: 0.1 }];
    expect(readings({ atQueue: 4, atUtilization: 1 }, loads)).toEqual([true, true, false]);
  });

  test.each([
    [0.25, [true, true, false]],
    [1, [true, false, false]],
  ])('ends below the share of the mark that is asked for: %d', (clearRatio, expected) => {
    const loads = [8, 2, 1].map((queued) => ({ queued }));
    expect(readings({ atQueue: 8, clearRatio }, loads)).toEqual(expected);
  });

  test('without marks there is none', () => {
    expect(readings({}, [{ utilization: 1, queued: 1e9, waitingSince: 0, now: 1e12 }])).toEqual([false]);
  });
});
