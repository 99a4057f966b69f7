import { redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import { startProgram } from '@stageflow-internal/killed-runs/program';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type RedisServer, startRedis } from './redis-server.ts';
import { paying, runtimeOn } from './shop.ts';

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

/** Lets so many programs begin at once, when all of them are there. */
async function begin(programs: number): Promise<void> {
  await vi.waitUntil(async () => (await redis.get('here')) === String(programs), { timeout: 20_000 });
  await redis.set('go', '1');
}

test('two processes that buy one order a hundred times at once pay once, and all get that payment', async () => {
  const programs = [1, 2].map(() => startProgram(new URL('programs/buy.ts', import.meta.url), [String(server.port), '50', '100', '30000']));
  await begin(2);
  const ends = await Promise.all(programs.map(({ ended }) => ended));
  expect(ends.map(({ code, errors }) => [code, errors])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  const results = ends.map(({ output }) => JSON.parse(output) as { readonly outputs: readonly unknown[]; readonly made: number });
  expect(await redis.get('payments:one')).toBe('1');
  expect(results.flatMap(({ outputs }) => outputs)).toEqual(Array.from({ length: 100 }, () => 1));
  expect(results.map(({ made }) => made).sort()).toEqual([0, 1]);
}, 30_000);

test('stores of two prefixes do not know of each other, and pay twice: the count can tell', async () => {
  const shop = paying(() => redis.incr('payments:one'));
  for (const prefix of ['one', 'another']) {
    const store = redisIdempotencyStore({ redis, prefix });
    await runtimeOn(store, shop).run(shop, { order: 'one' });
  }
  expect(await redis.get('payments:one')).toBe('2');
});

test('the payment of a process that is killed is made by another when its lease has run out, and not before', async () => {
  const leaseMs = 1_000;
  const program = startProgram(new URL('programs/buy.ts', import.meta.url), [String(server.port), '1', '60000', String(leaseMs)]);
  await begin(1);
  await vi.waitUntil(async () => (await redis.get('payments:one')) === '1', { timeout: 20_000 });
  const store = redisIdempotencyStore({ redis });
  const identity = { tenantId: undefined, scope: 'payments', key: 'one' };
  const before = await store.claim(identity, { paramsHash: undefined, leaseMs });
  if (before.status !== 'held') throw new Error(before.status);

  program.process.kill('SIGKILL');
  expect(await program.ended).toMatchObject({ signal: 'SIGKILL', output: '', errors: '' });
  const left = await store.claim(identity, { paramsHash: undefined, leaseMs });
  if (left.status !== 'held') throw new Error(left.status);
  const killed = performance.now();
  const shop = paying(() => redis.incr('payments:one'));
  const run = await runtimeOn(store, shop).run(shop, { order: 'one' });
  const tookMs = performance.now() - killed;

  expect(run.outputs).toEqual({ charge: 2 });
  expect(tookMs).toBeGreaterThan(left.leaseEndsInMs - 50);
  store.close();
}, 30_000);

test('of many calls of two connections at once no more are granted than the limit has', async () => {
  const other = new Redis(server.port);
  const limiters = [redisRateLimiter({ redis }), redisRateLimiter({ redis: other })];
  const takes = Array.from({ length: 200 }, (_, at) => limiters[at % 2]?.take({ key: 'k', limit: { calls: 30, perMs: 600_000 } }));
  const granted = (await Promise.all(takes)).filter((answer) => answer?.granted === true);
  expect(granted.length).toBe(30);
  other.disconnect();
});
