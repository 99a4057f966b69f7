import { isStageflowError, isWorthRetrying } from '@stageflow/core';
import { breakerOpen, circuitBreaker, policiesFor } from '@stageflow/interceptors';
import { shop } from './pipeline.ts';

const prices = { tags: ['prices API'] };

/** After three failures the server is left alone for a second. */
export const breaker = circuitBreaker({ name: 'prices API', only: prices, key: () => 'prices', failures: 3, openMs: 1_000 });

/** The shop with limits for each of its stages that asks the server; while the breaker is open, they do not try again. */
export const patientShop = shop.configure(
  policiesFor(shop.plan, prices, {
    timeoutMs: 500,
    retry: {
      attempts: 2,
      baseMs: 10,
      when: (error) => isWorthRetrying(error) && !isStageflowError(error, breakerOpen),
    },
  }),
);
