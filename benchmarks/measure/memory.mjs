import { PerformanceObserver } from 'node:perf_hooks';
import { stageFunctions } from '../workloads.mjs';

const heapUsed = () => process.memoryUsage().heapUsed;
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

/**
 * Bytes of the heap of V8, in a process whose young generation is so large that nothing is collected between two readings:
 * allocated per stage, alive in the middle of a run, kept by a held result, and left behind by a dropped one.
 *
 * @param {import('./time.mjs').Subject} subject
 */
export async function measureMemory({ contender, graph, workload }) {
  const probe = probeAt(graph.size > 100 ? graph.size - 2 : -1);
  const stages = stageFunctions(graph, workload.reads ? contender.receives : undefined).map(probe.wrap);
  const beforeBuild = collected();
  const built = contender.build(graph, stages);
  const planBytes = collected() - beforeBuild;
  const run = () => contender.run(built);
  const runMs = await warmUp(run);
  const times = (forMs, most) => Math.max(1, Math.min(most, Math.ceil(forMs / runMs)));

  const allocated = await allocatedPerRun(run, times(100, Math.ceil(40_000 / graph.size)), runMs > 100 ? 1 : 6);
  const liveBytes = graph.size > 100 ? await probe.during(run) : undefined;
  const runs = times(200, Math.ceil(20_000 / graph.size));
  const keptBytes = await keptPerRun(run, runs, true);
  const leakedBytes = await keptPerRun(run, Math.max(200, runs) * (runMs > 20 ? 0 : 1), false);
  return {
    planBytesPerStage: planBytes / graph.size,
    allocatedBytesPerRun: allocated.bytes,
    allocatedBytesPerStage: allocated.bytes / graph.size,
    collections: allocated.collections,
    liveBytesPerStage: liveBytes === undefined ? undefined : liveBytes / graph.size,
    keptBytesPerRun: keptBytes,
    leakedBytesPerRun: leakedBytes,
  };
}

/**
 * Runs until what is called often has been compiled.
 *
 * @returns {Promise<number>} How long a run takes in the end, ms.
 */
async function warmUp(run) {
  const begin = performance.now();
  let runMs = 0;
  for (let count = 0; count < 3000 && (count < 200 || performance.now() - begin < 1000); count++) {
    const start = performance.now();
    await run();
    runMs = performance.now() - start;
    if (performance.now() - begin > 5000) break;
  }
  return Math.max(0.002, runMs);
}

function collected() {
  globalThis.gc?.();
  globalThis.gc?.();
  return heapUsed();
}

/** The least of several windows: what V8 itself makes now and then, code and shapes of objects, is not what a run allocates. */
async function allocatedPerRun(run, runs, windowCount) {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  const windows = [];
  for (let window = 0; window < windowCount; window++) {
    for (let warm = runs; warm > 0; warm--) await run();
    collected();
    await turn();
    observer.observe({ entryTypes: ['gc'] });
    const before = heapUsed();
    for (let left = runs; left > 0; left--) await run();
    windows.push((heapUsed() - before) / runs);
    await turn();
    observer.disconnect();
  }
  return { bytes: Math.min(...windows), collections };
}

/** What stays after runs whose results are held, or dropped. */
async function keptPerRun(run, runs, isHeld) {
  if (runs === 0) return undefined;
  const results = [];
  await turn();
  const before = collected();
  for (let left = runs; left > 0; left--) {
    const result = await run();
    if (isHeld) results.push(result);
  }
  await turn();
  const bytes = (collected() - before) / runs;
  return results.length === (isHeld ? runs : 0) ? bytes : Number.NaN;
}

/** Reads the heap, garbage collected, when one stage is called. */
function probeAt(index) {
  let isArmed = false;
  let during = 0;
  return {
    wrap: (stage, at) => {
      if (at !== index) return stage;
      return async (values) => {
        if (isArmed) during = collected();
        isArmed = false;
        return stage(values);
      };
    },
    async during(run) {
      const before = collected();
      isArmed = true;
      await run();
      return during - before;
    },
  };
}
