import type { RateLimit, RateLimitAnswer, RateLimiter } from '@stageflow/core/ports';
import { assertRejects, assertSame, type ContractCase } from './contract-case.ts';

/** A fresh limiter, and a way to let its time pass. */
export interface RateLimiterSubject {
  readonly limiter: RateLimiter;
  /** Lets that much time of the limiter pass, or a little more: a wait, or a clock that is moved. */
  readonly pass: (ms: number) => Promise<void>;
}

/** Long enough that no case lasts so long on a slow machine. */
const slow: RateLimit = { calls: 3, perMs: 600_000 };
/** Short enough to wait for. */
const quick: RateLimit = { calls: 2, perMs: 200 };

/**
 * What every `RateLimiter` must do: burst, refusal, the time it names, keys, atomicity, signals. Cases that wait take less than half a
 * second each, so that an adapter with a time of its own can pass them.
 *
 * @example
 * ```ts
 * import { rateLimiterContract, virtualClock } from '@stageflow/testing';
 *
 * test.each(rateLimiterContract)('$name', ({ run }) => {
 *   const clock = virtualClock();
 *   return run({ limiter: myRateLimiter({ clock }), pass: (ms) => clock.advance(ms) });
 * });
 * ```
 */
export const rateLimiterContract: readonly ContractCase<RateLimiterSubject>[] = [
  {
    name: 'a key that was never asked for has all of its calls at once, and no more',
    async run({ limiter }) {
      assertSame(await granted(limiter, 'k', slow, 5), [true, true, true, false, false], 'five requests under a limit of three');
    },
  },
  {
    name: 'a refusal names a time above 0 and no longer than one call takes to come back',
    async run({ limiter }) {
      await granted(limiter, 'k', slow, 3);
      const retryAfterMs = refused(await limiter.take({ key: 'k', limit: slow }));
      assertSame(retryAfterMs > 0 && retryAfterMs <= slow.perMs / slow.calls, true, `the time it names, ${retryAfterMs} ms`);
    },
  },
  {
    name: 'after the time that a refusal names one call is granted, and only one',
    async run({ limiter, pass }) {
      const limit: RateLimit = { calls: 2, perMs: 600 };
      await granted(limiter, 'k', limit, 2);
      await pass(refused(await limiter.take({ key: 'k', limit })));
      assertSame(await granted(limiter, 'k', limit, 2), [true, false], 'after the time');
    },
  },
  {
    name: 'a refusal takes nothing: however often one asks in vain, the time does not move away',
    async run({ limiter, pass }) {
      await granted(limiter, 'k', quick, 2);
      const first = refused(await limiter.take({ key: 'k', limit: quick }));
      for (let at = 0; at < 20; at++) await limiter.take({ key: 'k', limit: quick });
      await pass(first);
      assertSame(await granted(limiter, 'k', quick, 1), [true], 'after the time that the first refusal named');
    },
  },
  {
    name: 'calls come back one by one, not all at the end of a window',
    async run({ limiter, pass }) {
      const limit: RateLimit = { calls: 4, perMs: 1_200 };
      await granted(limiter, 'k', limit, 4);
      await pass(limit.perMs / limit.calls);
      assertSame(await granted(limiter, 'k', limit, 2), [true, false], 'after a quarter of the time');
    },
  },
  {
    name: 'no more calls are saved up than the limit has, however long nobody asked',
    async run({ limiter, pass }) {
      const limit: RateLimit = { calls: 2, perMs: 300 };
      await granted(limiter, 'k', limit, 1);
      await pass(1.5 * limit.perMs);
      assertSame(await granted(limiter, 'k', limit, 3), [true, true, false], 'after a long rest');
    },
  },
  {
    name: 'keys are counted apart, whatever they hold',
    async run({ limiter }) {
      const one: RateLimit = { calls: 1, perMs: slow.perMs };
      const keys = [
        'a',
        'A',
        'a ',
        ' a',
        'a:b',
        'a/b',
        '["a","b"]',
        'a\u0000',
        'ä',
        'a\u0308',
        '*',
        'a*',
        '{a}',
        '__proto__',
        'x'.repeat(300),
      ];
      for (const key of keys) assertSame(await granted(limiter, key, one, 2), [true, false], `key ${JSON.stringify(key)}`);
    },
  },
  {
    name: 'of many requests at once no more are granted than the limit has',
    async run({ limiter }) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => limiter.take({ key: 'k', limit: slow })));
      assertSame(answers.filter((answer) => answer.granted).length, slow.calls, 'how many were granted');
    },
  },
  {
    name: 'a signal that has aborted rejects with its reason, and takes nothing',
    async run({ limiter }) {
      const one: RateLimit = { calls: 1, perMs: slow.perMs };
      const reason = new Error('enough');
      const rejected = limiter.take({ key: 'k', limit: one, signal: AbortSignal.abort(reason) });
      await assertRejects(rejected, 'take()');
      assertSame(await rejected.catch((error: unknown) => error === reason), true, 'whether it is the reason');
      assertSame(await granted(limiter, 'k', one, 1), [true], 'the next request');
    },
  },
];

async function granted(limiter: RateLimiter, key: string, limit: RateLimit, times: number): Promise<readonly boolean[]> {
  const answers: boolean[] = [];
  for (let at = 0; at < times; at++) answers.push((await limiter.take({ key, limit })).granted);
  return answers;
}

function refused(answer: RateLimitAnswer): number {
  if (answer.granted) throw new Error('take(): expected a refusal, it was granted');
  return answer.retryAfterMs;
}
