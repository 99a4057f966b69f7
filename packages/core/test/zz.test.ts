import fc from 'fast-check';
import { test } from 'vitest';
import { checkRun } from './checks-of-runs.ts';
import { livesOf } from './model.ts';
import { observe } from './observed-run.ts';
import { randomGraphs } from './random-graph.ts';
import { allTraits, traitsOf } from './traits-of-runs.ts';
test('x', { timeout: 1000000 }, async () => {
  const seen = new Map<string, number>(allTraits().map((trait) => [trait, 0]));
  await fc.assert(fc.asyncProperty(randomGraphs(), async (graph) => {
    const o = await observe(graph); const lives = livesOf(graph, o.facts);
    checkRun(graph, lives, o);
    for (const trait of traitsOf(graph, lives, o)) seen.set(trait, (seen.get(trait) ?? 0) + 1);
  }), { numRuns: 1000, seed: Number(process.env['STAGEFLOW_SEED'] ?? 2025), endOnFailure: true });
  console.log([...seen].filter(([, n]) => n < 12).map((x) => x.join(' ')).join('\n'));
});
