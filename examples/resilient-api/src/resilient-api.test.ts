import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createRuntime } from '@stageflow/core';
import type { Clock } from '@stageflow/core/ports';
import { circuitBreaker } from '@stageflow/interceptors';
import { expect, onTestFinished, test } from 'vitest';
import { shop } from './pipeline.ts';
import { startPricesServer } from './prices-server.ts';

test('tries again, opens, leaves the server alone, and closes when that has come back', { timeout: 30_000 }, () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
  expect(printed.trimEnd().split('\n')).toEqual([
    '1299 from the server; requests to the server, which is well: 1',
    '  attempt 1 failed: SF_STAGE_FAILED',
    '1299 from the server; requests to the server, which is stumbling: 2',
    '  attempt 1 failed: SF_STAGE_TIMEOUT',
    '  breaker.opened',
    '  attempt 2 failed: SF_STAGE_TIMEOUT',
    '1199 from yesterday; requests to the server, which is hanging: 2',
    '  attempt 1 failed: SF_BREAKER_OPEN',
    '1199 from yesterday; requests to the server, which is hanging: 0',
    '  attempt 1 failed: SF_BREAKER_OPEN',
    '1199 from yesterday; requests to the server, which is well: 0',
    '  breaker.half_opened',
    '  breaker.closed',
    '1299 from the server; requests to the server, which is well: 1',
    '1299 from the server; requests to the server, which is well: 1',
  ]);
});

test('of many runs that come when the time is over, one asks the server', async () => {
  const server = await startPricesServer();
  onTestFinished(() => server.close());
  server.mood = 'stumbling';
  let skippedMs = 0;
  const clock: Clock = {
    now: () => Date.now(),
    monotonic: () => performance.now() + skippedMs,
    schedule(callback, delayMs) {
      const timeout = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timeout) };
    },
  };
  const breaker = circuitBreaker({ name: 'prices API', only: { stages: ['live'] }, failures: 1, openMs: 600_000 });
  const runtime = createRuntime({ pipelines: [shop], services: { pricesUrl: server.url }, interceptors: [breaker], clock });
  const ask = async () => {
    const run = await runtime.run(shop, { sku: 'loom' });
    return run.outputs.price?.from;
  };
  expect([await ask(), server.requests]).toEqual(['yesterday', 1]);
  server.mood = 'well';
  expect([await ask(), server.requests]).toEqual(['yesterday', 1]);
  skippedMs = 600_000;
  const all = await Promise.all(Array.from({ length: 20 }, ask));
  expect([all.filter((from) => from === 'the server').length, server.requests]).toEqual([1, 2]);
  expect([await ask(), breaker.states()[0]?.state]).toEqual(['the server', 'closed']);
  await runtime.close();
});
