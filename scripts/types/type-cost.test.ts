import { expect, test } from 'vitest';
import { overLimit } from './type-cost.mjs';

const within = [
  { stages: 10, ours: 1_400, plain: 1_000 },
  { stages: 100, ours: 14_000, plain: 10_000 },
  { stages: 500, ours: 70_000, plain: 50_000 },
];

test('a graph at the limit of every rule passes', () => {
  expect(overLimit([{ name: 'chain', budget: 70_000, costs: within }])).toEqual([]);
});

test('a graph that costs more than 1.4 times plain functions is reported at its size', () => {
  const costs = [{ stages: 10, ours: 1_410, plain: 1_000 }, ...within.slice(1)];
  expect(overLimit([{ name: 'chain', budget: 70_000, costs }])).toEqual(['chain, 10 stages: 1.41 times plain functions, at most 1.4']);
});

test('a graph that grows faster than its stages is reported', () => {
  const costs = [...within.slice(0, 2), { stages: 500, ours: 74_000, plain: 60_000 }];
  expect(overLimit([{ name: 'chain', budget: 74_000, costs }])).toEqual(['chain: 5.29 times the cost at 500 against 100, at most 5.2']);
});

test('a graph more than 5 % over its budget is reported, however cheap beside plain functions', () => {
  expect(overLimit([{ name: 'chain', budget: 66_000, costs: within }])).toEqual([
    'chain, 500 stages: 70000 instantiations, the budget is 66000',
  ]);
});

test('a graph of which nothing was measured is reported', () => {
  expect(overLimit([{ name: 'chain', budget: 1, costs: [] }])).toEqual(['chain: nothing was measured']);
});
