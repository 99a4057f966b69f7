import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffDelayMs, resolveRetry, retryAfterMs } from '../src/retry.ts';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

const longestMs = 2_147_483_647;
// A picosecond is the shortest: below, halves of a number are no longer exact.
const waits = fc.oneof(fc.nat(1_000), fc.constantFrom(0, 1, 0.5, longestMs), fc.double({ min: 1e-9, max: longestMs, noNaN: true }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.oneof(
  fc.integer({ min: 1, max: 10 }),
  fc.integer({ min: 1, max: 1_000_000 }),
  fc.constantFrom(1, 1_024, 1_025, Number.MAX_SAFE_INTEGER),
);
const backoffs = fc.constantFrom('constant', 'linear', 'exponential');
const jitters = fc.constantFrom('none', 'full', 'equal', 'decorrelated');

test('every wait lies in [0, maxMs], and within the bounds of its backoff and jitter', () => {
  const seen = new Map<string, number>();
  const policies = fc.record({ backoff: backoffs, jitter: jitters, baseMs: waits, maxMs: waits });
  const check = (
    policy: Parameters<typeof resolveRetry>[0] & { baseMs: number; maxMs: number },
    attempt: number,
    previous: number,
    chance: number,
  ): void => {
    const { baseMs, maxMs, backoff, jitter } = policy;
    const previousMs = Math.min(previous, maxMs);
    const waitMs = backoffDelayMs(resolveRetry(policy), attempt, previousMs, chance);
    const growth = { constant: 1, linear: attempt, exponential: 2 ** (attempt - 1) }[backoff ?? 'exponential'];
    const plainMs = baseMs === 0 ? 0 : Math.min(maxMs, baseMs * growth);
    const bounds = {
      none: [plainMs, plainMs],
      full: [0, plainMs],
      equal: [plainMs / 2, plainMs],
      decorrelated: [Math.min(maxMs, baseMs), Math.min(maxMs, Math.max(baseMs, 3 * (previousMs || baseMs)))],
    }[jitter ?? 'full'] as [number, number];
    expect(waitMs).toBeGreaterThanOrEqual(0);
    expect(waitMs).toBeLessThanOrEqual(maxMs);
    expect(waitMs).toBeGreaterThanOrEqual(bounds[0]);
    expect(waitMs).toBeLessThanOrEqual(bounds[1]);
    seen.set(`${backoff} ${jitter}`, (seen.get(`${backoff} ${jitter}`) ?? 0) + 1);
  };
  fc.assert(fc.property(policies, attempts, waits, random, check), { numRuns, seed });
  expect(seen.size).toBe(12);
});

// The smallest case that the property above has found: 0 * 2 ** 1024 is no number.
test('a wait of nothing stays one, after however many attempts', () => {
  const policy = resolveRetry({ attempts: 2_000, backoff: 'exponential', baseMs: 0, jitter: 'none' });
  expect(backoffDelayMs(policy, 1_024, 0, 0)).toBe(0);
  expect(backoffDelayMs(policy, 1_025, 0, 0)).toBe(0);
});

test('without jitter a wait is never shorter than the one before', () => {
  const policies = fc.record({ backoff: backoffs, baseMs: waits, maxMs: waits });
  const check = (policy: Parameters<typeof resolveRetry>[0], attempt: number): void => {
    const wait = (after: number) => backoffDelayMs(resolveRetry({ ...policy, jitter: 'none' }), after, 0, 0);
    expect(wait(attempt + 1)).toBeGreaterThanOrEqual(wait(attempt));
  };
  fc.assert(fc.property(policies, attempts, check), { numRuns, seed });
});

test('whatever was thrown, it asks for a finite time of at least 0, or for none', () => {
  const thrown = fc.oneof(
    fc.anything(),
    fc.record({ retryAfterMs: fc.anything() }),
    fc.record({ retryAfter: fc.oneof(fc.double(), fc.string()) }),
    fc.record({
      headers: fc.dictionary(
        fc.constantFrom('Retry-After', 'retry-after', 'x'),
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
      ),
    }),
  );
  let asked = 0;
  const check = (error: unknown, now: number): void => {
    const ms = retryAfterMs(error, now);
    if (ms === undefined) return;
    asked++;
    expect(Number.isFinite(ms) && ms >= 0).toBe(true);
  };
  fc.assert(fc.property(thrown, fc.nat(2 ** 40), check), { numRuns, seed });
  expect(asked).toBeGreaterThan(numRuns / 20);
});
