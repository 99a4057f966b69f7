import {
  createRuntime,
  type Interceptor,
  inputs,
  memoryIdempotencyStore,
  memoryRunStore,
  pipeline,
  race,
  skip,
  stage,
  suspend,
  work,
} from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { faultyStore } from '../test/faulty-store.ts';
import { counting, type Order, paying, shopOn } from '../test/shop.ts';
import { idempotency } from './idempotency.ts';

const one: Order = { id: 'one', amount: 100 };

/** A shop in virtual time. */
function shop(pay: Parameters<typeof paying>[0] = counting(), options: Parameters<typeof shopOn>[2] & Parameters<typeof paying>[1] = {}) {
  const { scope, params, ...settings } = options as Record<string, never>;
  const clock = virtualClock();
  const store = faultyStore(clock);
  const deduplicate = { ...(scope === undefined ? {} : { scope }), ...(params === undefined ? {} : { params }) };
  return { ...shopOn(store, paying(pay, deduplicate), { clock, ...settings }), store, pay };
}

describe('a repeat', () => {
  test('gets the value of the first call, flagged as cached, any number of times', async () => {
    const { buy, pay, clock } = shop();
    const runs = [];
    for (let at = 0; at < 3; at++) runs.push(await clock.settle(buy(one)));
    expect(runs.map(({ outputs }) => outputs.receipt)).toEqual(Array.from({ length: 3 }, () => ({ id: 'one', number: 1 })));
    expect(runs.map(({ stages }) => stages.get('charge')?.cached)).toEqual([false, true, true]);
    expect(runs.map(({ stages }) => stages.get('charge')?.attempts)).toEqual([1, 0, 0]);
    expect(pay).toHaveBeenCalledOnce();
  });

  test('of another key is no repeat', async () => {
    const { buy, pay, clock } = shop();
    await clock.settle(buy(one));
    await clock.settle(buy({ ...one, id: 'two' }));
    expect(pay).toHaveBeenCalledTimes(2);
  });

  test('of another tenant, or of none, is no repeat', async () => {
    const { buy, pay, clock } = shop();
    for (const tenantId of ['acme', 'globex', '', undefined]) {
      const run = await clock.settle(buy(one, { tenantId }));
      expect(run.stages.get('charge')?.cached).toBe(false);
    }
    expect(pay).toHaveBeenCalledTimes(4);
    expect((await clock.settle(buy(one, { tenantId: 'acme' }))).outputs.receipt).toEqual({ id: 'one', number: 1 });
  });

  test('is passed by the contract again', async () => {
    let strict = false;
    const clock = virtualClock();
    const output = z.number().refine((value) => !strict || value < 5, 'too much');
    const { buy } = shopOn(
      memoryIdempotencyStore({ clock }),
      paying(() => 7, {}, { output }),
      { clock },
    );
    await clock.settle(buy(one));
    expect((await clock.settle(buy(one))).status).toBe('completed');
    strict = true;
    expect(await clock.settle(buy(one))).toMatchObject({ status: 'failed', error: { code: 'SF_OUTPUT_INVALID' } });
  });

  test.each([undefined, null, 0, '', Number.NaN, new Date(5), new Map([['a', 1n]])])(
    'gets a value of any kind that can be kept: %o',
    async (value) => {
      const { buy, clock } = shop(() => value);
      await clock.settle(buy(one));
      const again = await clock.settle(buy(one));
      expect(again.stages.get('charge')).toMatchObject({ cached: true, status: 'completed' });
      expect(again.outputs.receipt).toEqual(value);
    },
  );

  test('after the time of the value is made again: that of the work, else that of the interceptor', async () => {
    const { buy, pay, clock } = shop(counting(), { ttlMs: 1_000 });
    await clock.settle(buy(one));
    await clock.advance(999);
    await clock.settle(buy(one));
    expect(pay).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    await clock.settle(buy(one));
    expect(pay).toHaveBeenCalledTimes(2);

    const brief = shopOn(memoryIdempotencyStore({ clock }), paying(pay, { ttlMs: 10 }), { clock });
    await clock.settle(brief.buy(one));
    await clock.advance(10);
    await clock.settle(brief.buy(one));
    expect(pay).toHaveBeenCalledTimes(4);
  });
});

describe('other parameters under one key', () => {
  test('fail, and the effect is not called: once it was made, and while it is', async () => {
    const clock = virtualClock();
    const pay = vi.fn(() => clock.sleep(100));
    const { buy } = shopOn(memoryIdempotencyStore({ clock }), paying(pay), { clock });
    const first = buy(one);
    const meanwhile = await clock.settle(buy({ ...one, amount: 1_000 }));
    await clock.settle(first);
    const after = await clock.settle(buy({ ...one, amount: 1_000 }));
    for (const run of [meanwhile, after]) {
      const details = { stage: 'charge', key: 'one', scope: 'payments' };
      expect(run).toMatchObject({
        status: 'failed',
        error: { code: 'SF_IDEMPOTENCY_MISMATCH', details, path: 'charge', retryable: false },
      });
    }
    expect(pay).toHaveBeenCalledOnce();
    expect((await clock.settle(buy(one))).status).toBe('completed');
  });

  test('are the same where their members are, in any order, and those that are undefined do not count', async () => {
    const clock = virtualClock();
    let params: unknown;
    const pay = vi.fn(() => 1);
    const { buy } = shopOn(memoryIdempotencyStore({ clock }), paying(pay, { params: () => params }), { clock });
    for (params of [
      { a: [{ c: 1, d: undefined }], b: 2 },
      { b: 2, a: [{ c: 1 }] },
    ]) {
      expect((await clock.settle(buy(one))).status).toBe('completed');
    }
    params = { b: 2, a: [{ c: 2 }] };
    expect((await clock.settle(buy(one))).status).toBe('failed');
    expect(pay).toHaveBeenCalledOnce();
  });

  test('are not looked for where none are declared', async () => {
    const clock = virtualClock();
    const { buy } = shopOn(
      memoryIdempotencyStore({ clock }),
      paying(() => 1, true),
      { clock },
    );
    await clock.settle(buy(one));
    expect((await clock.settle(buy({ ...one, amount: 7 }))).status).toBe('completed');
  });
});

describe('a scope', () => {
  test('that is not declared is the place of the stage, without keys of items: one key, two stages, two effects', async () => {
    const clock = virtualClock();
    const { id } = inputs<{ id: string }>();
    const made: string[] = [];
    const note = (name: string): string => {
      made.push(name);
      return name;
    };
    const effect = (name: string) =>
      work(name, { needs: { id }, idempotencyKey: ({ id }) => id, deduplicate: true, run: () => note(name) });
    const [left, right] = [effect('left'), effect('right')];
    const called = stage('called', {
      run: (_, { call }) => Promise.all(['a', 'b'].map((key) => call(effect('inner'), { id: 'k' }, { key }))),
    });
    const p = pipeline('p', { outputs: { left, right, called } });
    const options = { clock, interceptors: [idempotency({ store: memoryIdempotencyStore({ clock }) })] };
    const run = await clock.settle(p.runOrThrow({ id: 'k' }, options));
    expect(run.outputs).toEqual({ left: 'left', right: 'right', called: ['inner', 'inner'] });
    expect((await clock.settle(p.runOrThrow({ id: 'k' }, options))).outputs).toEqual(run.outputs);
    expect(made.sort()).toEqual(['inner', 'left', 'right']);
  });

  test('that is declared is shared by all stages and pipelines that name it', async () => {
    const clock = virtualClock();
    const pay = counting();
    const store = memoryIdempotencyStore({ clock });
    const { order } = inputs<{ order: Order }>();
    const other = work('other', {
      needs: { order },
      idempotencyKey: ({ order }) => order.id,
      deduplicate: { scope: 'payments' },
      run: ({ order }) => pay(order),
    });
    await clock.settle(shopOn(store, paying(pay), { clock }).buy(one));
    const run = pipeline('elsewhere', { outputs: { other } }).run({ order: one }, { clock, interceptors: [idempotency({ store })] });
    expect((await clock.settle(run)).outputs.other).toEqual({ id: 'one', number: 1 });
    expect(pay).toHaveBeenCalledOnce();
  });
});

describe('single flight', () => {
  test('of many at once on two runtimes one makes the call, and the others wait for its value', async () => {
    const clock = virtualClock();
    const store = memoryIdempotencyStore({ clock });
    const pay = vi.fn(() => clock.sleep(40_000).then(() => 'paid'));
    const shops = [shopOn(store, paying(pay), { clock }), shopOn(store, paying(pay), { clock })];
    const runs = await clock.settle(Promise.all(Array.from({ length: 10 }, (_, at) => shops[at % 2]?.buy(one))));
    expect(runs.map((run) => run?.outputs.receipt)).toEqual(Array.from({ length: 10 }, () => 'paid'));
    expect(runs.filter((run) => run?.stages.get('charge')?.cached === true).length).toBe(9);
    expect(pay).toHaveBeenCalledOnce();
    expect(clock.monotonic()).toBe(40_000);
  });

  test('who waits asks again from time to time where the store cannot tell it, or fails at it', async () => {
    for (const whenFree of [undefined, () => Promise.reject(new Error('no'))]) {
      const clock = virtualClock();
      const { whenFree: _, ...rest } = faultyStore(clock);
      const store = { ...rest, ...(whenFree === undefined ? {} : { whenFree }) };
      const pay = vi.fn(() => clock.sleep(3_000).then(() => 'paid'));
      const { buy } = shopOn(store, paying(pay), { clock });
      const runs = await clock.settle(Promise.all([buy(one), buy(one)]));
      expect(runs.map(({ outputs }) => outputs.receipt)).toEqual(['paid', 'paid']);
      expect(pay).toHaveBeenCalledOnce();
      expect(clock.monotonic()).toBeLessThan(4_000);
      expect(rest.calls.claim).toBeLessThan(15);
    }
  });

  test('where the call fails, one of those that wait makes it', async () => {
    const clock = virtualClock();
    const pay = vi.fn(() => clock.sleep(10).then(() => (pay.mock.calls.length === 1 ? Promise.reject(new Error('no')) : 'paid')));
    const { buy } = shopOn(memoryIdempotencyStore({ clock }), paying(pay), { clock });
    const runs = await clock.settle(Promise.all([buy(one), buy(one), buy(one)]));
    expect(runs.map(({ status }) => status).sort()).toEqual(['completed', 'completed', 'failed']);
    expect(pay).toHaveBeenCalledTimes(2);
  });

  test('in one run two stages of one scope and key are one call, also with one slot', async () => {
    const clock = virtualClock();
    const pay = vi.fn(() => clock.sleep(10).then(() => 'paid'));
    const effect = (name: string) => work(name, { idempotencyKey: () => 'k', deduplicate: { scope: 's' }, run: pay });
    const p = pipeline('p', { outputs: { left: effect('left'), right: effect('right') }, maxConcurrency: 1 });
    const run = p.run({}, { clock, interceptors: [idempotency({ store: memoryIdempotencyStore({ clock }) })] });
    expect((await clock.settle(run)).outputs).toEqual({ left: 'paid', right: 'paid' });
    expect(pay).toHaveBeenCalledOnce();
  });

  test('who waits stops when its run does', async () => {
    const clock = virtualClock();
    const { buy } = shopOn(
      memoryIdempotencyStore({ clock }),
      paying(() => clock.sleep(60_000)),
      { clock },
    );
    const first = buy(one);
    const second = await clock.settle(buy(one, { deadlineMs: 500 }));
    expect(second).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' } });
    expect(second.stages.get('charge')?.status).toBe('cancelled');
    expect(clock.monotonic()).toBe(500);
    expect((await clock.settle(first)).status).toBe('completed');
  });
});

describe('failures', () => {
  test('are not remembered', async () => {
    const pay = vi.fn((): unknown => (pay.mock.calls.length === 1 ? Promise.reject(new Error('no')) : 'paid'));
    const { buy, clock } = shop(pay);
    expect((await clock.settle(buy(one))).status).toBe('failed');
    expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
    expect(pay).toHaveBeenCalledTimes(2);
  });

  test('are remembered where asked, and say which run failed', async () => {
    const pay = vi.fn((): unknown => Promise.reject(new Error('card declined')));
    const rememberFailure = vi.fn(() => true);
    const { buy, clock } = shop(pay, { rememberFailure });
    await clock.settle(buy(one, { runId: 'first' }));
    const again = await clock.settle(buy(one));
    expect(again).toMatchObject({
      status: 'failed',
      error: { code: 'SF_IDEMPOTENCY_FAILED_BEFORE', details: { runId: 'first', key: 'one' }, cause: { code: 'SF_STAGE_FAILED' } },
    });
    expect(pay).toHaveBeenCalledOnce();
    expect(rememberFailure).toHaveBeenCalledWith(expect.objectContaining({ code: 'SF_STAGE_FAILED' }));
  });

  test('a skip is not remembered', async () => {
    const pay = vi.fn(() => skip('nothing to pay'));
    const { buy, clock } = shop(pay);
    for (const _ of [1, 2]) expect((await clock.settle(buy(one))).stages.get('charge')?.status).toBe('skipped');
    expect(pay).toHaveBeenCalledTimes(2);
  });

  test('retries of the stage are within one call', async () => {
    const clock = virtualClock();
    const pay = vi.fn(() => (pay.mock.calls.length < 3 ? Promise.reject(new Error('no')) : 'paid'));
    const store = faultyStore(clock);
    const { buy } = shopOn(store, paying(pay, {}, { retry: { attempts: 3, baseMs: 60_000, jitter: 'none' } }), { clock });
    expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
    expect(store.calls).toMatchObject({ claim: 1, settle: 1, release: 0 });
    expect(store.calls.renew).toBeGreaterThan(3);
  });

  test('an attempt that may be under way still keeps others out until its lease has run out', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const pay = vi.fn(() => (pay.mock.calls.length === 1 ? new Promise(() => {}) : 'paid'));
    const { buy } = shopOn(store, paying(pay, {}, { timeoutMs: 10, graceMs: 10 }), { clock });
    expect(await clock.settle(buy(one))).toMatchObject({ error: { code: 'SF_STAGE_TIMEOUT' } });
    expect(store.calls.release).toBe(0);
    expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
    expect(clock.monotonic()).toBe(30_000);
  });

  test('a value that cannot be kept fails the stage, and a repeat does not make the effect again', async () => {
    const pay = vi.fn(() => ({ client: new (class Bank {})() }));
    const { buy, clock } = shop(pay);
    const details = { stage: 'charge', at: 'value.client', received: 'an instance of Bank' };
    expect(await clock.settle(buy(one))).toMatchObject({ error: { code: 'SF_NOT_SERIALIZABLE', details } });
    expect(await clock.settle(buy(one))).toMatchObject({ error: { code: 'SF_IDEMPOTENCY_FAILED_BEFORE' } });
    expect(pay).toHaveBeenCalledOnce();
  });
});

describe('a lease', () => {
  test('is renewed for as long as the call takes', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const { buy } = shopOn(
      store,
      paying(() => clock.sleep(100_000).then(() => 'paid')),
      { clock, leaseMs: 3_000 },
    );
    expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
    expect(store.calls.renew).toBe(99);
    expect(clock.pending).toBe(0);
  });

  test('of a holder that dies runs out, and another takes the call over', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    // A process that died: it has claimed the call, and says nothing more.
    await store.claim({ tenantId: undefined, scope: 'payments', key: 'one' }, { paramsHash: undefined, leaseMs: 30_000 });
    const pay = counting();
    const { buy } = shopOn(store, paying(pay), { clock });
    expect((await clock.settle(buy(one))).outputs.receipt).toEqual({ id: 'one', number: 1 });
    expect(clock.monotonic()).toBe(30_000);
  });

  test('that was lost aborts the call; what the late holder brings does not count', async () => {
    const clock = virtualClock();
    const store = memoryIdempotencyStore({ clock });
    const pauses = { ...store, name: 'paused', renew: () => new Promise<boolean>(() => {}) } as typeof store;
    for (const method of ['claim', 'settle', 'release', 'forget'] as const) pauses[method] = store[method].bind(store) as never;
    let aborted: unknown;
    const slow = vi.fn((_: Order, { signal }) =>
      clock.sleep(45_000).then(() => {
        aborted = signal.aborted;
        return 'late';
      }),
    );
    const late = shopOn(pauses, paying(slow), { clock }).buy(one);
    await clock.advance(30_000);
    const quick = await clock.settle(
      shopOn(
        store,
        paying(() => 'quick'),
        { clock },
      ).buy(one),
    );
    expect(quick.outputs.receipt).toBe('quick');
    const run = await clock.settle(late);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_IDEMPOTENCY_LEASE_LOST', details: { key: 'one', leaseMs: 30_000 } } });
    expect(aborted).toBe(false);
    expect((await clock.settle(shopOn(store, paying(slow), { clock }).buy(one))).outputs.receipt).toBe('quick');
  });

  test('that another has at the next renewal aborts the call at once', async () => {
    const clock = virtualClock();
    const store = memoryIdempotencyStore({ clock });
    const { buy } = shopOn(
      store,
      paying((_, { signal }) => clock.sleep(60_000, signal)),
      { clock },
    );
    const run = buy(one);
    await clock.advance(1_000);
    await store.forget({ tenantId: undefined, scope: 'payments', key: 'one' });
    expect(await clock.settle(run)).toMatchObject({ status: 'failed', error: { code: 'SF_IDEMPOTENCY_LEASE_LOST' } });
    expect(clock.monotonic()).toBe(10_000);
    expect(clock.pending).toBe(0);
  });

  test('survives a store that cannot be reached for a while', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock, { renew: { left: 1, does: 'rejects' } });
    const { buy } = shopOn(
      store,
      paying(() => clock.sleep(60_000).then(() => 'paid')),
      { clock },
    );
    expect((await clock.settle(buy(one))).outputs.receipt).toBe('paid');
    expect(store.fired).toBe(1);
  });

  test('ends when the run does: at once where the effect obeys, by its time where it does not', async () => {
    for (const obeys of [true, false]) {
      const clock = virtualClock();
      const store = faultyStore(clock);
      const pay = (_: Order, { signal }: { readonly signal: AbortSignal }) => (obeys ? clock.sleep(60_000, signal) : new Promise(() => {}));
      const { buy } = shopOn(store, paying(pay), { clock });
      const run = await clock.settle(buy(one, { deadlineMs: 100, graceMs: 200 }));
      expect(run.status).toBe('failed');
      expect(run.unsettled).toEqual(obeys ? [] : ['charge']);
      expect(store.calls.release).toBe(obeys ? 1 : 0);
      expect(clock.pending).toBe(0);
      await clock.advance(60_000);
      expect(store.calls.renew).toBe(0);
    }
  });

  test('is given back when the run is suspended; the call is made when it goes on', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const answered = z.string();
    const pay = vi.fn((_: Order, { answer }) => answer(answered) ?? suspend('Pay this?'));
    const shop = paying(pay);
    const runtime = createRuntime({ pipelines: [shop], clock, store: memoryRunStore(), interceptors: [idempotency({ store })] });
    const run = await clock.settle(runtime.run(shop, { order: one }));
    expect(run.status).toBe('suspended');
    expect(store.calls).toMatchObject({ claim: 1, release: 1, settle: 0 });
    expect(clock.pending).toBe(0);
    if (run.status !== 'suspended') return;
    await runtime.decide(run.waits[0]?.waitId as string, 'yes');
    expect((await clock.settle(runtime.resume(run.runId))).outputs).toEqual({ receipt: 'yes' });
    expect((await clock.settle(runtime.run(shop, { order: one }))).outputs).toEqual({ receipt: 'yes' });
    expect(pay).toHaveBeenCalledTimes(2);
  });
});

describe('a declaration that cannot be used', () => {
  const failing = () => {
    throw new TypeError('no id');
  };

  test.each<[string, object, string]>([
    ['an empty key', { idempotencyKey: () => '' }, 'idempotencyKey returned the empty string'],
    ['a key that is no string', { idempotencyKey: () => 7 }, 'idempotencyKey returned a value of type number'],
    ['no key', { idempotencyKey: () => undefined }, 'idempotencyKey returned a value of type undefined'],
    ['a key that throws', { idempotencyKey: failing }, 'idempotencyKey or deduplicate.params threw'],
    ['parameters that throw', { deduplicate: { params: failing } }, 'idempotencyKey or deduplicate.params threw'],
    [
      'parameters that are no data',
      { deduplicate: { params: () => ({ bank: () => 1 }) } },
      'deduplicate.params returned data that has a function at value.bank',
    ],
  ])('keeps the effect from being called: %s', async (_, declared, why) => {
    const clock = virtualClock();
    const pay = counting();
    const { buy } = shopOn(memoryIdempotencyStore({ clock }), paying(pay, {}, declared), { clock });
    const run = await clock.settle(buy(one));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_IDEMPOTENCY_KEY_INVALID', details: { stage: 'charge', why } } });
    expect(pay).not.toHaveBeenCalled();
  });

  test.each<[object, string]>([
    [{ ttlMs: 0 }, 'ttlMs'],
    [{ ttlMs: Number.POSITIVE_INFINITY }, 'ttlMs'],
    [{ leaseMs: -1 }, 'leaseMs'],
    [{ leaseMs: 2 ** 31 }, 'leaseMs'],
    [{ storeTimeoutMs: '5' }, 'storeTimeoutMs'],
  ])('of the interceptor is refused: %j', (options, option) => {
    expect(() => idempotency({ store: memoryIdempotencyStore(), ...options })).toThrow(
      expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option: `${option} of idempotency()` }) }),
    );
  });
});

describe('a call that may be under way still', () => {
  const hanging = () => new Promise(() => {});

  test('keeps its lease where another interceptor did not wait for it', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const hasty: Interceptor = {
      name: 'hasty',
      stage: async (_, next) => {
        void next();
        await clock.sleep(5);
        throw new Error('no time');
      },
    };
    const shop = paying(hanging);
    const run = await clock.settle(shop.run({ order: one }, { clock, graceMs: 10, interceptors: [idempotency({ store }), hasty] }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_INTERCEPTOR_FAILED' } });
    expect(store.calls).toMatchObject({ claim: 1, release: 0, settle: 0 });
    expect(clock.pending).toBe(0);
  });

  test('gives it back where an interceptor further in kept it from being called', async () => {
    for (const position of ['stage', 'attempt'] as const) {
      const clock = virtualClock();
      const store = faultyStore(clock);
      const open: Interceptor = { name: 'open', [position]: () => Promise.reject(new Error('the breaker is open')) };
      await clock.settle(paying(hanging).run({ order: one }, { clock, interceptors: [idempotency({ store }), open] }));
      expect(store.calls).toMatchObject({ claim: 1, release: 1 });
    }
  });

  test('keeps its lease where it has lost a race', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const pay = work('pay', { idempotencyKey: () => 'k', graceMs: 10, run: hanging });
    const quick = stage('quick', { run: () => clock.sleep(5) });
    const first = race('first', quick, pay);
    const run = pipeline('p', { outputs: { first } }).run({}, { clock, interceptors: [idempotency({ store })] });
    expect((await clock.settle(run)).status).toBe('completed');
    expect(store.calls).toMatchObject({ claim: 1, release: 0 });
  });
});

describe('two of them', () => {
  test('on one store make the call once, and do not wait for each other', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const pay = counting();
    const interceptors = [idempotency({ store }), idempotency({ store })];
    for (const _ of [1, 2]) expect((await clock.settle(paying(pay).run({ order: one }, { clock, interceptors }))).status).toBe('completed');
    expect(pay).toHaveBeenCalledOnce();
    expect(clock.monotonic()).toBe(0);
  });

  test('a stage that calls itself under its own key fails, and does not wait for ever', async () => {
    for (const key of [undefined, 'again']) {
      const clock = virtualClock();
      const inner = work('inner', { idempotencyKey: () => 'k', deduplicate: { scope: 's' }, run: () => 1 });
      const outer = work('outer', {
        idempotencyKey: () => 'k',
        deduplicate: { scope: 's' },
        run: (_, { call }) => call(inner, {}, key === undefined ? {} : { key }),
      });
      const run = pipeline('p', { outputs: { outer } }).run(
        {},
        { clock, interceptors: [idempotency({ store: memoryIdempotencyStore({ clock }) })] },
      );
      const { errors } = await clock.settle(run);
      expect(errors.map(({ code }) => code)).toContain('SF_IDEMPOTENCY_KEY_INVALID');
      expect(clock.monotonic()).toBe(0);
    }
  });
});

describe('what it is for', () => {
  test('work that hands a key on is deduplicated as well; stages and work without a key are left alone', async () => {
    const clock = virtualClock();
    const store = faultyStore(clock);
    const made: string[] = [];
    const keyed = work('keyed', { idempotencyKey: () => 'k', run: () => void made.push('keyed') });
    const plain = work('plain', { run: () => void made.push('plain') });
    const pure = stage('pure', { run: () => void made.push('pure') });
    const p = pipeline('p', { outputs: { keyed, plain, pure } });
    for (const _ of [1, 2]) await clock.settle(p.runOrThrow({}, { clock, interceptors: [idempotency({ store })] }));
    expect(made.sort()).toEqual(['keyed', 'plain', 'plain', 'pure', 'pure']);
    expect(store.calls.claim).toBe(2);
  });
});
