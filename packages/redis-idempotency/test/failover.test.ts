import type { Encoded } from '@stageflow/core/ports';
import { redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ClaimsUnderLoad, keysOfMany } from './claims-under-load.ts';
import { type ClusterNode, eventually, follows, isMaster, type RedisCluster, startRedisCluster } from './redis-cluster.ts';
import { paying, runtimeOn } from './shop.ts';

const identity = { tenantId: undefined, scope: 'payments', key: 'one' };
const aClaim = { paramsHash: undefined, leaseMs: 600_000 };
const aRecord = { record: '7' as Encoded, ttlMs: 600_000 };

let cluster: RedisCluster;
let redis: Cluster;
let other: Cluster;
/** Of the two nodes that have the same slots, the one that serves them, and its replica. */
let serving: ClusterNode;
let standby: ClusterNode;
/** Keys that begin with it belong to those two. */
let prefix: string;

beforeAll(async () => {
  cluster = await startRedisCluster({ withReplica: true });
}, 30_000);

// Each test may leave the roles exchanged.
beforeEach(async () => {
  redis = cluster.connect();
  other = cluster.connect();
  const two = [cluster.masters[0], cluster.replica as ClusterNode] as const;
  [serving, standby] = (await isMaster(two[0])) ? two : [two[1], two[0]];
  prefix = `{${await serving.some((word) => `{${word}}`)}}${crypto.randomUUID()}`;
});

afterAll(() => cluster?.remove());

/** By SIGKILL; waits until the others have made the standby take over. */
async function killServing(): Promise<void> {
  await serving.server.stop();
  await eventually('the replica takes over', () => isMaster(standby));
}

/** Brings the killed node back, as a replica of the one that took over. */
async function bringBack(): Promise<void> {
  await serving.server.start();
  await eventually('what was killed follows', () => follows(serving));
}

/** From now on the replica is told nothing, and cannot ask for it. */
async function cutOffReplica(): Promise<void> {
  await serving.redis.call('ACL', 'SETUSER', 'default', '-psync', '-sync');
  expect(await serving.redis.call('CLIENT', 'KILL', 'TYPE', 'replica')).toBe(1);
}

async function claimed(store = redisIdempotencyStore({ redis, prefix }), key = 'one'): Promise<number> {
  const result = await store.claim({ ...identity, key }, aClaim);
  if (result.status !== 'claimed') throw new Error(result.status);
  return result.token;
}

test('after a failover by command a holder settles its call, who waits is told, and a limit counts on', async () => {
  const [holder, waiter] = [redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })];
  const limit = { calls: 1, perMs: 600_000 };
  const token = await claimed(holder);
  await redisRateLimiter({ redis, prefix }).take({ key: 'k', limit });
  const waiting = waiter.whenFree(identity);

  await standby.redis.call('CLUSTER', 'FAILOVER');
  await eventually('the replica takes over', async () => (await isMaster(standby)) && !(await isMaster(serving)));
  expect(await waiter.claim(identity, aClaim)).toMatchObject({ status: 'held' });
  expect(await holder.settle(identity, token, aRecord)).toBe(true);
  await waiting;
  expect(await waiter.claim(identity, aClaim)).toEqual({ status: 'settled', record: '7' });
  expect(await redisRateLimiter({ redis: other, prefix }).take({ key: 'k', limit })).toMatchObject({ granted: false });
  waiter.close();
  await eventually('the other follows', () => follows(serving));
}, 30_000);

test('when a master is killed under load, no call has two holders that both settle it, unless what the first settled had not been replicated', async () => {
  const stores = [redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })];
  const load = new ClaimsUnderLoad(stores);
  await eventually('some calls are settled', async () => load.holdings.length > 500);
  const killedAt = Date.now();
  await killServing();
  const tookOverMs = Date.now() - killedAt;
  const before = load.holdings.length;
  await eventually('more calls are settled', async () => load.holdings.length > before + 500);
  await load.stop();

  // Nobody serves for longer than this: nodes that vote wait for a second first.
  const betweenAt = killedAt + 500;
  expect(tookOverMs).toBeGreaterThan(500);
  const settled = load.holdings.filter(({ settledAt }) => settledAt !== undefined);
  const byTheFirst = settled.filter(({ settledAt = 0 }) => settledAt < betweenAt);
  const byTheSecond = settled.filter(({ settledAt = 0 }) => settledAt >= betweenAt);
  expect(Math.min(byTheFirst.length, byTheSecond.length)).toBeGreaterThan(400);
  // Of one server's answers, no call was settled by two, nor given to two.
  expect(keysOfMany(byTheFirst)).toEqual([]);
  expect(keysOfMany(byTheSecond)).toEqual([]);
  expect(keysOfMany(load.holdings.filter(({ claimedAt }) => claimedAt < betweenAt))).toEqual([]);
  expect(keysOfMany(load.holdings.filter(({ claimedAt }) => claimedAt >= betweenAt))).toEqual([]);

  // What the second acknowledged is there, and what is not there any more is of the first.
  const [store] = stores as [(typeof stores)[number]];
  for (const { key, settledAt = 0 } of settled) {
    const now = await store.claim({ tenantId: undefined, scope: 'load', key }, aClaim);
    if (now.status !== 'settled') expect(settledAt).toBeLessThan(betweenAt);
  }
  await bringBack();
}, 40_000);

test('two stores that do not know of each other settle calls twice under the same load: the count can tell', async () => {
  const load = new ClaimsUnderLoad([
    redisIdempotencyStore({ redis, prefix }),
    redisIdempotencyStore({ redis: other, prefix: `${prefix}2` }),
  ]);
  await eventually('some calls are settled', async () => load.holdings.length > 100);
  await load.stop();
  expect(keysOfMany(load.holdings).length).toBeGreaterThan(10);
});

test('what the replica had not been told when the master was killed is forgotten, and a late holder is refused', async () => {
  const store = redisIdempotencyStore({ redis, prefix });
  await store.settle({ ...identity, key: 'told' }, await claimed(store, 'told'), aRecord);
  await eventually('the replica has it', async () => (await standby.redis.dbsize()) === (await serving.redis.dbsize()));
  await cutOffReplica();
  expect(await store.settle(identity, await claimed(store), aRecord)).toBe(true);
  const late = await claimed(store, 'late');
  await killServing();

  const fresh = redisIdempotencyStore({ redis: other, prefix });
  expect(await fresh.claim({ ...identity, key: 'told' }, aClaim)).toMatchObject({ status: 'settled' });
  expect(await fresh.claim(identity, aClaim)).toMatchObject({ status: 'claimed' });
  const token = await claimed(fresh, 'late');
  expect(await store.settle({ ...identity, key: 'late' }, late, aRecord)).toBe(false);
  expect(await fresh.settle({ ...identity, key: 'late' }, token, aRecord)).toBe(true);
  await bringBack();
}, 40_000);

test('with min-replicas-to-write a master without its replica refuses, so that nothing is left for a failover to forget', async () => {
  await serving.redis.config('SET', 'min-replicas-to-write', '1');
  const store = redisIdempotencyStore({ redis, prefix });
  const token = await claimed(store);
  await cutOffReplica();
  await expect(store.settle(identity, token, aRecord)).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE', message: /NOREPLICAS/ });
  await expect(claimed(store, 'two')).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE', message: /NOREPLICAS/ });
  await serving.redis.call('ACL', 'SETUSER', 'default', '+psync', '+sync');
  await eventually('the replica is back', () => follows(standby));
  await eventually('the master counts it', () => store.settle(identity, token, aRecord));
  await serving.redis.config('SET', 'min-replicas-to-write', '0');
}, 30_000);

test('when a master dies that has no replica, effects are not made and limits do what the host chose, until it is back', async () => {
  const alone = cluster.masters[1];
  const lone = `{${await alone.some((word) => `{${word}}`)}}${crypto.randomUUID()}`;
  const pay = vi.fn(() => 7);
  const shop = paying(pay);
  const runtime = runtimeOn(redisIdempotencyStore({ redis, prefix: lone }), shop);
  expect((await runtime.run(shop, { order: 'one' })).outputs).toEqual({ charge: 7 });
  await alone.server.stop();
  const [run, denied, allowed] = await Promise.all([
    runtime.run(shop, { order: 'two' }),
    redisRateLimiter({ redis, prefix: lone })
      .take({ key: 'k', limit: { calls: 1, perMs: 1_000 } })
      .catch((error: unknown) => error),
    redisRateLimiter({ redis, prefix: lone, whenDown: 'allow' }).take({ key: 'k', limit: { calls: 1, perMs: 1_000 } }),
  ]);
  expect(run).toMatchObject({ error: { code: 'SF_IDEMPOTENCY_STORE_FAILED', cause: { code: 'SF_REDIS_UNAVAILABLE' } } });
  expect(denied).toMatchObject({ code: 'SF_REDIS_UNAVAILABLE' });
  expect(allowed).toEqual({ granted: true });
  expect(pay).toHaveBeenCalledOnce();
  await alone.server.start();
  await eventually('it serves again', async () => (await runtime.run(shop, { order: 'two' })).status === 'completed');
  expect(pay).toHaveBeenCalledTimes(2);
}, 40_000);
