import { StageflowError } from '@stageflow/core';
import type {
  ClaimResult,
  Encoded,
  IdempotencyClaim,
  IdempotencyIdentity,
  IdempotencyRecord,
  IdempotencyStore,
  StoreCallOptions,
} from '@stageflow/core/ports';
import { claimScript, forgetScript, heldScript, releaseScript, renewScript, settleScript } from './idempotency-scripts.ts';
import { keyPart } from './key-part.ts';
import { PublishedNotices } from './published-notices.ts';
import type { RedisClientWithDuplicate, RedisClusterClient, RedisSubscriber } from './redis-client.ts';
import { type RedisScript, unavailable } from './redis-script.ts';

/** What {@link redisIdempotencyStore} takes. */
export interface RedisIdempotencyStoreOptions {
  /** A client of `ioredis`, of one server or of a cluster. It stays the host's: the store never closes it. */
  readonly redis: RedisClientWithDuplicate | RedisClusterClient;
  /** What the keys begin with. Stores with one prefix on one server or cluster are one store. @default 'stageflow' */
  readonly prefix?: string | undefined;
}

/** An idempotency store on Redis. */
export interface RedisIdempotencyStore extends IdempotencyStore {
  whenFree(identity: IdempotencyIdentity, options?: StoreCallOptions): Promise<void>;
  /** Ends the connection that those who wait are told over; they are told no more. The client of the host stays open. */
  close(): void;
}

/** Longer than anything lasts, and small enough that Redis can add it to the time. */
const longestMs = 2 ** 52;

/**
 * Makes an idempotency store on Redis: all processes that share the server or cluster, and the prefix, make each effect once.
 *
 * Each call is one key, which each of its scripts is about, so it also works on a Redis Cluster. Leases and records are the expiry of that
 * key, measured by the server. Who waits is told by a message; for those there is a connection of its own, made by `duplicate()` of the
 * client, or of one of the masters it knows, when somebody first waits.
 *
 * Redis replicates after it has answered. Where a replica takes over, in a cluster or not, a claim or a record that was acknowledged last
 * may be forgotten, and its effect made again; what the holder of a forgotten claim brings is refused.
 *
 * Its methods reject with SF_REDIS_UNAVAILABLE, which `idempotency()` makes the failure of the stage that is then not called.
 *
 * @example
 * ```ts
 * const redis = new Redis('redis://127.0.0.1:6379');
 * const store = redisIdempotencyStore({ redis });
 * const runtime = createRuntime({ pipelines: [checkout], interceptors: [idempotency({ store })] });
 * ```
 */
export function redisIdempotencyStore({ redis, prefix = 'stageflow' }: RedisIdempotencyStoreOptions): RedisIdempotencyStore {
  const notices = new PublishedNotices(() => subscriberOf(redis), 'whenFree()');
  const keyOf = ({ tenantId, scope, key }: IdempotencyIdentity): string => `${prefix}:effect:${keyPart([tenantId ?? null, scope, key])}`;
  const isDone = async (
    script: RedisScript,
    method: string,
    args: readonly [string, ...string[]],
    signal?: AbortSignal,
  ): Promise<boolean> => Number(await script.run(redis, `${method}()`, args, signal)) === 1;

  return {
    name: 'redis',

    async claim(identity: IdempotencyIdentity, { paramsHash, leaseMs, signal }: IdempotencyClaim): Promise<ClaimResult> {
      const params = paramsHash === undefined ? '' : `h${paramsHash}`;
      const lease = wholeMs(leaseMs, 'leaseMs of claim()');
      return readClaim(await claimScript.run(redis, 'claim()', [keyOf(identity), lease, params, crypto.randomUUID()], signal));
    },

    async renew(identity, token, { leaseMs, signal }): Promise<boolean> {
      return isDone(renewScript, 'renew', [keyOf(identity), String(token), wholeMs(leaseMs, 'leaseMs of renew()')], signal);
    },

    async settle(identity: IdempotencyIdentity, token: number, { record, ttlMs, signal }: IdempotencyRecord): Promise<boolean> {
      const key = keyOf(identity);
      return isDone(settleScript, 'settle', [key, String(token), wholeMs(ttlMs, 'ttlMs of settle()'), record, key], signal);
    },

    async release(identity, token, { signal } = {}): Promise<boolean> {
      const key = keyOf(identity);
      return isDone(releaseScript, 'release', [key, String(token), key], signal);
    },

    async forget(identity, { signal } = {}): Promise<boolean> {
      const key = keyOf(identity);
      return isDone(forgetScript, 'forget', [key, key], signal);
    },

    async whenFree(identity: IdempotencyIdentity, { signal }: StoreCallOptions = {}): Promise<void> {
      const key = keyOf(identity);
      const isFree = async (): Promise<boolean> => !(await isDone(heldScript, 'whenFree', [key], signal));
      // A client of a cluster knows the nodes when it has been answered.
      if ('nodes' in redis && (await isFree())) return;
      await notices.next(key, isFree, signal);
    },

    close: () => notices.close(),
  };
}

/**
 * In a cluster, a connection to one master, whichever: a message is heard on all nodes. The client of the whole would do too, but when it
 * loses the node it listens on, it takes another and does not say so, and a message of that moment would be missed.
 */
function subscriberOf(redis: RedisClientWithDuplicate | RedisClusterClient): RedisSubscriber {
  if (!('nodes' in redis)) return redis.duplicate();
  const masters = redis.nodes('master');
  const master = masters[Math.floor(Math.random() * masters.length)];
  if (master === undefined) throw unavailable('whenFree()', 'the client knows no master of the cluster');
  return master.duplicate();
}

function readClaim(reply: unknown): ClaimResult {
  const [status, value] = Array.isArray(reply) ? reply : [];
  if (status === 'claimed') return { status, token: Number(value) };
  if (status === 'held') return { status, leaseEndsInMs: Number(value) };
  if (status === 'settled') return { status, record: String(value) as Encoded };
  if (status === 'mismatch') return { status, paramsHash: String(value).slice(1) };
  throw unavailable('claim()', 'its answer is none that the script gives');
}

/** Redis counts whole milliseconds, and takes no time that has passed: what is shorter than one lasts one. */
function wholeMs(ms: number, option: string): string {
  if (ms > 0) return String(Math.ceil(Math.min(ms, longestMs)));
  throw new StageflowError('SF_OPTION_INVALID', { option, expected: 'a number of milliseconds above 0', received: String(ms) });
}
