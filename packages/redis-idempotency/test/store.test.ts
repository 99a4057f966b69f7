import { memoryIdempotencyStore } from '@stageflow/core';
import type { ClaimResult, Encoded, IdempotencyStore } from '@stageflow/core/ports';
import { redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type RedisServer, startRedis } from './redis-server.ts';

const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const identity = { tenantId: 'acme', scope: 'payments', key: 'one' };
const aClaim = { paramsHash: undefined, leaseMs: 60_000 };

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.port);
});

beforeEach(() => redis.flushall());

afterAll(async () => {
  redis?.disconnect();
  await server?.remove();
}, 60_000);

/** Says the same of both stores whose tokens differ: the place of a token among those that were given. */
class Play {
  readonly #store: IdempotencyStore;
  readonly #tokens: number[] = [];

  constructor(store: IdempotencyStore) {
    this.#store = store;
  }

  async step({ verb, key, token, params }: Step): Promise<unknown> {
    const of = { ...identity, key };
    const its = this.#tokens[token] ?? 0;
    if (verb === 'claim') return this.#seen(await this.#store.claim(of, { paramsHash: params, leaseMs: 60_000 }));
    if (verb === 'settle') return this.#store.settle(of, its, { record: JSON.stringify(token) as Encoded, ttlMs: 60_000 });
    if (verb === 'renew') return this.#store.renew(of, its, { leaseMs: 60_000 });
    if (verb === 'release') return this.#store.release(of, its);
    return this.#store.forget(of);
  }

  #seen(result: ClaimResult): unknown {
    if (result.status === 'claimed') return { status: 'claimed', token: this.#tokens.push(result.token) };
    return result.status === 'held' ? 'held' : result;
  }
}

interface Step {
  readonly verb: 'claim' | 'settle' | 'renew' | 'release' | 'forget';
  readonly key: string;
  readonly token: number;
  readonly params: string | undefined;
}

test('the store says what the memory store says, whatever is asked in whatever order', async () => {
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.record({
      verb: fc.constantFrom('claim', 'claim', 'settle', 'renew', 'release', 'forget'),
      key: fc.constantFrom('one', 'two'),
      token: fc.nat(3),
      params: fc.constantFrom(undefined, '', 'a', 'b'),
    }),
    { maxLength: 40 },
  );
  const said = new Set<string>();
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const store = redisIdempotencyStore({ redis, prefix: crypto.randomUUID() });
      const [mine, model] = [new Play(store), new Play(memoryIdempotencyStore())];
      for (const step of all) {
        const expected = await model.step(step);
        expect(await mine.step(step)).toEqual(expected);
        said.add(`${step.verb} ${JSON.stringify(expected).replaceAll(/\d+/g, '')}`);
      }
    }),
    { numRuns: 100, seed },
  );
  expect([...said]).toEqual(
    expect.arrayContaining(['settle true', 'settle false', 'renew true', 'release true', 'forget true', 'claim "held"']),
  );
}, 30_000);

test('a claim that the client sends again, because it lost the reply, is granted once and told so', async () => {
  const store = redisIdempotencyStore({
    redis: {
      evalsha: async (...args) => {
        await redis.evalsha(...args);
        return redis.evalsha(...args);
      },
      eval: (...args) => redis.eval(...args),
      duplicate: () => redis.duplicate(),
    },
  });
  await store.forget(identity);
  const claimed = await store.claim(identity, aClaim);
  expect(claimed).toMatchObject({ status: 'claimed' });
  expect(await store.claim(identity, aClaim)).toMatchObject({ status: 'held' });
});

test('half a surrogate pair in a key is not another half', async () => {
  const store = redisIdempotencyStore({ redis });
  expect(await store.claim({ ...identity, key: '\ud800' }, aClaim)).toMatchObject({ status: 'claimed' });
  expect(await store.claim({ ...identity, key: '\ud801' }, aClaim)).toMatchObject({ status: 'claimed' });
});

test('every key has an end, the prefix and the tenant', async () => {
  const store = redisIdempotencyStore({ redis, prefix: 'shop' });
  const limiter = redisRateLimiter({ redis, prefix: 'shop' });
  const claimed = await store.claim(identity, aClaim);
  await limiter.take({ key: 'acme/pay', limit: { calls: 1, perMs: 60_000 } });
  const keys = (await redis.keys('*')).sort();
  expect(keys).toEqual(['shop:effect:["acme","payments","one"]', 'shop:rate:"acme/pay"']);
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(50_000);
  if (claimed.status !== 'claimed') throw new Error(claimed.status);
  await store.settle(identity, claimed.token, { record: '1' as Encoded, ttlMs: Number.MAX_VALUE });
  expect(await redis.pttl(keys[0] as string)).toBeGreaterThan(1e15);
});

test.each([Number.NaN, 0, -1])('a lease of %s ms is refused, and leaves nothing behind', async (leaseMs) => {
  const store = redisIdempotencyStore({ redis });
  await expect(store.claim(identity, { ...aClaim, leaseMs })).rejects.toMatchObject({
    code: 'SF_OPTION_INVALID',
    details: { option: 'leaseMs of claim()' },
  });
  expect(await redis.dbsize()).toBe(0);
});

test('a signal that has aborted, or does so meanwhile, ends every call', async () => {
  const store = redisIdempotencyStore({ redis });
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(store.claim(identity, { ...aClaim, signal })).rejects.toThrow('enough');
  await expect(store.whenFree(identity, { signal })).rejects.toThrow('enough');
  expect(await redis.dbsize()).toBe(0);
  const stop = new AbortController();
  const released = store.release(identity, 1, { signal: stop.signal });
  queueMicrotask(() => stop.abort(new Error('enough')));
  await expect(released).rejects.toThrow('enough');
  store.close();
});

test.each([
  ['nothing', null],
  ['another word', ['granted', '1']],
])('an answer that the script does not give is no claim: %s', async (_, reply) => {
  const answering = { evalsha: async () => reply, eval: async () => reply, duplicate: () => redis.duplicate() };
  await expect(redisIdempotencyStore({ redis: answering }).claim(identity, aClaim)).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE' });
});

test('what is thrown is told, also where it is no error, or one without a message', async () => {
  const failing = (error: unknown) =>
    redisRateLimiter({ redis: { evalsha: () => Promise.reject(error), eval: () => Promise.reject(error) } });
  const request = { key: 'k', limit: { calls: 1, perMs: 1_000 } };
  await expect(failing('gone').take(request)).rejects.toMatchObject({ details: { why: 'gone.' } });
  await expect(failing(new AggregateError([])).take(request)).rejects.toMatchObject({ details: { why: 'AggregateError.' } });
});

test('a limiter waits for no clock that was set back longer than for all of its calls', async () => {
  const limiter = redisRateLimiter({ redis });
  const request = { key: 'k', limit: { calls: 2, perMs: 60_000 } };
  await redis.set('stageflow:rate:"k"', String(Date.now() + 3_600_000));
  expect(await limiter.take(request)).toEqual({ granted: false, retryAfterMs: 30_000 });
});

test.each([
  ['whenDown of redisRateLimiter()', () => redisRateLimiter({ redis, whenDown: 'never' as 'deny' })],
  ['timeoutMs of redisRateLimiter()', () => redisRateLimiter({ redis, timeoutMs: Number.NaN })],
  ['limit.calls of take()', () => redisRateLimiter({ redis }).take({ key: 'k', limit: { calls: 1.5, perMs: 1 } })],
  ['limit.perMs of take()', () => redisRateLimiter({ redis, whenDown: 'allow' }).take({ key: 'k', limit: { calls: 1, perMs: 0 } })],
])('is refused by its name: %s', async (option, make) => {
  await expect((async () => make())()).rejects.toMatchObject({ code: 'SF_OPTION_INVALID', details: { option } });
});
