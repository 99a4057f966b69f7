// Buys one order so many times at once, on a store in Redis. The payment counts itself there, takes its time, or never ends.
import { setTimeout as delay } from 'node:timers/promises';
import { redisIdempotencyStore } from '@stageflow/redis-idempotency';
import { Redis } from 'ioredis';
import { paying, runtimeOn } from '../shop.ts';

const [port = '', times = '', payMs = '', leaseMs = ''] = process.argv.slice(2);
const redis = new Redis(Number(port));
const store = redisIdempotencyStore({ redis });
const shop = paying(async (order) => {
  const number = await redis.incr(`payments:${order}`);
  await delay(Number(payMs));
  return number;
});
const runtime = runtimeOn(store, shop, { leaseMs: Number(leaseMs) });

// Programs that are started together begin together.
await redis.incr('here');
while ((await redis.get('go')) === null) await delay(5);

const runs = await Promise.all(Array.from({ length: Number(times) }, () => runtime.run(shop, { order: 'one' })));
const outputs = runs.map(({ outputs }) => outputs['charge']);
const cached = runs.map(({ stages }) => stages.get('charge')?.cached);
process.stdout.write(JSON.stringify({ outputs, made: cached.filter((is) => !is).length }));
await runtime.close();
store.close();
redis.disconnect();
