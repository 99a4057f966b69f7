import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from './checks-of-runs.ts';
import { livesOf } from './model.ts';
import { observe } from './observed-run.ts';
import { randomGraphs } from './random-graph.ts';
import { allTraits, traitsOf } from './traits-of-runs.ts';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

test('a run of a random graph is what the model says', { timeout: 1_200_000 }, async () => {
  const seen = new Map<string, number>(allTraits().map((trait) => [trait, 0]));
  const check = async (graph: Parameters<typeof observe>[0]): Promise<void> => {
    const observed = await observe(graph);
    const lives = livesOf(graph, observed.facts);
    checkRun(graph, lives, observed);
    for (const trait of traitsOf(graph, lives, observed)) seen.set(trait, (seen.get(trait) ?? 0) + 1);
  };
  await fc.assert(fc.asyncProperty(randomGraphs(), check), { numRuns, seed });
  console.log([...seen].map((x) => x.join(' ')).join('\n'));
  const unseen = [...seen].flatMap(([trait, count]) => (count === 0 ? [trait] : []));
  if (numRuns >= 1_000) expect(unseen).toEqual([]);
});
