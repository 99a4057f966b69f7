import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { heapSlope, virtualClock } from '@stageflow/testing';
import { expect, test, vi } from 'vitest';
import type { Encoded } from './durable/codec.ts';
import { memoryIdempotencyStore } from './memory-idempotency-store.ts';

const call = { tenantId: 't', scope: 's', key: 'k' };
const claim = { paramsHash: undefined, leaseMs: 1_000 };

test('the clock of the host is used where none is given', async () => {
  const store = memoryIdempotencyStore();
  expect(await store.claim(call, claim)).toEqual({ status: 'claimed', token: 1 });
  expect(await store.claim(call, claim)).toMatchObject({ status: 'held', leaseEndsInMs: expect.any(Number) });
});

test('who waits and gives up is not waited with any more', async () => {
  const store = memoryIdempotencyStore({ clock: virtualClock() });
  await store.claim(call, claim);
  const [left, stays] = [new AbortController(), new AbortController()];
  const leaving = store.whenFree?.(call, { signal: left.signal });
  const staying = store.whenFree?.(call, { signal: stays.signal });
  left.abort(new Error('enough'));
  await expect(leaving).rejects.toThrow('enough');
  await expect(store.whenFree?.(call, { signal: left.signal })).rejects.toThrow('enough');
  await store.forget(call);
  await expect(staying).resolves.toBeUndefined();
});

test('a hundred thousand keys that have run out leave nothing behind', async () => {
  const clock = virtualClock();
  const store = memoryIdempotencyStore({ clock });
  let keys = 0;
  const remember = async (): Promise<void> => {
    const identity = { ...call, key: `key ${keys++}` };
    const claimed = await store.claim(identity, claim);
    if (claimed.status !== 'claimed') throw new Error('taken');
    await store.settle(identity, claimed.token, { record: '"x"' as Encoded, ttlMs: 50 });
    clock.block(1);
  };
  setFlagsFromString('--expose-gc');
  vi.stubGlobal('gc', runInNewContext('gc'));
  const { bytesPerRun } = await heapSlope(remember, { runs: 100_000, warmUp: 10_000 });
  vi.unstubAllGlobals();
  expect(bytesPerRun).toBeLessThan(40);
});
