import type { RateLimitAnswer, RateLimiter, RateLimitRequest } from '@stageflow/core/ports';
import { rateLimiterContract, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';

/** Another turn, in which others come between a look and what follows from it. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** A limiter in a few lines, each part of which can be another. */
class Limiter implements RateLimiter {
  readonly name = 'sabotaged';
  protected readonly fullAt = new Map<string, number>();
  protected readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  protected key(key: string): string {
    return key;
  }

  protected look({ signal }: RateLimitRequest): Promise<void> | void {
    signal?.throwIfAborted();
  }

  protected refuse(_request: RateLimitRequest, waitMs: number): number {
    return waitMs;
  }

  protected floor(fullAt: number, now: number): number {
    return Math.max(fullAt, now);
  }

  protected step({ limit }: RateLimitRequest): number {
    return limit.perMs / limit.calls;
  }

  protected tolerance({ limit }: RateLimitRequest): number {
    return limit.perMs;
  }

  async take(request: RateLimitRequest): Promise<RateLimitAnswer> {
    const key = this.key(request.key);
    const now = this.now();
    const next = this.floor(this.fullAt.get(key) ?? now, now) + this.step(request);
    const looked = this.look(request);
    if (looked !== undefined) await looked;
    const waitMs = next - this.tolerance(request) - now;
    if (waitMs > 0) return { granted: false, retryAfterMs: this.refuse(request, waitMs) };
    this.fullAt.set(key, next);
    return { granted: true };
  }
}

interface Mutant {
  readonly breaks: string;
  readonly as: new (now: () => number) => RateLimiter;
  readonly caughtBy: readonly string[];
}

const mutants: readonly Mutant[] = [
  {
    breaks: 'grants one too many',
    as: class extends Limiter {
      protected override tolerance({ limit }: RateLimitRequest) {
        return limit.perMs + limit.perMs / limit.calls;
      }
    },
    caughtBy: ['a key that was never asked for has all of its calls at once, and no more'],
  },
  {
    breaks: 'grants no burst',
    as: class extends Limiter {
      protected override tolerance(request: RateLimitRequest) {
        return this.step(request);
      }
    },
    caughtBy: ['a key that was never asked for has all of its calls at once, and no more'],
  },
  {
    breaks: 'names the time of the whole window',
    as: class extends Limiter {
      protected override refuse({ limit }: RateLimitRequest) {
        return limit.perMs;
      }
    },
    caughtBy: ['a refusal names a time above 0 and no longer than one call takes to come back'],
  },
  {
    breaks: 'names no time',
    as: class extends Limiter {
      protected override refuse() {
        return 0;
      }
    },
    caughtBy: [
      'a refusal names a time above 0 and no longer than one call takes to come back',
      'after the time that a refusal names one call is granted, and only one',
    ],
  },
  {
    breaks: 'names half of the time',
    as: class extends Limiter {
      protected override refuse(_request: RateLimitRequest, waitMs: number) {
        return waitMs / 2;
      }
    },
    caughtBy: ['after the time that a refusal names one call is granted, and only one'],
  },
  {
    breaks: 'counts what it refuses',
    as: class extends Limiter {
      protected override refuse(request: RateLimitRequest, waitMs: number) {
        this.fullAt.set(request.key, (this.fullAt.get(request.key) ?? 0) + this.step(request));
        return waitMs;
      }
    },
    caughtBy: ['a refusal takes nothing: however often one asks in vain, the time does not move away'],
  },
  {
    breaks: 'gives all calls back when the first would come',
    as: class extends Limiter {
      protected override floor(fullAt: number, now: number) {
        return fullAt - now > 1_000 ? fullAt : now;
      }
    },
    caughtBy: ['calls come back one by one, not all at the end of a window'],
  },
  {
    breaks: 'saves calls up without end',
    as: class extends Limiter {
      protected override floor(fullAt: number) {
        return fullAt;
      }
    },
    caughtBy: ['no more calls are saved up than the limit has, however long nobody asked'],
  },
  {
    breaks: 'folds the case of keys',
    as: class extends Limiter {
      protected override key(key: string) {
        return key.toLowerCase();
      }
    },
    caughtBy: ['keys are counted apart, whatever they hold'],
  },
  {
    breaks: 'has one limit for all keys',
    as: class extends Limiter {
      protected override key() {
        return 'all';
      }
    },
    caughtBy: ['keys are counted apart, whatever they hold'],
  },
  {
    breaks: 'looks first and takes later',
    as: class extends Limiter {
      protected override async look(request: RateLimitRequest) {
        request.signal?.throwIfAborted();
        await turn();
      }
    },
    caughtBy: ['of many requests at once no more are granted than the limit has'],
  },
  {
    breaks: 'does not look at the signal',
    as: class extends Limiter {
      protected override look() {}
    },
    caughtBy: ['a signal that has aborted rejects with its reason, and takes nothing'],
  },
  {
    breaks: 'takes, and then looks at the signal',
    as: class extends Limiter {
      protected override look({ key, signal }: RateLimitRequest) {
        if (signal?.aborted === true) this.fullAt.set(key, Number.MAX_SAFE_INTEGER);
        signal?.throwIfAborted();
      }
    },
    caughtBy: ['a signal that has aborted rejects with its reason, and takes nothing'],
  },
  {
    breaks: 'rejects with a reason of its own',
    as: class extends Limiter {
      protected override look({ signal }: RateLimitRequest) {
        if (signal?.aborted === true) throw new Error('aborted');
      }
    },
    caughtBy: ['a signal that has aborted rejects with its reason, and takes nothing'],
  },
];

/** The names of the cases that a limiter does not pass. */
async function caught(as: Mutant['as']): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name, run } of rateLimiterContract) {
    const clock = virtualClock();
    await run({ limiter: new as(() => clock.monotonic()), pass: (ms) => clock.advance(ms) }).catch(() => names.push(name));
  }
  return names;
}

test.each(mutants)('a limiter that $breaks is caught', async ({ as, caughtBy }) => {
  expect(await caught(as)).toEqual(expect.arrayContaining([...caughtBy]));
});

test('each case bites', () => {
  const biting = new Set(mutants.flatMap(({ caughtBy }) => caughtBy));
  expect([...biting].sort()).toEqual(rateLimiterContract.map(({ name }) => name).sort());
});

test('the limiter that is sabotaged here passes as it is', async () => {
  expect(await caught(Limiter)).toEqual([]);
});
