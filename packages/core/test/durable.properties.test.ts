import { createRuntime, memoryRunStore, type Run } from '@stageflow/core';
import type { Plan } from '@stageflow/core/plan';
import type { RunStore } from '@stageflow/core/ports';
import { virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Deed, scriptedRegions } from './observed-regions.ts';
import { randomRegions } from './random-regions.ts';
import { outermostInput, outermostList, type ScriptedRegionRun, tell } from './scripted-regions.ts';

/** `STAGEFLOW_GRAPHS` random runs, the same ones each time unless `STAGEFLOW_SEED` says otherwise. */
const numRuns = Math.ceil(Number(process.env['STAGEFLOW_GRAPHS'] ?? 2_000) / 4);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(120_000, numRuns * 240);

/** A process: a clock and the functions of the stages, which note what they do. */
function start(script: ScriptedRegionRun, store: RunStore, now: number, asksFirst: (path: string) => boolean = () => false) {
  const clock = virtualClock({ now });
  const deeds: Deed[] = [];
  const made = scriptedRegions('scripted', script, { clock, deeds, asksFirst });
  const { failureMode, maxConcurrency, graceMs } = script;
  const options = { pipelines: [made], services: {}, store, clock, random: () => 0.5, failureMode, maxConcurrency, graceMs };
  return { clock, deeds, made, runtime: createRuntime(options as never) };
}

const given = { text: outermostInput, list: outermostList };
/** So that what hangs is seen. */
const bounds = { maxTimers: 5_000, patienceMs: 50 };
const epoch = Date.UTC(2025, 0, 1);

/** The run from beginning to end, by one process; with how often it wrote. */
async function whole(script: ScriptedRegionRun): Promise<{ readonly run: Run; readonly commits: number }> {
  const inner = memoryRunStore();
  let commits = 0;
  const store: RunStore = {
    ...methodsOf(inner),
    commit: (...batch) => {
      commits++;
      return inner.commit(...batch);
    },
  };
  const { clock, made, runtime } = start(script, store, epoch);
  const run = (await clock.settle(runtime.run(made as never, given as never, { runId: 'r' }), bounds)) as Run;
  return { run, commits };
}

/** The same, by a process that dies at one of its writes, and another that goes on. */
async function interrupted(script: ScriptedRegionRun, dieAt: number, isWritten: boolean) {
  const kept = memoryRunStore();
  let commits = 0;
  let die: () => void = () => {};
  const death = new Promise<void>((resolve) => {
    die = resolve;
  });
  const never = new Promise<never>(() => {});
  const store: RunStore = {
    ...methodsOf(kept),
    commit: async (...batch) => {
      if (++commits < dieAt) return kept.commit(...batch);
      if (commits === dieAt && isWritten) await kept.commit(...batch);
      die();
      return never;
    },
    renew: (...lease) => (commits < dieAt ? kept.renew(...lease) : never),
  };
  const first = start(script, store, epoch);
  const running = first.runtime.run(first.made as never, given as never, { runId: 'r' });
  // How stages that end at one moment share a write is not the same each time, so it may be over before.
  await first.clock.settle(Promise.race([death, running]), bounds);
  const { status, records = [] } = (await kept.load('r', undefined)) ?? {};
  const ended = new Set(records.flatMap((record) => (record.status === 'intent' ? [] : [record.path])));
  const intended = new Set(records.map(({ path }) => path));
  const second = start(script, kept, epoch + 3_600_000);
  const run = status === 'running' ? ((await second.clock.settle(second.runtime.resume('r'), bounds)) as Run) : undefined;
  const inTheEnd = (await kept.load('r', undefined))?.records ?? [];
  const paths = inTheEnd.flatMap((record) => (record.status === 'intent' ? [] : [record.path]));
  return { plan: first.made.plan, run, paths, ended, intended, before: first.deeds, after: second.deeds };
}

function methodsOf(store: RunStore): RunStore {
  return {
    name: store.name,
    create: (...given) => store.create(...given),
    load: (...given) => store.load(...given),
    acquire: (...given) => store.acquire(...given),
    renew: (...given) => store.renew(...given),
    commit: (...given) => store.commit(...given),
    waits: (...given) => store.waits(...given),
    answer: (...given) => store.answer(...given),
    deliver: (...given) => store.deliver(...given),
  };
}

function summary(run: Run) {
  return {
    status: run.status,
    outputs: tell(run.outputs),
    stages: Array.from(run.stages.values(), ({ path, outcome }) => `${path} ${tell(outcome)}`),
    errors: run.errors.map(({ path, code }) => `${path} ${code}`),
    counts: run.counts,
  };
}

/** Where the works of a plan are, without the keys of items and turns. */
function worksIn({ stages }: Plan, prefix = ''): readonly string[] {
  return stages.flatMap(({ name, kind, region }) => {
    if (kind === 'work') return [prefix + name];
    return region?.body === undefined ? [] : worksIn(region.body, `${prefix}${name}/`);
  });
}

const called = (deeds: readonly Deed[]): readonly string[] => deeds.flatMap(({ did, path }) => (did === 'called' ? [path] : []));

test('a run that dies at any of its writes and is gone on with ends as one that does not, calls nothing that had ended, and begins no effect unsaid', {
  timeout,
}, async () => {
  let [resumed, restored, again, effects] = [0, 0, 0, 0];
  const check = async (script: ScriptedRegionRun, where: number, isWritten: boolean): Promise<void> => {
    const { run: expected, commits } = await whole(script);
    const { plan, run, paths, ended, intended, before, after } = await interrupted(script, 1 + (where % commits), isWritten);
    const works = new Set(worksIn(plan as Plan));
    const begun = called(before).filter((path) => works.has(path.replace(/\[[^\]]*\]/g, '')));
    expect(begun.filter((path) => !intended.has(path))).toEqual([]);
    effects += begun.length;
    if (run === undefined) return;
    expect(summary(run)).toEqual(summary(expected));
    expect(called(after).filter((path) => ended.has(path))).toEqual([]);
    expect(paths.length).toBe(new Set(paths).size);
    resumed++;
    restored += ended.size;
    again += called(after).filter((path) => called(before).includes(path)).length;
  };
  await fc.assert(fc.asyncProperty(randomRegions({ timeless: true }), fc.nat(1_000), fc.boolean(), check), { numRuns, seed });
  // Runs were interrupted where something had ended, where something was under way, and after effects had begun.
  expect(Math.min(resumed, restored, again, effects)).toBeGreaterThan(numRuns / 8);
});

/** The run whose stages ask first, answered in a random order, each answer by a process of its own that goes on with it. */
async function answered(script: ScriptedRegionRun, asksFirst: (path: string) => boolean, choose: (count: number) => number) {
  const store = memoryRunStore();
  let process = start(script, store, epoch, asksFirst);
  let run = (await process.clock.settle(process.runtime.run(process.made as never, given as never, { runId: 'r' }), bounds)) as Run;
  const called: Deed[] = [...process.deeds];
  let answers = 0;
  while (run.status === 'suspended') {
    const { waitId } = run.waits[choose(run.waits.length)] as (typeof run.waits)[number];
    await process.runtime.decide(waitId, 'go on');
    answers++;
    process = start(script, store, epoch + answers * 3_600_000, asksFirst);
    run = (await process.clock.settle(process.runtime.resume('r'), bounds)) as Run;
    called.push(...process.deeds);
  }
  return { run, answers, called: called.filter(({ did }) => did === 'called') };
}

test('a run whose stages ask for leave first, answered one by one in any order, ends as one whose stages do not', { timeout }, async () => {
  let [asked, several] = [0, 0];
  const check = async (script: ScriptedRegionRun, asksEvery: number, order: number): Promise<void> => {
    const { run: expected } = await whole(script);
    const asksFirst = (path: string): boolean => [...path].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % asksEvery === 0;
    const { run, answers, called } = await answered(script, asksFirst, (count) => order % count);
    expect(summary(run)).toEqual(summary(expected));
    const once = new Set(called.map(({ path, attempt }) => `${path}#${attempt}`));
    expect(called.length).toBe(once.size);
    asked += answers;
    if (answers > 1) several++;
  };
  await fc.assert(fc.asyncProperty(randomRegions({ timeless: true }), fc.integer({ min: 1, max: 4 }), fc.nat(1_000), check), {
    numRuns,
    seed,
  });
  expect(Math.min(asked, several)).toBeGreaterThan(numRuns / 8);
});
