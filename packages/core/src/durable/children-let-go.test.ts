import { inputs, pipeline, type Runtime, stage, work } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { faultyRunStore } from '../../test/faulty-run-store.ts';
import { createRuntime } from '../runtime.ts';

const { amount } = inputs<{ amount: number }>();

/** A run that starts one below itself and waits for it, which does something for a while. */
function host() {
  const clock = virtualClock();
  const faults = faultyRunStore();
  const entry = stage('entry', {
    needs: { amount },
    run: ({ amount }, { now, sleepUntil }) => sleepUntil(now() + 100).then(() => amount * 2),
  });
  const ledger = pipeline('ledger', { outputs: { entry } });
  const first = stage('first', { run: () => 1 });
  const booked = work('booked', {
    needs: { first },
    run: async ({ first }, { runId, signal }) => {
      const isNew = (await faults.store.load('below', undefined)) === undefined;
      const run = isNew
        ? await runtime.start(ledger, { amount: first }, { runId: 'below', parent: runId }).result
        : await runtime.resume('below');
      // What is let go of has not failed.
      signal.throwIfAborted();
      if (run.status !== 'completed') throw new Error(`the run below is ${run.status}`);
      return (run.outputs as { entry: number }).entry;
    },
  });
  // Ends while the run below is under way, so that there is something to write.
  const beside = stage('beside', { needs: { first }, run: (_, { now, sleepUntil }) => sleepUntil(now() + 50) });
  const order = pipeline('order', { outputs: { booked, beside } });
  let runtime: Runtime = createRuntime({ pipelines: [order, ledger], store: faults.store, clock, leaseMs: 1_000 });
  const restart = (): Runtime => {
    runtime = createRuntime({ pipelines: [order, ledger], store: faults.store, clock, leaseMs: 1_000 });
    return runtime;
  };
  return {
    ...faults,
    clock,
    order,
    restart,
    begin: () => runtime.run(order, {}, { runId: 'above' }),
    close: () => runtime.close({ graceMs: 0 }),
  };
}

describe('a kept run below another', () => {
  test('is not cancelled when the store fails the one above, which finds it again when it goes on', async () => {
    const { clock, store, before, mend, fired, begin, restart } = host();
    const begun = begin();
    await clock.advance(40);
    before('commit', () => {
      mend('commit');
      throw new Error('the disk is full');
    });
    await expect(clock.settle(begun)).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
    expect(fired.count).toBe(1);
    await clock.advance(1_000);
    expect(await store.load('below', undefined)).toMatchObject({ status: 'suspended' });
    expect(await clock.settle(restart().resume('above'))).toMatchObject({ status: 'completed', outputs: { booked: 2 } });
  });

  test('is not cancelled where it is only about to begin when the one above is let go of', async () => {
    const { clock, store, before, mend, begin, close, restart } = host();
    let creates = 0;
    let release = (): void => {};
    before('create', () => {
      if (++creates === 1) return undefined;
      mend('create');
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    const begun = begin();
    await clock.advance(40);
    expect(creates).toBe(2);
    const closed = close();
    await clock.advance(1);
    release();
    await clock.settle(closed);
    expect((await begun).status).toBe('suspended');
    expect(await store.load('below', undefined)).toMatchObject({ status: 'suspended', records: [] });
    expect(await clock.settle(restart().resume('above'))).toMatchObject({ status: 'completed', outputs: { booked: 2 } });
  });

  test('is not cancelled when another process takes the one above over', async () => {
    const { clock, store, begin, restart } = host();
    const begun = begin();
    await clock.advance(40);
    await store.acquire('above', { owner: 'other', until: clock.now() + 10_000, now: clock.now() + 5_000 });
    await expect(clock.settle(begun)).rejects.toMatchObject({ code: 'SF_RUN_TAKEN_OVER' });
    await clock.advance(20_000);
    expect(await store.load('below', undefined)).toMatchObject({ status: 'suspended' });
    expect(await clock.settle(restart().resume('above'))).toMatchObject({ status: 'completed', outputs: { booked: 2 } });
  });

  test('is not cancelled when the runtime closes, and goes on with the one above', async () => {
    const { clock, store, begin, close, restart } = host();
    const begun = begin();
    await clock.advance(40);
    await clock.settle(close());
    expect((await begun).status).toBe('suspended');
    expect(await store.load('below', undefined)).toMatchObject({ status: 'suspended' });
    expect(await clock.settle(restart().resume('above'))).toMatchObject({ status: 'completed', outputs: { booked: 2 } });
  });
});
