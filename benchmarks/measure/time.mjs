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
  const buildStart = performance.now();
  let built = contender.build(graph, stages);
  const coldBuildMs = performance.now() - buildStart;
  const runStart = performance.now();
  await contender.run(built);
  const coldRunMs = performance.now() - runStart;
  const cold = { coldBuildMs, coldRunMs };
  if (coldRunMs > slowMs) return { ...cold, buildMs: coldBuildMs, ...inUnits(await sampleSlow(contender, built, coldRunMs), graph.size) };

  const buildMs = await repeat(budgetMs / 4, 3, () => {
    const start = performance.now();
    built = contender.build(graph, stages);
    return performance.now() - start;
  });
  await repeat(budgetMs, 3, () => contender.run(built));
  const batch = await batchSize(contender, built);
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const samples = await repeat(budgetMs, 3, async () => {
    const from = performance.now();
    for (let run = 0; run < batch; run++) await contender.run(built);
    return (performance.now() - from) / batch;
  });
  const { user, system } = process.cpuUsage(cpu);
  const cpuShare = (user + system) / 1000 / (performance.now() - start);
  return { ...cold, buildMs: median(buildMs), cpuShare, ...inUnits(samples, graph.size) };
}

/**
 * @template T
 * @param {number} forMs
 * @param {number} atLeast Times.
 * @param {() => T} action
 * @returns {Promise<Awaited<T>[]>}
 */
async function repeat(forMs, atLeast, action) {
  const results = [];
  const end = performance.now() + forMs;
  while (results.length < atLeast || performance.now() < end) results.push(await action());
  return results;
}

/** How many runs take about a millisecond: the clock is read around as many. */
async function batchSize(contender, built) {
  const start = performance.now();
  await contender.run(built);
  return Math.max(1, Math.min(5000, Math.round(1 / Math.max(performance.now() - start, 1e-3))));
}

async function sampleSlow(contender, built, firstMs) {
  const samples = [firstMs];
  for (let more = firstMs > 5 * slowMs ? 0 : 2; more > 0; more--) {
    const start = performance.now();
    await contender.run(built);
    samples.push(performance.now() - start);
  }
  return samples;
}

function inUnits(samples, size) {
  const runMs = median(samples);
  return { samples: samples.length, runMs, usPerStage: (runMs * 1000) / size };
}
