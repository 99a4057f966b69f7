import fc from 'fast-check';
import { test } from 'vitest';
import { checkRun } from './checks-of-runs.ts';
import { livesOf } from './model.ts';
import { observe } from './observed-run.ts';
import { randomGraphs } from './random-graph.ts';

const graphs = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);

test('every run of a random graph is what the model says', async () => {
  const t0 = performance.now();
  let stages = 0;
  await fc.assert(
    fc.asyncProperty(randomGraphs(), async (graph) => {
      stages += graph.stages.length;
      const observed = await observe(graph);
      checkRun(graph, livesOf(graph, observed.facts), observed);
    }),
    { numRuns: graphs },
  );
  console.log(stages, performance.now() - t0);
}, 120_000);
