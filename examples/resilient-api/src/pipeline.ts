import { fallback, inputs, pipeline, services, stage } from '@stageflow/core';

const { sku } = inputs<{ sku: string }>();
const { pricesUrl } = services<{ pricesUrl: string }>();

const live = stage('live', {
  kind: 'enrich',
  needs: { sku, pricesUrl },
  tags: ['prices API'],
  run: async ({ sku, pricesUrl }, { signal }) => {
    const response = await fetch(`${pricesUrl}/${sku}`, { signal });
    if (!response.ok) throw Object.assign(new Error(`the price server answered ${response.status}`), { status: response.status });
    const { cents } = (await response.json()) as { readonly cents: number };
    return { cents, from: 'the server' };
  },
});

const stored = stage('stored', { needs: { sku }, run: () => ({ cents: 1_199, from: 'yesterday' }) });

/** The price of an article: of this moment, or else of yesterday. */
export const shop = pipeline('shop', { outputs: { price: fallback('price', live, stored) } });
