import { memoryIdempotencyStore } from '@stageflow/core';
import { idempotencyStoreContract, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

describe('the memory store', () => {
  test.each(idempotencyStoreContract)('$name', ({ run }) => {
    const clock = virtualClock();
    return run({ store: memoryIdempotencyStore({ clock }), advance: (ms) => clock.advance(ms) });
  });
});

test('names of cases are unique', () => {
  const names = idempotencyStoreContract.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('no case lets more time pass than the contract says', async () => {
  for (const { run } of idempotencyStoreContract) {
    const clock = virtualClock();
    await run({ store: memoryIdempotencyStore({ clock }), advance: (ms) => clock.advance(ms) });
    expect(clock.monotonic()).toBeLessThanOrEqual(600);
  }
});
