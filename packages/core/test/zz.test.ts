import fc from 'fast-check';
import { test } from 'vitest';
import { checkRun } from './checks-of-runs.ts';
import { livesOf } from './model.ts';
import { observe } from './observed-run.ts';
import { randomGraphs } from './random-graph.ts';
test('x', { timeout: 100000 }, async () => {
  await fc.assert(fc.asyncProperty(randomGraphs(), async (graph) => {
    const o = await observe(graph); const lives = livesOf(graph, o.facts);
    try { checkRun(graph, lives, o); } catch (e) {
      console.log(String(e).slice(0, 300), 'size', graph.stages.length, 'stop', o.facts.stopAt, 'end', o.facts.endAt, o.run.status, JSON.stringify({ ...graph, stages: 0, outputs: 0, also: 0 }));
      for (const l of lives) { const r = o.run.stages.get(l.stage.name)!; if (r.durationMs !== undefined && r.durationMs !== l.endAt - l.calls[0]!.startAt) console.log(JSON.stringify(l), JSON.stringify(r), o.events.filter((e) => 'stage' in e && e.stage === l.stage.name)); }
      throw e;
    }
  }), { numRuns: 1000, seed: 2025, endOnFailure: true });
});
