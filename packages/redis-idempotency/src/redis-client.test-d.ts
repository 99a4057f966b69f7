import type { Cluster, Redis } from 'ioredis';
import { expectTypeOf, test } from 'vitest';
import type { RedisClient, RedisClientWithDuplicate, RedisClusterClient, RedisSubscriber } from './redis-client.ts';

test('clients of ioredis, of a server and of a cluster, are what is asked for', () => {
  expectTypeOf<Redis>().toExtend<RedisClientWithDuplicate & RedisSubscriber>();
  expectTypeOf<Cluster>().toExtend<RedisClusterClient>();
  expectTypeOf<RedisClient>().not.toExtend<RedisClientWithDuplicate | RedisClusterClient>();
});
