import { setTimeout as delay } from 'node:timers/promises';
import { redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import { idempotencyStoreContract, rateLimiterContract } from '@stageflow/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type RedisServer, startRedis } from './redis-server.ts';
import { inTurn } from './stores-in-turn.ts';

let server: RedisServer;
let redis: Redis;
let other: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.port);
  other = new Redis(server.port);
});

afterAll(async () => {
  redis?.disconnect();
  other?.disconnect();
  await server?.remove();
}, 60_000);

/** Time is the server's. Timers may fire a millisecond early. */
const wait = (ms: number): Promise<void> => delay(ms + 2);

describe('the store', () => {
  test.concurrent.each(idempotencyStoreContract)('$name', async ({ run }) => {
    const store = redisIdempotencyStore({ redis, prefix: crypto.randomUUID() });
    await run({ store, advance: wait });
    store.close();
  });
});

describe('two stores on one server, in turn', () => {
  test.concurrent.each(idempotencyStoreContract)('$name', async ({ run }) => {
    const prefix = crypto.randomUUID();
    const store = inTurn([redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })]);
    await run({ store, advance: wait });
    store.close();
  });
});

describe('the limiter', () => {
  test.concurrent.each(rateLimiterContract)('$name', ({ run }) =>
    run({ limiter: redisRateLimiter({ redis, prefix: crypto.randomUUID() }), pass: wait }),
  );
});
