import { createHash } from 'node:crypto';
import { StageflowError } from '@stageflow/core';
import { redisUnavailable } from './errors.ts';
import type { RedisClient } from './redis-client.ts';

/** A Lua script about one key. Sent by its hash, and in full to a server that does not know it yet: in a cluster, each node by itself. */
export class RedisScript {
  readonly #text: string;
  readonly #sha1: string;

  constructor(text: string) {
    this.#text = text;
    this.#sha1 = createHash('sha1').update(text).digest('hex');
  }

  /**
   * @param subject - Who asks, for the error.
   * @throws SF_REDIS_UNAVAILABLE; the reason of the signal, where the script may still take effect unless it had aborted before.
   */
  async run(redis: RedisClient, subject: string, [key, ...args]: readonly [string, ...string[]], signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    return unlessAborted(this.#reply(redis, subject, key, args), signal);
  }

  async #reply(redis: RedisClient, subject: string, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha1, 1, key, ...args).catch((error: unknown) => {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
        return redis.eval(this.#text, 1, key, ...args);
      });
    } catch (error) {
      throw unavailable(subject, messageOf(error), error);
    }
  }
}

/** SF_REDIS_UNAVAILABLE, with what Redis or its client said. */
export function unavailable(subject: string, why: string, cause?: unknown): StageflowError {
  const sentence = /[.!?]$/.test(why) ? why : `${why}.`;
  return new StageflowError(redisUnavailable, { subject, why: sentence }, cause === undefined ? {} : { cause });
}

/** Never empty: some failures of connections are an `AggregateError` without a message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : error.message;
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
