import { inputs, map, pipeline, stage, suspend, work } from '@stageflow/core';
import { z } from 'zod';

const { articles } = inputs<{ articles: ReadonlyMap<string, number> }>();

const lines = stage('lines', { needs: { articles }, run: ({ articles }) => [...articles].map(([sku, count]) => ({ sku, count })) });

const prices = map(
  'prices',
  lines,
  (line) => stage('price', { needs: { line }, run: ({ line }) => BigInt(line.count) * BigInt(line.sku.length) * 100n }),
  { key: ({ sku }) => sku },
);

const total = stage('total', { needs: { prices }, run: ({ prices }) => prices.reduce((sum, price) => sum + price, 0n) });

const confirmed = stage('confirmed', {
  needs: { total },
  run: ({ total }, { answer }) => answer(z.object({ by: z.string() })) ?? suspend({ question: 'Buy this?', cents: total }),
});

const bought = work('bought', {
  needs: { lines, total, confirmed },
  run: ({ lines, total, confirmed }, { idempotencyKey }) => ({
    key: idempotencyKey,
    cents: total,
    articles: new Set(lines.map(({ sku }) => sku)),
    ...confirmed,
  }),
});

/** An order with a map, a question and an effect, and with values that JSON has no word for. */
export const order = pipeline('order', { outputs: { bought } });
