import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';
import { rateLimit } from '@stageflow/interceptors';
import { redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RedisServer, startRedis } from './redis-server.ts';
import { paying, runtimeOn } from './shop.ts';

const identity = { tenantId: 'acme', scope: 'payments', key: 'one' };
const aClaim = { paramsHash: undefined, leaseMs: 60_000 };

let server: RedisServer;
let redis: Redis;

beforeEach(async () => {
  server = await startRedis();
  redis = connected();
});

afterEach(async () => {
  redis.disconnect();
  await server.remove();
});

/** Comes back soon after a break, and lets commands fail meanwhile. */
function connected(options: object = {}): Redis {
  const client = new Redis({ port: server.port, maxRetriesPerRequest: 1, retryStrategy: () => 20, ...options });
  client.on('error', () => {});
  return client;
}

/** A pipeline whose one stage stands behind a limit. */
function limited() {
  const called = vi.fn(() => 'Hello');
  return { called, shop: pipeline('chat', { outputs: { greet: stage('greet', { run: called }) } }) };
}

describe('an idempotency store whose server is down', () => {
  test('keeps the effect from being made, and is asked again when the server is back', async () => {
    const pay = vi.fn(() => 7);
    const shop = paying(pay);
    const store = redisIdempotencyStore({ redis });
    const runtime = runtimeOn(store, shop);
    expect((await runtime.run(shop, { order: 'one' })).outputs).toEqual({ charge: 7 });

    await server.stop();
    const refused = await runtime.run(shop, { order: 'two' });
    expect(refused).toMatchObject({
      status: 'failed',
      error: {
        code: 'SF_IDEMPOTENCY_STORE_FAILED',
        retryable: true,
        details: { store: 'redis', call: 'claim' },
        cause: { code: 'SF_REDIS_UNAVAILABLE', retryable: true, details: { subject: 'claim()' } },
      },
    });
    expect(pay).toHaveBeenCalledOnce();

    // The server that is back knows neither scripts nor records.
    await server.start();
    await vi.waitUntil(() => redis.status === 'ready', { timeout: 5_000 });
    expect((await runtime.run(shop, { order: 'two' })).outputs).toEqual({ charge: 7 });
    expect(await store.claim({ ...identity, tenantId: undefined, key: 'two' }, aClaim)).toMatchObject({ status: 'settled' });
    expect(pay).toHaveBeenCalledTimes(2);
    store.close();
  });

  test('makes the effect all the same where the host says so', async () => {
    const pay = vi.fn(() => 7);
    const shop = paying(pay);
    const store = redisIdempotencyStore({ redis });
    await server.stop();
    const run = await runtimeOn(store, shop, { onStoreFailure: 'run' }).run(shop, { order: 'one' });
    expect(run.outputs).toEqual({ charge: 7 });
    expect(pay).toHaveBeenCalledOnce();
  });

  test('and hangs, fails the stage in the time of the interceptor', async () => {
    const pay = vi.fn(() => 7);
    const shop = paying(pay);
    const store = redisIdempotencyStore({ redis });
    await redis.ping();
    server.pause();
    const run = await runtimeOn(store, shop, { storeTimeoutMs: 100 }).run(shop, { order: 'one' });
    const why = 'it did not answer within 100 ms.';
    expect(run).toMatchObject({ error: { code: 'SF_IDEMPOTENCY_STORE_FAILED', details: { why } } });
    expect(pay).not.toHaveBeenCalled();
    server.goOn();
    expect(await redis.ping()).toBe('PONG');
  });

  test('has no room left, refuses the claim and leaves no key behind', async () => {
    await redis.config('SET', 'maxmemory', '1');
    const store = redisIdempotencyStore({ redis });
    await expect(store.claim(identity, aClaim)).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE', message: /OOM/ });
    await redis.config('SET', 'maxmemory', '0');
    expect(await redis.dbsize()).toBe(0);
    expect(await store.claim(identity, aClaim)).toMatchObject({ status: 'claimed' });
  });
});

describe('who waits', () => {
  test('is told by a message, and nobody listens once nobody waits', async () => {
    const store = redisIdempotencyStore({ redis });
    const other = redisIdempotencyStore({ redis });
    const claimed = await store.claim(identity, aClaim);
    if (claimed.status !== 'claimed') throw new Error(claimed.status);
    const waiting = other.whenFree(identity);
    await listeners(1);
    await store.release(identity, claimed.token);
    await waiting;
    await listeners(0);
    store.close();
    other.close();
  });

  test('is rejected when its connection is lost, and the next one gets another', async () => {
    const store = redisIdempotencyStore({ redis });
    await store.claim(identity, aClaim);
    const waiting = store.whenFree(identity);
    await listeners(1);
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE', details: { why: 'the connection was lost.' } });
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await rejected;
    const again = store.whenFree(identity);
    await listeners(1);
    await store.forget(identity);
    await again;
    store.close();
  });

  test('is rejected where nobody can listen', async () => {
    const store = redisIdempotencyStore({ redis });
    await redis.ping();
    await server.stop();
    await expect(store.whenFree(identity)).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE' });
    store.close();
  });

  test('is rejected when the store is closed, which leaves the client of the host open', async () => {
    const store = redisIdempotencyStore({ redis });
    await store.claim(identity, aClaim);
    const waiting = store.whenFree(identity);
    store.close();
    const closed = { code: 'SF_REDIS_UNAVAILABLE', details: { why: 'the store was closed.' } };
    await expect(waiting).rejects.toMatchObject(closed);
    await expect(store.whenFree(identity)).rejects.toMatchObject(closed);
    expect(await redis.ping()).toBe('PONG');
  });

  test('in vain, and has gone, does not keep the next one from being told', async () => {
    const store = redisIdempotencyStore({ redis });
    await store.claim(identity, aClaim);
    const stop = new AbortController();
    const first = store.whenFree(identity, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    const second = store.whenFree(identity);
    await store.forget(identity);
    await second;
    store.close();
  });
});

describe('a rate limiter whose server is down', () => {
  const limit = { calls: 2, perMs: 60_000 };

  test('lets nothing be called, and counts again when the server is back', async () => {
    const { shop, called } = limited();
    const quota = rateLimit({ name: 'quota', limiter: redisRateLimiter({ redis }), limit, onLimit: 'fail' });
    const runtime = createRuntime({ pipelines: [shop], interceptors: [quota] });
    expect((await runtime.run(shop, {})).status).toBe('completed');
    await server.stop();
    expect(await runtime.run(shop, {})).toMatchObject({ error: { code: 'SF_REDIS_UNAVAILABLE', retryable: true } });
    expect(called).toHaveBeenCalledOnce();
    await server.start();
    await vi.waitUntil(() => redis.status === 'ready', { timeout: 5_000 });
    const statuses = [];
    for (let at = 0; at < 3; at++) statuses.push((await runtime.run(shop, {})).status);
    expect(statuses).toEqual(['completed', 'completed', 'failed']);
  });

  test.each(['down', 'hanging'])("grants with whenDown: 'allow', while it is %s", async (how) => {
    const limiter = redisRateLimiter({ redis, whenDown: 'allow', timeoutMs: 200 });
    const one = { key: 'k', limit: { ...limit, calls: 1 } };
    expect(await limiter.take(one)).toEqual({ granted: true });
    expect(await limiter.take(one)).toMatchObject({ granted: false });
    if (how === 'down') await server.stop();
    else server.pause();
    expect(await limiter.take(one)).toEqual({ granted: true });
  });

  test('and hangs, says so in its own time', async () => {
    const limiter = redisRateLimiter({ redis, timeoutMs: 100 });
    await redis.ping();
    server.pause();
    await expect(limiter.take({ key: 'k', limit })).rejects.toMatchObject({
      code: 'SF_REDIS_UNAVAILABLE',
      details: { why: 'it did not answer within 100 ms.' },
    });
  });

  test("obeys its signal, also with whenDown: 'allow'", async () => {
    const limiter = redisRateLimiter({ redis, whenDown: 'allow', timeoutMs: 60_000 });
    await redis.ping();
    server.pause();
    const stop = new AbortController();
    const taken = limiter.take({ key: 'k', limit, signal: stop.signal });
    await delay(1);
    stop.abort(new Error('enough'));
    await expect(taken).rejects.toThrow('enough');
  });
});

/** Waits until so many connections listen for the call. */
async function listeners(count: number): Promise<void> {
  const channel = 'stageflow:effect:["acme","payments","one"]';
  await vi.waitUntil(async () => Number((await redis.pubsub('NUMSUB', channel))[1]) === count, { timeout: 5_000 });
}
