import type { Encoded } from '@stageflow/core/ports';
import { redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import { Redis } from 'ioredis';
import { afterEach, expect, test, vi } from 'vitest';
import { type RedisServer, startRedis } from './redis-server.ts';

const identity = { tenantId: 'acme', scope: 'payments', key: 'settled' };
const aClaim = { paramsHash: undefined, leaseMs: 600_000 };
const limit = { calls: 1, perMs: 600_000 };

let server: RedisServer;
let redis: Redis;

afterEach(async () => {
  redis?.disconnect();
  await server?.remove();
});

/** Starts a server, lets it be claimed, settled and counted, kills it by SIGKILL, and brings it back. */
async function killedAndBack(settings: Readonly<Record<string, string>>) {
  server = await startRedis(settings);
  redis = new Redis({ port: server.port, retryStrategy: () => 20 });
  redis.on('error', () => {});
  const store = redisIdempotencyStore({ redis });
  const tokens = [];
  for (const key of ['settled', 'held']) {
    const result = await store.claim({ ...identity, key }, aClaim);
    if (result.status !== 'claimed') throw new Error(result.status);
    tokens.push(result.token);
  }
  const [settled, held] = tokens as [number, number];
  await store.settle(identity, settled, { record: '7' as Encoded, ttlMs: 600_000 });
  const limiter = redisRateLimiter({ redis });
  await limiter.take({ key: 'k', limit });
  const runOf = async () => /^run_id:(.*)$/m.exec(await redis.info('server'))?.[1];
  const before = await runOf();
  await server.stop();
  await server.start();
  await vi.waitUntil(() => redis.status === 'ready', { timeout: 5_000 });
  expect(await runOf()).not.toBe(before);
  return { store, limiter, held };
}

test('a server that writes down what it answers has it after SIGKILL: what is kept, who holds, and what was counted', async () => {
  const { store, limiter, held } = await killedAndBack({ appendonly: 'yes', appendfsync: 'always' });
  expect(await store.claim(identity, aClaim)).toEqual({ status: 'settled', record: '7' });
  expect(await store.claim({ ...identity, key: 'held' }, aClaim)).toMatchObject({ status: 'held' });
  expect(await store.settle({ ...identity, key: 'held' }, held, { record: '8' as Encoded, ttlMs: 600_000 })).toBe(true);
  expect(await limiter.take({ key: 'k', limit })).toMatchObject({ granted: false });
});

test('a server that writes nothing down has forgotten it all: effects may be made again, and who held is refused', async () => {
  const { store, limiter, held } = await killedAndBack({});
  expect(await store.claim(identity, aClaim)).toMatchObject({ status: 'claimed' });
  expect(await store.settle({ ...identity, key: 'held' }, held, { record: '8' as Encoded, ttlMs: 600_000 })).toBe(false);
  expect(await limiter.take({ key: 'k', limit })).toEqual({ granted: true });
});
