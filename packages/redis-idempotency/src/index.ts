export { redisUnavailable } from './errors.ts';
export type { RedisClient, RedisClientWithDuplicate, RedisClusterClient, RedisSubscriber } from './redis-client.ts';
export { type RedisIdempotencyStore, type RedisIdempotencyStoreOptions, redisIdempotencyStore } from './redis-idempotency-store.ts';
export { type RedisRateLimiterOptions, redisRateLimiter } from './redis-rate-limiter.ts';
