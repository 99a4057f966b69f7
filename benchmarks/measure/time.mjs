import { median } from '../statistics.mjs';
import { stageFunctions } from '../workloads.mjs';

/**
 * @typedef {object} Subject
 * @property {import('../contenders.mjs').Contender} contender
 * @property {import('../graphs.mjs').Graph} graph
 * @property {import('../workloads.mjs').Workload} workload
 * @property {number} budgetMs How long is measured; about as long again goes into warming up.
 */

/** A run that takes longer is sampled once or a few times, without warming up. */
const slowMs = 1000;

/**
 * Time of one run after the other: cold, then warm.
 *
 * @param {Subject} subject
 */
export async function measureTime({ contender, graph, workload, budgetMs }) {
  const stages = stageFunctions(graph, workload.reads ? contender.receives : undefined);
  let built;
  const build = () => {
    built = contender.build(graph, stages);
  };
  const run = () => contender.run(built);
  const coldBuildMs = await timed(build);
  const coldRunMs = await timed(run);
  const cold = { coldBuildMs, coldRunMs };
  const builds = coldRunMs > slowMs ? [coldBuildMs] : await repeat(budgetMs / 4, coldBuildMs > slowMs / 4 ? 1 : 3, () => timed(build));
  const { samples, runMs, cpuShare } = await sampled(run, budgetMs, coldRunMs);
  return { ...cold, buildMs: median(builds), cpuShare, samples, runMs, usPerStage: (runMs * 1000) / graph.size };
}

/**
 * Repeats runs, warm unless they are slow.
 *
 * @param {() => Promise<unknown>} run
 * @param {number} budgetMs
 * @param {number} coldRunMs How long the first one took.
 * @returns {Promise<{ samples: number, runMs: number, cpuShare?: number }>} How many samples, and their median.
 */
export async function sampled(run, budgetMs, coldRunMs) {
  if (coldRunMs > slowMs) {
    const samples = [coldRunMs];
    for (let more = coldRunMs > 5 * slowMs ? 0 : 2; more > 0; more--) samples.push(await timed(run));
    return { samples: samples.length, runMs: median(samples) };
  }
  // Where each stage has code of its own, it takes many runs until all of it is compiled.
  await repeat(1.5 * budgetMs, coldRunMs < 20 ? 100 : 3, run);
  const batch = Math.max(1, Math.min(5000, Math.round(1 / Math.max(await timed(run), 1e-3))));
  globalThis.gc?.();
  const start = performance.now();
  const cpu = cpuMs();
  const samples = await repeat(budgetMs, 3, async () => {
    const ms = await timed(async () => {
      for (let left = batch; left > 0; left--) await run();
    });
    return ms / batch;
  });
  const cpuShare = (cpuMs() - cpu) / (performance.now() - start);
  return { samples: samples.length, runMs: median(samples), cpuShare };
}

/** Processor time of this process so far, of all its threads. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * The lesser of the time that passed and the time the process computed, all threads together: on an idle machine the first, on a
 * busy one the second. What a peer waits for without computing is not held against it.
 *
 * @param {() => unknown} action
 */
export async function timed(action) {
  const cpu = cpuMs();
  const start = performance.now();
  await action();
  const passed = performance.now() - start;
  // Processor time is told in whole microseconds.
  return passed < 0.1 ? passed : Math.min(passed, cpuMs() - cpu);
}

/**
 * Repeats for as much processor time, so that a busy machine does not leave code cold; at most four times as long by the clock.
 *
 * @template T
 * @param {number} forMs
 * @param {number} atLeast Times.
 * @param {() => T} action
 * @returns {Promise<Awaited<T>[]>}
 */
async function repeat(forMs, atLeast, action) {
  const results = [];
  const cpuEnd = cpuMs() + forMs;
  const end = performance.now() + 4 * forMs;
  while (results.length < atLeast || (cpuMs() < cpuEnd && performance.now() < end)) results.push(await action());
  return results;
}
