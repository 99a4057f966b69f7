import type { Run } from '@stageflow/core';
import { type Driver, driveRun, runStep, type StepRequest } from '@stageflow/core/driver';
import type { Plan } from '@stageflow/core/plan';
import { type ReplayingDriver, replayingDriver, seededRandom, type VirtualClock, virtualClock, type WalkOptions } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { givenRandom } from './model-of-attempts.ts';
import { observeRegions, scriptedRegions } from './observed-regions.ts';
import { observe } from './observed-run.ts';
import { smallGraphs } from './random-graph.ts';
import { randomRegions } from './random-regions.ts';
import { givenInput, givenService, type ScriptedGraph } from './scripted-graph.ts';
import { briefly, inWords, scriptedPipeline } from './scripted-pipeline.ts';
import { outermostInput, outermostList, type ScriptedRegionRun } from './scripted-regions.ts';

/** A fifth of the graphs that the scheduler is tested with: each is walked several times. */
const numRuns = Math.ceil(Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000) / 5);
const usualSeed = 2_025;
const seed = Number(process.env['STAGEFLOW_SEED'] ?? usualSeed);
const isTelling = numRuns >= 200 && seed === usualSeed;
const timeout = Math.max(120_000, numRuns * 400);

/** A scripted pipeline with the run it is made for. */
type Script = ScriptedGraph | ScriptedRegionRun;

const isGraph = (script: Script): script is ScriptedGraph => 'byReference' in script;

const scripts = (maxStages: number, timeless = false): fc.Arbitrary<Script> =>
  fc.oneof(smallGraphs(maxStages, { timeless }).map(comparable), randomRegions({ timeless }));

/** Without what a driver is meant to do otherwise: waits have somewhere to be kept, and predicates have no services. */
function comparable(graph: ScriptedGraph): ScriptedGraph {
  type Brings = ScriptedGraph['stages'][number]['calls'][number]['brings'];
  const brings = (each: Brings): Brings => (each === 'suspend' ? 'skip' : each === 'review' ? 'block' : each);
  const stages = graph.stages.map((each) => ({
    ...each,
    needs: each.needs.map((edge) =>
      edge.read === 'service' && typeof each.when === 'string' ? { read: 'input' as const, from: [] } : edge,
    ),
    calls: each.calls.map((call) => ({ ...call, brings: brings(call.brings) })),
  }));
  return { ...graph, stages };
}

/** A script on a driver in memory. */
interface Staged {
  readonly clock: VirtualClock;
  readonly driver: ReplayingDriver;
  /** What the functions of its stages did. */
  readonly deeds: readonly unknown[];
  readonly walk: (options?: WalkOptions) => Promise<Run | undefined>;
}

function staged(script: Script, loses?: (request: StepRequest) => string | undefined): Staged {
  const clock = virtualClock();
  const caller = new AbortController();
  const deeds: never[] = [];
  const { plan }: { readonly plan: Plan } = isGraph(script)
    ? scriptedPipeline(script, { clock, caller, deeds })
    : scriptedRegions('scripted', script, { clock, deeds });
  const { failureMode, maxConcurrency, deadlineMs, graceMs, abortAtMs } = script;
  const services = { model: givenService };
  const host = { clock, services, graceMs };
  const driver = replayingDriver({ clock, runStep: (request, signal) => runStep(plan, request, { signal, ...host }), loses });
  caller.signal.addEventListener('abort', () => driver.cancel(String(caller.signal.reason)));
  if (abortAtMs !== undefined) clock.schedule(() => caller.abort('the caller aborted'), abortAtMs);
  const options = { runId: 'run-1', failureMode, maxConcurrency, deadlineMs, graceMs };
  const input = isGraph(script) ? { text: givenInput } : { text: outermostInput, list: outermostList };
  const start = (port: Driver) => driveRun(plan, input, { ...operations(port), random: () => givenRandom }, options);
  return { clock, driver, deeds, walk: (more) => clock.settle(driver.walk(start, more)) };
}

function operations(port: Driver): Omit<Driver, 'random'> {
  return {
    step: (request, ended) => port.step(request, ended),
    sleepUntil: (key, at, woken) => port.sleepUntil(key, at, woken),
    awaitSignal: (request, answered) => port.awaitSignal(request, answered),
    now: () => port.now(),
  };
}

function summary(run: Run | undefined) {
  if (run === undefined) return undefined;
  return {
    status: run.status,
    outputs: Object.entries(run.outputs).map(([key, value]) => [key, briefly(value)]),
    stages: Array.from(run.stages.values(), ({ path, outcome, attempts }) => `${path} ${inWords(outcome)} ${attempts}`),
    errors: run.errors.map(({ path, code, message }) => `${path} ${code} ${message}`),
    counts: run.counts,
  };
}

test('a run on a driver comes out as in process, where order does not matter', { timeout }, async () => {
  let failed = 0;
  let retried = 0;
  let nested = 0;
  const check = async (script: Script): Promise<void> => {
    const here = isGraph(script) ? await observe(script) : await observeRegions(script);
    expect(summary(await staged(script).walk())).toEqual(summary(here.run));
    if (here.run.status !== 'completed') failed++;
    const reports = [...here.run.stages.values()];
    if (reports.some(({ attempts }) => attempts > 1)) retried++;
    if (reports.some(({ path }) => path.includes('/'))) nested++;
  };
  await fc.assert(fc.asyncProperty(scripts(20, true), check), { numRuns, seed });
  if (isTelling) expect(Math.min(failed, retried, nested)).toBeGreaterThan(numRuns / 40);
});

test('a walk that is repeated asks for the same, and one that is handed the ends in another order is noticed', { timeout }, async () => {
  let noticed = 0;
  const check = async (script: Script, shuffle: number): Promise<void> => {
    const { driver, deeds, walk } = staged(script);
    const run = summary(await walk());
    const done = [deeds.length, driver.asked.length, driver.steps.length];
    expect(summary(await walk())).toEqual(run);
    expect([deeds.length, driver.asked.length, driver.steps.length]).toEqual(done);
    const isOther = await walk({ shuffle: seededRandom(shuffle) }).then(
      (other) => JSON.stringify(summary(other)) !== JSON.stringify(run),
      () => true,
    );
    if (isOther) noticed++;
  };
  await fc.assert(fc.asyncProperty(scripts(20), fc.nat(), check), { numRuns, seed });
  if (isTelling) expect(noticed).toBeGreaterThan(numRuns / 4);
});

test('a walk that is killed after every end calls no step twice', { timeout }, async () => {
  let walks = 0;
  const check = async (script: Script): Promise<void> => {
    const { driver, walk } = staged(script);
    let run: Run | undefined;
    for (let ends = 0; run === undefined; ends++, walks++) run = await walk({ killAfter: ends });
    const keys = driver.steps.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(summary(await walk())).toEqual(summary(run));
  };
  await fc.assert(fc.asyncProperty(scripts(14), check), { numRuns, seed });
  if (isTelling) expect(walks).toBeGreaterThan(4 * numRuns);
});

test('a step that is lost is run again only where its stage says so, and an effect only with a key', { timeout }, async () => {
  const counts = { again: 0, left: 0 };
  const check = async (graph: ScriptedGraph, draw: number): Promise<void> => {
    const random = seededRandom(draw);
    const lost: StepRequest[] = [];
    const { driver, walk } = staged(graph, (request) => {
      if (random() > 0.5) return undefined;
      lost.push(request);
      return 'the script lost it';
    });
    const run = summary(await walk());
    for (const { path, attempt } of lost) {
      const scripted = graph.stages.find(({ name }) => name === path);
      const mayRepeat = attempt < (scripted?.retry?.attempts ?? 1) && (scripted?.kind !== 'work' || scripted.hasKey);
      const isRepeated = driver.steps.some((step) => step.path === path && step.attempt > attempt);
      if (isRepeated) counts.again++;
      else if (scripted?.kind === 'work' && !scripted.hasKey && attempt < (scripted.retry?.attempts ?? 1)) counts.left++;
      if (isRepeated) expect(mayRepeat).toBe(true);
    }
    expect(summary(await walk())).toEqual(run);
  };
  await fc.assert(fc.asyncProperty(smallGraphs(20, { timeless: true }).map(comparable), fc.nat(), check), { numRuns, seed });
  if (isTelling) expect(Math.min(counts.again, counts.left)).toBeGreaterThan(0);
});
