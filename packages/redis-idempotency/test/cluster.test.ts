import { setTimeout as delay } from 'node:timers/promises';
import type { Encoded, IdempotencyIdentity } from '@stageflow/core/ports';
import { type RedisIdempotencyStore, redisIdempotencyStore, redisRateLimiter } from '@stageflow/redis-idempotency';
import { idempotencyStoreContract, rateLimiterContract } from '@stageflow/testing';
import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { errorsOf, eventually, type RedisCluster, startRedisCluster } from './redis-cluster.ts';
import { paying, runtimeOn } from './shop.ts';
import { inTurn } from './stores-in-turn.ts';

const aClaim = { paramsHash: undefined, leaseMs: 60_000 };

let cluster: RedisCluster;
let redis: Cluster;
let other: Cluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
  redis = cluster.connect();
  other = cluster.connect();
}, 30_000);

afterAll(() => cluster?.remove());

/** Time is the servers'. Timers may fire a millisecond early. */
const wait = (ms: number): Promise<void> => delay(ms + 2);

function identityOf(key: string): IdempotencyIdentity {
  return { tenantId: 'acme', scope: 'payments', key };
}

async function claimed(store: RedisIdempotencyStore, identity: IdempotencyIdentity): Promise<number> {
  const result = await store.claim(identity, aClaim);
  if (result.status !== 'claimed') throw new Error(result.status);
  return result.token;
}

/** Waits until so many connections, of any node, listen on the channel. */
async function listeners(channel: string, count: number): Promise<void> {
  await eventually(`${count} listen on ${channel}`, async () => {
    const counts = await Promise.all(cluster.masters.map(async (node) => Number((await node.redis.pubsub('NUMSUB', channel))[1])));
    return counts.reduce((sum, each) => sum + each) === count;
  });
}

describe('two stores on a cluster, in turn', () => {
  test.concurrent.each(idempotencyStoreContract)('$name', async ({ run }) => {
    const prefix = crypto.randomUUID();
    const store = inTurn([redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })]);
    await run({ store, advance: wait });
    store.close();
  });
});

describe('the limiter on a cluster', () => {
  test.concurrent.each(rateLimiterContract)('$name', ({ run }) =>
    run({ limiter: redisRateLimiter({ redis, prefix: crypto.randomUUID() }), pass: wait }),
  );
});

describe('in a cluster', () => {
  test('who waits is told what happens through another client, on each node', async () => {
    const prefix = crypto.randomUUID();
    const [holder, waiter] = [redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })];
    for (const node of cluster.masters) {
      const key = await node.some((key) => `${prefix}:effect:["acme","payments","${key}"]`);
      const token = await claimed(holder, identityOf(key));
      const waiting = waiter.whenFree(identityOf(key));
      await listeners(`${prefix}:effect:["acme","payments","${key}"]`, 1);
      await holder.settle(identityOf(key), token, { record: '1' as Encoded, ttlMs: 60_000 });
      await waiting;
      expect(await node.redis.keys(`${prefix}:*`)).toHaveLength(1);
    }
    waiter.close();
  });

  test('who waits is rejected when the connection is lost, and the next one is told over another', async () => {
    const prefix = crypto.randomUUID();
    const [holder, waiter] = [redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })];
    const token = await claimed(holder, identityOf('one'));
    const waiting = waiter.whenFree(identityOf('one'));
    await listeners(`${prefix}:effect:["acme","payments","one"]`, 1);
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'SF_REDIS_UNAVAILABLE', details: { why: 'the connection was lost.' } });
    const cut = await Promise.all(cluster.masters.map((node) => node.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')));
    expect(cut.toSorted()).toEqual([0, 0, 1]);
    await rejected;
    const again = waiter.whenFree(identityOf('one'));
    await listeners(`${prefix}:effect:["acme","payments","one"]`, 1);
    await holder.release(identityOf('one'), token);
    await again;
    waiter.close();
  });

  test('who waits first of all, before the client has asked anything, is told', async () => {
    const prefix = crypto.randomUUID();
    const holder = redisIdempotencyStore({ redis, prefix });
    const token = await claimed(holder, identityOf('one'));
    const waiter = redisIdempotencyStore({ redis: cluster.connect(), prefix });
    const waiting = waiter.whenFree(identityOf('one'));
    await listeners(`${prefix}:effect:["acme","payments","one"]`, 1);
    await holder.release(identityOf('one'), token);
    await waiting;
    waiter.close();
  });

  test('who waits with a client that knows no node is rejected', async () => {
    const knowsNone = { evalsha: async () => 1, eval: async () => 1, nodes: () => [] };
    await expect(redisIdempotencyStore({ redis: knowsNone }).whenFree(identityOf('one'))).rejects.toMatchObject({
      code: 'SF_REDIS_UNAVAILABLE',
      details: { why: 'the client knows no master of the cluster.' },
    });
  });

  test('a hundred calls of one key by two clients at once are made once', async () => {
    const prefix = crypto.randomUUID();
    const stores = [redisIdempotencyStore({ redis, prefix }), redisIdempotencyStore({ redis: other, prefix })] as const;
    const pay = vi.fn(() => delay(20, 7));
    const shop = paying(pay);
    const runtimes = stores.map((store) => runtimeOn(store, shop));
    const runs = await Promise.all(Array.from({ length: 100 }, (_, at) => runtimes[at % 2]?.run(shop, { order: 'one' })));
    expect(runs.map((run) => run?.outputs['charge'])).toEqual(Array.from({ length: 100 }, () => 7));
    expect(pay).toHaveBeenCalledOnce();
    for (const store of stores) store.close();
  });

  test('of many calls by two clients at once no more are granted than the limit has', async () => {
    const prefix = crypto.randomUUID();
    const limiters = [redisRateLimiter({ redis, prefix }), redisRateLimiter({ redis: other, prefix })];
    const takes = Array.from({ length: 200 }, (_, at) => limiters[at % 2]?.take({ key: 'k', limit: { calls: 30, perMs: 600_000 } }));
    expect((await Promise.all(takes)).filter((answer) => answer?.granted === true)).toHaveLength(30);
  });

  test('ids that hold braces are different calls, and do not choose the node', async () => {
    // Always the same, so that the keys always spread alike.
    const prefix = 'braces';
    const store = redisIdempotencyStore({ redis, prefix });
    const limiter = redisRateLimiter({ redis, prefix });
    const ids = ['', '{', '}', '}{', '{}', '\\u007b', ...Array.from({ length: 40 }, (_, at) => `{one}${at}`)];
    for (const id of ids) {
      await claimed(store, { tenantId: id, scope: id, key: id });
      expect(await limiter.take({ key: id, limit: { calls: 1, perMs: 60_000 } })).toEqual({ granted: true });
    }
    const [one, two] = await Promise.all(['[{one}1', '[{one}2'].map((key) => redis.cluster('KEYSLOT', key)));
    expect(one).toBe(two);
    for (const kind of ['effect', 'rate']) {
      const counts = await Promise.all(cluster.masters.map(async (node) => (await node.redis.keys(`${prefix}:${kind}:*`)).length));
      expect(counts.reduce((sum, each) => sum + each)).toBe(ids.length);
      // More than all those that hold no word in braces.
      expect(Math.min(...counts)).toBeGreaterThan(6);
    }
  });

  test('each node that has lost its scripts is sent them again', async () => {
    const store = redisIdempotencyStore({ redis, prefix: crypto.randomUUID() });
    for (const node of cluster.masters) {
      await node.redis.script('FLUSH');
      const before = await errorsOf(node, 'NOSCRIPT');
      const key = await node.some((key) => `${key}:effect:["acme","payments","one"]`);
      await claimed(redisIdempotencyStore({ redis, prefix: key }), identityOf('one'));
      expect(await errorsOf(node, 'NOSCRIPT')).toBe(before + 1);
    }
    store.close();
  });

  test('while a slot moves to another node, what is held and kept goes on, and nothing is granted twice', async () => {
    const [from, to] = cluster.masters;
    // Words in braces decide of the slot: everything with this prefix is in one.
    const prefix = await from.some((word) => `{${word}}`);
    const slot = String(await redis.cluster('KEYSLOT', `{${prefix}}`));
    const [store, late] = [
      redisIdempotencyStore({ redis, prefix: `{${prefix}}` }),
      redisIdempotencyStore({ redis: other, prefix: `{${prefix}}` }),
    ];
    const limiter = redisRateLimiter({ redis, prefix: `{${prefix}}` });
    const limit = { calls: 1, perMs: 600_000 };
    const tokens = [await claimed(store, identityOf('held')), await claimed(store, identityOf('waited for'))] as const;
    await limiter.take({ key: 'k', limit });
    const waiting = late.whenFree(identityOf('waited for'));
    await listeners(`{${prefix}}:effect:["acme","payments","waited for"]`, 1);

    await to.redis.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.redis.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    const fresh = await claimed(store, identityOf('fresh'));
    expect(await late.claim(identityOf('held'), aClaim)).toMatchObject({ status: 'held' });
    for (const key of await from.redis.keys(`{${prefix}}:*`)) await from.redis.migrate('127.0.0.1', to.server.port, key, 0, 5_000);
    expect(await late.claim(identityOf('held'), aClaim)).toMatchObject({ status: 'held' });
    expect(await limiter.take({ key: 'k', limit })).toMatchObject({ granted: false });
    expect(await store.settle(identityOf('fresh'), fresh, { record: '"fresh"' as Encoded, ttlMs: 60_000 })).toBe(true);
    await store.release(identityOf('waited for'), tokens[1]);
    await waiting;
    expect(await errorsOf(from, 'ASK')).toBeGreaterThan(0);

    for (const node of cluster.masters) await node.redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    expect(await store.settle(identityOf('held'), tokens[0], { record: '"held"' as Encoded, ttlMs: 60_000 })).toBe(true);
    expect(await late.claim(identityOf('held'), aClaim)).toEqual({ status: 'settled', record: '"held"' });
    expect(await late.claim(identityOf('fresh'), aClaim)).toEqual({ status: 'settled', record: '"fresh"' });
    expect(await errorsOf(from, 'MOVED')).toBeGreaterThan(0);
    for (const each of [store, late]) each.close();
  });
});
