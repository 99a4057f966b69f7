import { expect, test } from 'vitest';
import { RecentWaits } from './recent-waits.ts';

function recorded(waits: readonly number[]): RecentWaits {
  const recent = new RecentWaits();
  for (const wait of waits) recent.record(wait);
  return recent;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

test.each([
  ['none', [], { p50: 0, p95: 0 }],
  ['one', [7], { p50: 7, p95: 7 }],
  ['two', [9, 1], { p50: 1, p95: 9 }],
  ['twenty, in any order', upTo(20).reverse(), { p50: 10, p95: 19 }],
  ['a thousand', upTo(1_000), { p50: 500, p95: 950 }],
])('the percentiles of %s are by nearest rank', (_, waits, expected) => {
  expect(recorded(waits).percentiles()).toEqual(expected);
});

test('only the last thousand count', () => {
  expect(recorded([...upTo(1_000).map(() => 1e6), ...upTo(1_000)]).percentiles()).toEqual({ p50: 500, p95: 950 });
  expect(recorded([...upTo(1_000), 5_000, 5_000]).percentiles()).toEqual({ p50: 502, p95: 952 });
});
