import { createRuntime, inputs, pipeline, type Runtime, work } from '@stageflow/core';
import type { IdempotencyStore } from '@stageflow/core/ports';
import { type IdempotencyOptions, idempotency } from '@stageflow/interceptors';

const { order } = inputs<{ order: string }>();

/** A pipeline of one payment, made once for each order. */
export function paying<T>(pay: (order: string) => T | Promise<T>) {
  const charge = work('charge', {
    needs: { order },
    idempotencyKey: ({ order }) => order,
    deduplicate: { scope: 'payments' },
    run: ({ order }) => pay(order),
  });
  return pipeline('shop', { outputs: { charge } });
}

/** A runtime on `store`. */
export function runtimeOn(store: IdempotencyStore, shop: ReturnType<typeof paying>, options: Partial<IdempotencyOptions> = {}): Runtime {
  return createRuntime({ pipelines: [shop], interceptors: [idempotency({ store, ...options })] });
}
