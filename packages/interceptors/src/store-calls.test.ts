import { memoryIdempotencyStore } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { faultyStore } from '../test/faulty-store.ts';
import { counting, namesOf, type Order, paying, shopOn } from '../test/shop.ts';

const one: Order = { id: 'one', amount: 100 };

describe('a store that fails', () => {
  test.each(['throws', 'rejects', 'hangs'] as const)('and %s at the claim keeps the effect from being called', async (does) => {
    const clock = virtualClock();
    const store = faultyStore(clock, { claim: { left: 1, does } });
    const pay = counting();
    const { buy, sink } = shopOn(store, paying(pay, {}, { retry: { attempts: 3, baseMs: 1 } }), { clock });
    const run = await clock.settle(buy(one));
    const why = does === 'hangs' ? 'it did not answer within 5000 ms.' : 'the network is down.';
    const details = { stage: 'charge', store: 'faulty', call: 'claim', why };
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_IDEMPOTENCY_STORE_FAILED', details, retryable: true } });
    expect(store.fired).toBe(1);
    expect(pay).not.toHaveBeenCalled();
    expect(sink.last('stage.failed')?.error.code).toBe('SF_IDEMPOTENCY_STORE_FAILED');
    expect((await clock.settle(buy(one))).status).toBe('completed');
  });

  test.each(['throws', 'rejects', 'hangs'] as const)('and %s is passed by where told to, and that is said', async (does) => {
    const clock = virtualClock();
    const store = faultyStore(clock, { claim: { left: 1, does } });
    const pay = counting();
    const { buy, sink } = shopOn(store, paying(pay), { clock, onStoreFailure: 'run' });
    expect((await clock.settle(buy(one))).status).toBe('completed');
    expect(store.fired).toBe(1);
    expect(pay).toHaveBeenCalledOnce();
    expect(namesOf(sink.about('charge'))).toEqual(['stage.started', 'idempotency.bypassed', 'stage.completed']);
  });

  test('a mismatch is no failure of the store', async () => {
    const [clock, pay] = [virtualClock(), counting()];
    const { buy } = shopOn(memoryIdempotencyStore({ clock }), paying(pay), { clock, onStoreFailure: 'run' });
    await clock.settle(buy(one));
    expect(await clock.settle(buy({ ...one, amount: 1 }))).toMatchObject({ error: { code: 'SF_IDEMPOTENCY_MISMATCH' } });
    expect(pay).toHaveBeenCalledOnce();
  });

  test('a claim that is told after it was given up is given back', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const claim: typeof store.claim = (...given) => clock.sleep(6_000).then(() => store.claim(...given));
    const slow = { ...store, claim };
    const { buy } = shopOn(slow, paying(counting()), { clock });
    expect((await clock.settle(buy(one))).status).toBe('failed');
    await clock.advance(1_000);
    expect(store.calls).toMatchObject({ claim: 1, release: 1 });
  });

  test.each(['rejects', 'hangs', 'acts and rejects'] as const)('and %s when the value is to be kept is asked again', async (does) => {
    const clock = virtualClock();
    const store = faultyStore(clock, { settle: { left: 2, does } });
    const { buy, sink } = shopOn(store, paying(counting()), { clock });
    expect((await clock.settle(buy(one))).status).toBe('completed');
    expect(store.fired).toBe(2);
    expect((await clock.settle(buy(one))).stages.get('charge')?.cached).toBe(true);
    expect(namesOf(sink.about('charge'))).not.toContain('idempotency.not_kept');
  });

  test('when the value is to be kept, again and again: what the stage did stands, and that nothing remembers it is said', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock, { settle: { left: 3, does: 'rejects' } });
    const { buy, sink } = shopOn(store, paying(counting()), { clock });
    expect((await clock.settle(buy(one))).status).toBe('completed');
    expect(store.fired).toBe(3);
    expect(namesOf(sink.about('charge'))).toEqual(['stage.started', 'idempotency.not_kept', 'stage.completed']);
  });

  test('when the call is to be given back, lets the lease run out', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock, { release: { left: 1, does: 'rejects' } });
    const pay = vi.fn((): unknown => (pay.mock.calls.length === 1 ? Promise.reject(new Error('no')) : 'paid'));
    const { buy } = shopOn(store, paying(pay), { clock });
    expect(await clock.settle(buy(one))).toMatchObject({ error: { code: 'SF_STAGE_FAILED' } });
    expect(store.fired).toBe(1);
    expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
    expect(clock.monotonic()).toBe(30_000);
  });

  test.each([{ status: 'busy' }, {}])('and answers %j to a claim keeps the effect from being called', async (answer) => {
    const clock = virtualClock();
    const pay = counting();
    const store = { ...faultyStore(clock), claim: async () => answer as never };
    expect(await clock.settle(shopOn(store, paying(pay), { clock }).buy(one))).toMatchObject({
      error: { code: 'SF_IDEMPOTENCY_STORE_FAILED' },
    });
    expect(pay).not.toHaveBeenCalled();
  });

  test('and cannot say when a lease ends is asked again all the same', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const vague = {
      ...store,
      claim: async (...given: Parameters<typeof store.claim>) => {
        const result = await store.claim(...given);
        return result.status === 'held' ? { ...result, leaseEndsInMs: Number.NaN } : result;
      },
    };
    const { buy } = shopOn(
      vague,
      paying(() => clock.sleep(500).then(() => 'paid')),
      { clock },
    );
    expect((await clock.settle(Promise.all([buy(one), buy(one)]))).map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(store.calls.claim).toBeLessThan(10);
  });

  test.each(['', '{', '{"status":"completed"}', '7', '{"status":"failed","runId":"r","error":1}', '{"status":"else","runId":"r"}'])(
    'and kept something else, %j, keeps the effect from being called',
    async (record) => {
      for (const onStoreFailure of ['fail', 'run'] as const) {
        const clock = virtualClock();
        const store = faultyStore(clock);
        const identity = { tenantId: undefined, scope: 'payments', key: 'one' };
        const claimed = await store.claim(identity, { paramsHash: undefined, leaseMs: 1_000 });
        await store.settle(identity, (claimed as { token: number }).token, { record: record as never, ttlMs: 1_000 });
        const pay = counting();
        const { buy } = shopOn(store, paying(pay), { clock, onStoreFailure });
        expect(await clock.settle(buy(one))).toMatchObject({ error: { code: 'SF_IDEMPOTENCY_STORE_FAILED' } });
        expect(pay).not.toHaveBeenCalled();
      }
    },
  );
});
