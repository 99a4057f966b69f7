import { createRuntime, inputs, memoryIdempotencyStore, memoryRunStore, pipeline, work } from '@stageflow/core';
import { idempotency } from '@stageflow/interceptors';
import { virtualClock } from '@stageflow/testing';
import { expect, test, vi } from 'vitest';
import { faultyStore } from '../faulty-store.ts';
import { type Order, paying, shopOn } from '../shop.ts';

const one: Order = { id: 'one', amount: 100 };

function shop(pay = vi.fn((): unknown => 'paid')) {
  const clock = virtualClock();
  const store = faultyStore(clock);
  return { ...shopOn(store, paying(pay), { clock, ttlMs: 1_000 }), pay, store };
}

test('[146] without a key the stage runs, each time', async () => {
  const clock = virtualClock();
  const store = faultyStore(clock);
  const called = vi.fn(() => 1);
  const plain = pipeline('p', { outputs: { plain: work('plain', { run: called }) } });
  for (const _ of [1, 2]) await plain.runOrThrow({}, { clock, interceptors: [idempotency({ store })] });
  expect(called).toHaveBeenCalledTimes(2);
  expect(store.calls.claim).toBe(0);
});

test('[147] a known key gives the stored result; the store is asked once', async () => {
  const { buy, clock, store, pay } = shop();
  await clock.settle(buy(one));
  store.calls.claim = 0;
  expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
  expect(store.calls.claim).toBe(1);
  expect(pay).toHaveBeenCalledOnce();
});

test('[148] one key with other parameters is an error', async () => {
  const { buy, clock, pay } = shop();
  await clock.settle(buy(one));
  const details = { stage: 'charge', key: 'one', scope: 'payments' };
  expect(await clock.settle(buy({ ...one, amount: 1_000 }))).toMatchObject({ error: { code: 'SF_IDEMPOTENCY_MISMATCH', details } });
  expect(pay).toHaveBeenCalledOnce();
});

test('[149] a completed result is stored for its time; a failed one is not', async () => {
  const pay = vi.fn((): unknown => (pay.mock.calls.length === 1 ? Promise.reject(new Error('no')) : 'paid'));
  const { buy, clock } = shop(pay);
  expect((await clock.settle(buy(one))).status).toBe('failed');
  await clock.settle(buy(one));
  await clock.advance(999);
  await clock.settle(buy(one));
  expect(pay).toHaveBeenCalledTimes(2);
  await clock.advance(1);
  await clock.settle(buy(one));
  expect(pay).toHaveBeenCalledTimes(3);
});

test('[150] of two callers at once the second waits for the first, and gets its result', async () => {
  const clock = virtualClock();
  const pay = vi.fn(() => clock.sleep(50).then(() => 'paid'));
  const { buy } = shopOn(memoryIdempotencyStore({ clock }), paying(pay), { clock });
  const runs = await clock.settle(Promise.all([buy(one), buy(one)]));
  expect(runs.map(({ outputs }) => outputs.receipt)).toEqual(['paid', 'paid']);
  expect(pay).toHaveBeenCalledOnce();
});

test('[151] what is stored can be had, runs out, and can be deleted', async () => {
  const { buy, clock, store, pay } = shop();
  await clock.settle(buy(one));
  expect(await store.forget({ tenantId: undefined, scope: 'payments', key: 'one' })).toBe(true);
  await clock.settle(buy(one));
  expect(pay).toHaveBeenCalledTimes(2);
  await clock.advance(1_000);
  await clock.settle(buy(one));
  expect(pay).toHaveBeenCalledTimes(3);
});

test('[D11] under one idempotency key two stages each run, once, and are stored apart', async () => {
  const clock = virtualClock();
  const { key } = inputs<{ key: string }>();
  const calls: string[] = [];
  const effect = (name: string) =>
    work(name, {
      needs: { key },
      idempotencyKey: ({ key }) => key,
      run: () => {
        calls.push(name);
        return `${name}'s`;
      },
    });
  const [left, right] = [effect('left'), effect('right')];
  for (const order of [{ outputs: { left, right } }, { outputs: { left, right }, maxConcurrency: 1 }]) {
    calls.length = 0;
    const p = pipeline('p', order);
    const runtime = createRuntime({ pipelines: [p], clock, interceptors: [idempotency({ store: memoryIdempotencyStore({ clock }) })] });
    for (const _ of [1, 2]) {
      const run = await clock.settle(runtime.run(p, { key: 'k' }));
      expect(run).toMatchObject({ status: 'completed', outputs: { left: "left's", right: "right's" } });
    }
    expect(calls.sort()).toEqual(['left', 'right']);
  }
});

test('[D12] the third identical call gives what the first gave', async () => {
  const pay = vi.fn(() => ({ id: 7, lines: ['tea'] }));
  const { buy, clock } = shop(pay);
  const runs = [];
  for (let at = 0; at < 3; at++) runs.push((await clock.settle(buy(one))).outputs.receipt);
  expect(runs).toEqual(Array.from({ length: 3 }, () => ({ id: 7, lines: ['tea'] })));
  expect(pay).toHaveBeenCalledOnce();
});

test('[147] a run that is resumed after its process died makes the effect no second time', async () => {
  const clock = virtualClock();
  const [runs, store] = [memoryRunStore(), memoryIdempotencyStore({ clock })];
  const pay = vi.fn(() => 'paid');
  const shopPipeline = paying(pay);
  const interceptors = [idempotency({ store })];
  // The effect was made, and its process died before the journal had it.
  const dying = {
    ...methodsOf(runs),
    commit: async (...given: Parameters<typeof runs.commit>) => pay.mock.calls.length === 0 && runs.commit(...given),
  };
  const first = createRuntime({ pipelines: [shopPipeline], clock, store: dying, interceptors });
  await clock.settle(first.run(shopPipeline, { order: one }, { runId: 'r' }).catch(() => {}));
  expect(pay).toHaveBeenCalledOnce();
  await clock.advance(60_000);
  const second = createRuntime({ pipelines: [shopPipeline], clock, store: runs, interceptors });
  const run = await clock.settle(second.resume('r'));
  expect(run).toMatchObject({ status: 'completed', outputs: { receipt: 'paid' } });
  expect(run.stages.get('charge')?.cached).toBe(true);
  expect(pay).toHaveBeenCalledOnce();
});

function methodsOf(store: ReturnType<typeof memoryRunStore>): ReturnType<typeof memoryRunStore> {
  return {
    name: 'dying',
    create: (...given) => store.create(...given),
    load: (...given) => store.load(...given),
    acquire: (...given) => store.acquire(...given),
    renew: (...given) => store.renew(...given),
    commit: (...given) => store.commit(...given),
    waits: (...given) => store.waits(...given),
    answer: (...given) => store.answer(...given),
    deliver: (...given) => store.deliver(...given),
  };
}
