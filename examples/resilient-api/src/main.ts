import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, type RunEvent } from '@stageflow/core';
import { breaker, patientShop } from './limits.ts';
import { type Mood, startPricesServer } from './prices-server.ts';

const server = await startPricesServer();
const runtime = createRuntime({
  pipelines: [patientShop],
  services: { pricesUrl: server.url },
  interceptors: [breaker],
  sinks: [{ name: 'printer', emit: print }],
});

function print(event: RunEvent): void {
  if (event.type === 'attempt.failed') console.log(`  attempt ${event.attempt} failed: ${event.error.code}`);
  if (event.type === 'custom') console.log(`  ${event.name}`);
}

async function ask(mood: Mood): Promise<void> {
  server.mood = mood;
  const before = server.requests;
  const run = await runtime.run(patientShop, { sku: 'loom' });
  if (run.status !== 'completed') throw new Error(`the run ended ${run.status}`);
  const { cents, from } = run.outputs.price;
  console.log(`${cents} from ${from}; requests to the server, which is ${mood}: ${server.requests - before}`);
}

await ask('well');
await ask('stumbling');
await ask('hanging');
await ask('hanging');
await ask('well');
await delay(1_100);
await ask('well');
await ask('well');

await runtime.close();
server.close();
