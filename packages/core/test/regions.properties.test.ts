import { seededRandom } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRegions } from './checks-of-regions.ts';
import { type ObservedRegions, observeRegions } from './observed-regions.ts';
import { randomRegions } from './random-regions.ts';
import { type ScriptedNode, type ScriptedRegionRun, tell } from './scripted-regions.ts';
import { allTraits, traitsOf } from './traits-of-regions.ts';

/** `STAGEFLOW_GRAPHS` random runs, the same ones each time unless `STAGEFLOW_SEED` says otherwise. */
const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 2_000);
const usualSeed = 2_025;
const seed = Number(process.env['STAGEFLOW_SEED'] ?? usualSeed);
/** Whether all that random regions are there for must have happened. */
const isTelling = numRuns >= 20_000 || (numRuns >= 2_000 && seed === usualSeed);
const timeout = Math.max(120_000, numRuns * 60);

test('a run of regions within regions is what the model says', { timeout }, async () => {
  const seen = new Map<string, number>(allTraits().map((trait) => [trait, 0]));
  const check = async (script: ScriptedRegionRun): Promise<void> => {
    const observed = await observeRegions(script);
    const explained = checkRegions(script, observed);
    for (const trait of traitsOf(script, explained, observed)) seen.set(trait, (seen.get(trait) ?? 0) + 1);
  };
  await fc.assert(fc.asyncProperty(randomRegions(), check), { numRuns, seed });
  const unseen = [...seen].flatMap(([trait, count]) => (count === 0 ? [trait] : []));
  if (isTelling) expect(unseen).toEqual([]);
});

test('where nothing stops or races, how long stages take changes neither outcomes nor root causes nor outputs', { timeout }, async () => {
  let reordered = 0;
  let failed = 0;
  const check = async (script: ScriptedRegionRun, shuffle: number): Promise<void> => {
    const first = await observeRegions(script);
    const second = await observeRegions(atAnotherPace(script, seededRandom(shuffle)));
    expect(summary(second)).toEqual(summary(first));
    if (JSON.stringify(endingOrder(first)) !== JSON.stringify(endingOrder(second))) reordered++;
    if (first.run.status !== 'completed') failed++;
  };
  await fc.assert(fc.asyncProperty(randomRegions({ timeless: true }), fc.nat(), check), { numRuns: Math.ceil(numRuns / 4), seed });
  if (isTelling) expect(Math.min(reordered, failed)).toBeGreaterThan(numRuns / 40);
});

/** The same with the durations of another draw, other limits of concurrency, and other stages synchronous. */
function atAnotherPace(script: ScriptedRegionRun, random: () => number): ScriptedRegionRun {
  const another = (): number | undefined => (random() < 0.3 ? undefined : random() < 0.2 ? 0 : random() * 63);
  const paced = (node: ScriptedNode): ScriptedNode => {
    if (node.is === 'stage') return { ...node, afterMs: another() };
    if (node.is === 'subpipeline') return { ...node, child: { ...node.child, nodes: node.child.nodes.map(paced) } };
    if (!('body' in node)) return node;
    const body = { ...node.body, nodes: node.body.nodes.map(paced) };
    return node.is === 'map'
      ? { ...node, body, concurrency: random() < 0.5 ? undefined : 1 + Math.floor(random() * 3) }
      : { ...node, body };
  };
  return { ...script, nodes: script.nodes.map(paced), maxConcurrency: random() < 0.5 ? undefined : 1 + Math.floor(random() * 5) };
}

function summary({ run }: ObservedRegions) {
  return {
    status: run.status,
    outputs: tell(run.outputs),
    stages: Array.from(run.stages.values(), ({ path, outcome, attempts }) => `${path} ${tell(outcome)} ${attempts}`),
    errors: run.errors.map(({ path, code }) => `${path} ${code}`),
    counts: run.counts,
  };
}

function endingOrder({ events }: ObservedRegions): readonly string[] {
  return events.flatMap((event) => (event.type === 'stage.completed' ? [event.path] : []));
}
