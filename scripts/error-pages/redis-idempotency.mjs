// Prose of the codes that `@stageflow/redis-idempotency` adds.

/** @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const redisErrors = {
  SF_REDIS_UNAVAILABLE: {
    meaning: `Redis could not be reached, did not answer in time, or answered with an error. From a rate limiter it fails the attempt, which is not called; from an idempotency store it is the \`cause\` of [SF_IDEMPOTENCY_STORE_FAILED](SF_IDEMPOTENCY_STORE_FAILED.md).`,
    remedy: `Read the end of the message: it is what Redis or its client said. Let the stage retry, if the break is short. Where a limit may be passed rather than that calls fail, make the limiter with \`whenDown: 'allow'\`.`,
    details: { subject: 'take()', why: 'connect ECONNREFUSED 127.0.0.1:6379.' },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { rateLimit } from '@stageflow/interceptors';
import { redisRateLimiter } from '@stageflow/redis-idempotency';

// In the place of a client whose server is down.
const refused = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:6379'));
const limiter = redisRateLimiter({ redis: { evalsha: refused, eval: refused } });
const quota = rateLimit({ name: 'quota', limiter, limit: { calls: 60, perMs: 60_000 } });
const chat = pipeline('chat', { outputs: { greet: stage('greet', { run: () => 'Hello' }) } });

await chat.runOrThrow({}, { interceptors: [quota] });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { rateLimit } from '@stageflow/interceptors';
import { redisRateLimiter } from '@stageflow/redis-idempotency';

const refused = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:6379'));
const limiter = redisRateLimiter({ redis: { evalsha: refused, eval: refused }, whenDown: 'allow' });
const quota = rateLimit({ name: 'quota', limiter, limit: { calls: 60, perMs: 60_000 } });
const chat = pipeline('chat', { outputs: { greet: stage('greet', { run: () => 'Hello' }) } });

await chat.runOrThrow({}, { interceptors: [quota] });`,
  },
};
