import { block, guard, inputs, pass, pipeline, services, stage } from '@stageflow/core';
import { z } from 'zod';

/** What a client sends. */
export const Order = z.object({ product: z.string(), quantity: z.number().int().positive(), country: z.string().length(2) });

/** Where the service asks for prices: put your database in its place. */
export interface Catalog {
  priceOf(product: string, signal: AbortSignal): Promise<number>;
}

const { order } = inputs({ order: Order });
const { catalog } = services<{ catalog: Catalog }>();

// Whoever reads `deliverable` reads an order that passed. If it blocks, nothing after it runs.
export const deliverable = guard('deliverable', {
  subject: order,
  check: ({ subject }) => (subject.country === 'AQ' ? block(`nothing is delivered to ${subject.country}`) : pass()),
});

// Price and shipping are found side by side. The signal aborts when the client is gone.
export const price = stage('price', {
  needs: { deliverable, catalog },
  timeoutMs: 1_000,
  run: async ({ deliverable, catalog }, { signal }) => (await catalog.priceOf(deliverable.product, signal)) * deliverable.quantity,
});

export const shipping = stage('shipping', {
  needs: { deliverable },
  run: ({ deliverable }) => (deliverable.country === 'DE' ? 5 : 15),
});

export const quote = stage('quote', {
  needs: { price, shipping },
  run: ({ price, shipping }) => ({ price, shipping, total: price + shipping }),
});

export const quoting = pipeline('quoting', { outputs: { quote } });
