import type { RedisIdempotencyStore } from '@stageflow/redis-idempotency';

/** A store each of whose calls goes to the next of two: what holds of one must hold of both. */
export function inTurn(stores: readonly [RedisIdempotencyStore, RedisIdempotencyStore]): RedisIdempotencyStore {
  let turn = 0;
  const next = () => stores[turn++ % 2] as RedisIdempotencyStore;
  return {
    name: 'in turn',
    claim: (...args) => next().claim(...args),
    renew: (...args) => next().renew(...args),
    settle: (...args) => next().settle(...args),
    release: (...args) => next().release(...args),
    forget: (...args) => next().forget(...args),
    whenFree: (...args) => next().whenFree(...args),
    close() {
      for (const store of stores) store.close();
    },
  };
}
