/** Prose of the codes of `@stageflow/interceptors`. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const interceptorErrors = {
  SF_BREAKER_OPEN: {
    meaning: `A [circuit breaker](../../packages/interceptors/README.md#circuit-breaker) kept the call back: what it stands before has failed too often of late, so asking again would help nobody. Nothing was called, and it does not count as a failure. \`details.state\` is \`open\` until \`details.retryAfterMs\` have passed; it is \`half-open\` while one other call is let through to see whether the rest may.`,
    remedy: `Look at why the calls before it failed: \`breaker.opened\` among the events says when. A stage with a retry policy waits for \`retryAfterMs\`, within its \`maxMs\`; one that should give up at once makes the exception in \`retry.when\`. To do without its value meanwhile, put it first in a \`fallback()\`.`,
    details: { breaker: 'orders API', key: 'orders', stage: 'orders', state: 'open', retryAfterMs: 30_000 },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { circuitBreaker } from '@stageflow/interceptors';

const breaker = circuitBreaker({ name: 'orders API', failures: 1, openMs: 30_000 });
const orders = stage('orders', { run: () => Promise.reject(new Error('503')) });
const shop = pipeline('shop', { outputs: { orders } });

await shop.run({}, { interceptors: [breaker] });
await shop.runOrThrow({}, { interceptors: [breaker] });`,
    mend: `
import { fallback, pipeline, stage } from '@stageflow/core';
import { circuitBreaker } from '@stageflow/interceptors';

const breaker = circuitBreaker({ name: 'orders API', only: { tags: ['orders API'] }, failures: 1, openMs: 30_000 });
const live = stage('live', { tags: ['orders API'], run: () => Promise.reject(new Error('503')) });
const stored = stage('stored', { run: () => ['the orders of this morning'] });
const orders = fallback('orders', live, stored);
const shop = pipeline('shop', { outputs: { orders } });

await shop.run({}, { interceptors: [breaker] });
await shop.runOrThrow({}, { interceptors: [breaker] });`,
  },
  SF_BULKHEAD_FULL: {
    meaning: `A [bulkhead](../../packages/interceptors/README.md#bulkhead) had no slot for the call, and no place to wait for one (\`details.why\` is \`queue_full\`), or the wait took too long (\`queue_timeout\`). Nothing was called. \`details.limit\` is what was reached: the places of the queue, or the milliseconds that one may wait.`,
    remedy: `Retry later: the error is retryable. Give the bulkhead a \`queue\`, or a longer one, where callers can wait; raise its \`capacity\` where what it stands before has room. A stage that runs others by \`context.call\` needs another key than they have.`,
    details: { bulkhead: 'models', key: 'ask', stage: 'ask', why: 'queue_full', limit: 0 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';
import { bulkhead } from '@stageflow/interceptors';

const models = bulkhead({ name: 'models', capacity: 1 });
const ask = stage('ask', { run: () => delay(20, 'Hello') });
const chat = pipeline('chat', { outputs: { ask } });

await Promise.all([chat.runOrThrow({}, { interceptors: [models] }), chat.runOrThrow({}, { interceptors: [models] })]);`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';
import { bulkhead } from '@stageflow/interceptors';

const models = bulkhead({ name: 'models', capacity: 1, queue: { limit: 100, timeoutMs: 10_000 } });
const ask = stage('ask', { run: () => delay(20, 'Hello') });
const chat = pipeline('chat', { outputs: { ask } });

await Promise.all([chat.runOrThrow({}, { interceptors: [models] }), chat.runOrThrow({}, { interceptors: [models] })]);`,
  },
  SF_RATE_LIMITED: {
    meaning: `A [rate limit](../../packages/interceptors/README.md#rate-limit) with \`onLimit: 'fail'\` had no call left for this key. Nothing was called. The next can be granted in \`details.retryAfterMs\`.`,
    remedy: `Retry later: a retry policy waits for \`retryAfterMs\`, within its \`maxMs\`. Leave \`onLimit\` out where stages can wait. Where the limit is yours to raise, raise it.`,
    details: { limit: 'model calls', key: 'ask', stage: 'ask', calls: 1, perMs: 60_000, retryAfterMs: 60_000 },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { memoryRateLimiter, rateLimit } from '@stageflow/interceptors';

const limit = { calls: 1, perMs: 60_000 };
const quota = rateLimit({ name: 'model calls', limiter: memoryRateLimiter(), limit, onLimit: 'fail' });
const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

await chat.run({}, { interceptors: [quota] });
await chat.runOrThrow({}, { interceptors: [quota] });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { memoryRateLimiter, rateLimit } from '@stageflow/interceptors';

const limit = { calls: 1, perMs: 50 };
const quota = rateLimit({ name: 'model calls', limiter: memoryRateLimiter(), limit });
const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

await chat.run({}, { interceptors: [quota] });
await chat.runOrThrow({}, { interceptors: [quota] });`,
  },
};
