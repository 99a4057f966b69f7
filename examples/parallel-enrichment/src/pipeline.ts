import { inputs, optional, pipeline, services, stage } from '@stageflow/core';
import type { Shop } from './shop.ts';

const { customerId } = inputs<{ customerId: string }>();
const { shop } = services<{ shop: Shop }>();

const profile = stage('profile', {
  kind: 'enrich',
  needs: { customerId, shop },
  retry: { attempts: 3, baseMs: 20 },
  run: ({ customerId, shop }, { signal }) => shop.profile(customerId, signal),
});

const orders = stage('orders', {
  kind: 'enrich',
  needs: { customerId, shop },
  run: ({ customerId, shop }, { signal }) => shop.orders(customerId, signal),
});

// Nice to have: late or broken suggestions are left out, and readers must say what they do without them.
const suggestions = stage('suggestions', {
  kind: 'enrich',
  needs: { customerId, shop },
  timeoutMs: 150,
  onFailure: 'skip',
  run: ({ customerId, shop }, { signal }) => shop.suggestions(customerId, signal),
});

const welcome = stage('welcome', {
  needs: { profile, orders, suggestions: optional(suggestions) },
  run: ({ profile, orders, suggestions = [] }) =>
    [`Welcome back, ${profile.name}.`, `You bought ${orders.join(' and ')}.`, ...suggestions.map((item) => `How about ${item}?`)].join(' '),
});

/** What the shop says to a customer who returns. */
export const welcomeBack = pipeline('welcome-back', { outputs: { welcome } });
