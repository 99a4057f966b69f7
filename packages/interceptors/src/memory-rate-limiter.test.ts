import { rateLimiterContract, virtualClock } from '@stageflow/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryRateLimiter } from './memory-rate-limiter.ts';

const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

describe('the memory limiter', () => {
  test.each(rateLimiterContract)('$name', ({ run }) => {
    const clock = virtualClock();
    return run({ limiter: memoryRateLimiter({ clock }), pass: (ms) => clock.advance(ms) });
  });

  test('keeps the time of the host where it is given no clock', async () => {
    const limiter = memoryRateLimiter();
    const limit = { calls: 1, perMs: 60_000 };
    expect(await limiter.take({ key: 'k', limit })).toEqual({ granted: true });
    expect(await limiter.take({ key: 'k', limit })).toMatchObject({ granted: false });
  });

  test('grants in no span more than the limit says, whenever and however often it is asked', async () => {
    const requests = fc.array(fc.record({ inMs: fc.integer({ min: 0, max: 50 }), times: fc.integer({ min: 1, max: 6 }) }), {
      maxLength: 60,
    });
    const limits = fc.record({ calls: fc.integer({ min: 1, max: 7 }), perMs: fc.integer({ min: 1, max: 300 }) });
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(limits, requests, async (limit, asked) => {
        let now = 0;
        const limiter = memoryRateLimiter({ clock: { monotonic: () => now } });
        const grants: number[] = [];
        for (const { inMs, times } of asked) {
          now += inMs;
          for (let at = 0; at < times; at++) {
            const answer = await limiter.take({ key: 'k', limit });
            if (answer.granted) grants.push(now);
            else refusals++;
          }
        }
        for (const [first, from] of grants.entries()) {
          for (const [last, until] of grants.entries()) {
            const most = limit.calls * (1 + (until - from) / limit.perMs);
            if (last >= first) expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
      { numRuns: 200, seed },
    );
    expect(refusals).toBeGreaterThan(0);
  });

  test('grants after the wait it named, also where the steps are fractions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 97 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.nat(1_000_000),
        async (calls, perMs, start) => {
          let now = start + 0.123_456_7;
          const limiter = memoryRateLimiter({ clock: { monotonic: () => now } });
          for (let at = 0; at < 3 * calls; at++) {
            const answer = await limiter.take({ key: 'k', limit: { calls, perMs } });
            if (answer.granted) continue;
            now += answer.retryAfterMs;
            expect((await limiter.take({ key: 'k', limit: { calls, perMs } })).granted).toBe(true);
          }
        },
      ),
      { numRuns: 200, seed },
    );
  });

  test('forgets keys that have all their calls again, and no others', async () => {
    let now = 0;
    const limiter = memoryRateLimiter({ clock: { monotonic: () => now } });
    const long = { calls: 1, perMs: 10_000 };
    await limiter.take({ key: 'spent', limit: long });
    for (let at = 0; at < 5_000; at++) {
      now += 1;
      await limiter.take({ key: `k${at}`, limit: { calls: 1, perMs: 10 } });
    }
    expect(await limiter.take({ key: 'spent', limit: long })).toEqual({ granted: false, retryAfterMs: 5_000 });
  });

  test.each([
    ['limit.calls', { key: 'k', limit: { calls: 0, perMs: 1 } }],
    ['limit.perMs', { key: 'k', limit: { calls: 1, perMs: Number.NaN } }],
  ])('rejects where it cannot tell, by the name of what is wrong: %s', async (option, request) => {
    await expect(memoryRateLimiter().take(request)).rejects.toMatchObject({
      code: 'SF_OPTION_INVALID',
      details: { option: `${option} of take()` },
    });
  });
});
