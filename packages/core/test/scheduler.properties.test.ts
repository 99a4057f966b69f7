import { optional, pipeline, type Source, type Stage, stage } from '@stageflow/core';
import { seededRandom, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from './checks-of-runs.ts';
import { livesOf } from './model.ts';
import { observe } from './observed-run.ts';
import { randomGraphs } from './random-graph.ts';
import type { ScriptedGraph } from './scripted-graph.ts';
import { briefly, inWords } from './scripted-pipeline.ts';
import { allTraits, traitsOf } from './traits-of-runs.ts';

/** `STAGEFLOW_GRAPHS` random graphs, the same ones each time unless `STAGEFLOW_SEED` says otherwise. */
const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const usualSeed = 2_025;
const seed = Number(process.env['STAGEFLOW_SEED'] ?? usualSeed);
/** Whether all that random graphs are there for must have happened. */
const isTelling = numRuns >= 10_000 || (numRuns >= 1_000 && seed === usualSeed);
const timeout = Math.max(120_000, numRuns * 60);

test('a run of a random graph is what the model says', { timeout }, async () => {
  const seen = new Map<string, number>(allTraits().map((trait) => [trait, 0]));
  const check = async (graph: ScriptedGraph): Promise<void> => {
    const observed = await observe(graph);
    const lives = livesOf(graph, observed.facts);
    checkRun(graph, lives, observed);
    for (const trait of traitsOf(graph, lives, observed)) seen.set(trait, (seen.get(trait) ?? 0) + 1);
  };
  await fc.assert(fc.asyncProperty(randomGraphs(), check), { numRuns, seed });
  const unseen = [...seen].flatMap(([trait, count]) => (count === 0 ? [trait] : []));
  if (isTelling) expect(unseen).toEqual([]);
});

test('where nothing stops a run, how long stages take changes neither outcomes nor root causes nor outputs', { timeout }, async () => {
  let reordered = 0;
  let failed = 0;
  const check = async (graph: ScriptedGraph, shuffle: number): Promise<void> => {
    const first = await observe(graph);
    const second = await observe(atAnotherPace(graph, seededRandom(shuffle)));
    expect(summary(second)).toEqual(summary(first));
    if (JSON.stringify(endingOrder(first)) !== JSON.stringify(endingOrder(second))) reordered++;
    if (first.run.status !== 'completed') failed++;
  };
  await fc.assert(fc.asyncProperty(randomGraphs({ timeless: true }), fc.nat(), check), { numRuns: Math.ceil(numRuns / 4), seed });
  if (isTelling) expect(Math.min(reordered, failed)).toBeGreaterThan(numRuns / 40);
});

/** The graph with the durations of another draw, other limits of concurrency, and other stages synchronous. */
function atAnotherPace(graph: ScriptedGraph, random: () => number): ScriptedGraph {
  const another = (afterMs: number | undefined): number | undefined => {
    if (afterMs === Number.POSITIVE_INFINITY) return afterMs;
    return random() < 0.3 ? undefined : random() < 0.2 ? 0 : random() * 63;
  };
  const stages = graph.stages.map((each) => ({ ...each, calls: each.calls.map((call) => ({ ...call, afterMs: another(call.afterMs) })) }));
  return { ...graph, stages, maxConcurrency: random() < 0.5 ? undefined : 1 + Math.floor(random() * 5), timings: random() < 0.5 };
}

function summary({ run }: Awaited<ReturnType<typeof observe>>) {
  return {
    status: run.status,
    outputs: Object.entries(run.outputs).map(([key, value]) => [key, briefly(value)]),
    stages: Array.from(run.stages.values(), ({ stage: name, outcome, attempts }) => `${name} ${inWords(outcome)} ${attempts}`),
    errors: run.errors.map(({ path, code }) => `${path} ${code}`),
    counts: run.counts,
  };
}

function endingOrder({ events }: Awaited<ReturnType<typeof observe>>): readonly string[] {
  return events.flatMap((event) => (event.type === 'stage.completed' ? [event.stage] : []));
}

/** A synchronous stage that holds the thread, and the limit it may have. */
interface Holder {
  readonly holdsMs: number;
  readonly limit: 'timeoutMs' | 'budgetMs' | 'idleMs' | undefined;
  readonly limitMs: number;
}

test("a stage that holds the thread past a limit, its own or the run's, is reported and never completed", { timeout }, async () => {
  let overruns = 0;
  let overdue = 0;
  const holder = fc.record<Holder>({
    holdsMs: fc.nat(100),
    limit: fc.constantFrom(undefined, 'timeoutMs', 'budgetMs', 'idleMs'),
    limitMs: fc.integer({ min: 1, max: 100 }),
  });
  const check = async (holders: readonly Holder[], deadlineMs: number): Promise<void> => {
    const clock = virtualClock();
    const outputs: Record<string, Stage> = {};
    const held = (at: number, { holdsMs, limit, limitMs }: Holder) => {
      const before = outputs[`s${at - 1}`];
      const needs: Readonly<Record<string, Source>> = before === undefined ? {} : { before: optional(before) };
      const limits = limit === undefined ? {} : { [limit]: limitMs };
      return stage(`s${at}`, { ...limits, onFailure: 'skip', needs, run: () => clock.block(holdsMs) });
    };
    for (const [at, each] of holders.entries()) outputs[`s${at}`] = held(at, each);
    const run = await clock.settle(pipeline('p', { outputs, deadlineMs }).run({}, { clock }));

    let elapsedMs = 0;
    for (const [at, { holdsMs, limit, limitMs }] of holders.entries()) {
      const isStarted = elapsedMs <= deadlineMs;
      if (isStarted) elapsedMs += holdsMs;
      const overrun = limit !== undefined && holdsMs > limitMs;
      if (isStarted && overrun) overruns++;
      expect(run.stages.get(`s${at}`)?.status).toBe(isStarted ? (overrun ? 'skipped' : 'completed') : 'cancelled');
    }
    if (elapsedMs > deadlineMs) overdue++;
    expect(run.status).toBe(elapsedMs > deadlineMs ? 'failed' : 'completed');
    expect(run.errors.length).toBe(holders.filter((_, at) => run.stages.get(`s${at}`)?.status === 'skipped').length);
  };
  const property = fc.asyncProperty(fc.array(holder, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 600 }), check);
  await fc.assert(property, { numRuns: Math.ceil(numRuns / 4), seed });
  if (isTelling) expect(Math.min(overruns, overdue)).toBeGreaterThan(20);
});
