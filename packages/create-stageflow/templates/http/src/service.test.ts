import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { recordingSink, runStage, traceOf } from '@stageflow/testing';
import { quote } from './pipeline.ts';
import { createService } from './service.ts';

async function start(context: TestContext) {
  const sink = recordingSink();
  const { server, close } = createService({ catalog: { priceOf: async () => 2 }, sinks: [sink] });
  context.after(close);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/quotes`;
  const ask = (body: string) => fetch(url, { method: 'POST', body, headers: { connection: 'close' } });
  return { ask, sink };
}

test('an order is answered with a quote', async (context) => {
  const { ask, sink } = await start(context);
  const response = await ask(JSON.stringify({ product: 'pen', quantity: 3, country: 'DE' }));
  assert.equal(response.status, 200, traceOf(sink));
  assert.deepEqual(await response.json(), { price: 6, shipping: 5, total: 11 });
});

test('what is blocked says why, and costs no look at the catalog', async (context) => {
  const { ask, sink } = await start(context);
  const response = await ask(JSON.stringify({ product: 'pen', quantity: 3, country: 'AQ' }));
  assert.equal(response.status, 422, traceOf(sink));
  assert.deepEqual(await response.json(), { error: 'nothing is delivered to AQ' });
  assert.ok(!sink.events.some((event) => event.type === 'stage.started' && event.path === 'price'));
});

for (const body of ['{"product":"pen"}', 'no JSON']) {
  test(`what is no order is refused: ${body}`, async (context) => {
    const { ask } = await start(context);
    assert.equal((await ask(body)).status, 400);
  });
}

test('one stage by itself', async () => {
  const outcome = await runStage(quote, { price: 6, shipping: 5 });
  assert.deepEqual(outcome.status === 'completed' && outcome.output, { price: 6, shipping: 5, total: 11 });
});
