import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentCalls } from './recent-calls.ts';

const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const windowMs = 100;
const slice = (at: number): number => Math.floor(at / 10);

type Step = { readonly record: boolean } | { readonly passMs: number } | { readonly clear: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ record: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ passMs: fc.constantFrom(1, 5, 10, 25, 60, 95, 100, 110, 500) }) },
  { weight: 1, arbitrary: fc.record({ clear: fc.constant(true as const) }) },
);

test('counts what a list of all calls would count, in whatever order they come and time passes', () => {
  const check = (steps: readonly Step[], start: number): void => {
    const recent = new RecentCalls(windowMs);
    let all: { readonly at: number; readonly failed: boolean }[] = [];
    let now = start;
    for (const each of steps) {
      if ('passMs' in each) now += each.passMs;
      else if ('clear' in each) {
        recent.clear();
        all = [];
      } else {
        recent.record(each.record, now);
        all.push({ at: now, failed: each.record });
      }
      recent.forget(now);
      const kept = all.filter(({ at }) => slice(now) - slice(at) < 10);
      expect([recent.calls, recent.failures]).toEqual([kept.length, kept.filter(({ failed }) => failed).length]);
    }
  };
  void fc.assert(fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), fc.nat(100_000), check), { numRuns: 500, seed });
});

test('forgets everything at once that was longer ago than the window, however long ago', () => {
  const recent = new RecentCalls(windowMs);
  recent.record(true, 5);
  recent.forget(1e12);
  expect([recent.calls, recent.failures]).toEqual([0, 0]);
});

test('takes a clock that goes back as one that stands still', () => {
  const recent = new RecentCalls(windowMs);
  recent.record(true, 1_000);
  recent.record(true, 10);
  recent.forget(1_050);
  expect([recent.calls, recent.failures]).toEqual([2, 2]);
  recent.forget(1_100);
  expect([recent.calls, recent.failures]).toEqual([0, 0]);
});
