import { median, percentile } from '../statistics.mjs';
import { stageFunctions } from '../workloads.mjs';

/** Batches that take longer are measured once. */
const slowMs = 2000;

/**
 * Many runs of one built graph at once, with stages that wait: what the engine costs is what keeps them from ending on time.
 *
 * @param {import('./time.mjs').Subject} subject
 */
export async function measureConcurrency({ contender, graph, workload: { concurrentRuns = 1 }, budgetMs }) {
  const built = contender.build(graph, stageFunctions(graph, undefined));
  const runOne = async () => {
    const start = performance.now();
    await contender.run(built);
    return performance.now() - start;
  };
  const batch = async () => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const latencies = await Promise.all(Array.from({ length: concurrentRuns }, runOne));
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    return { wallMs, cpuMs: (user + system) / 1000, latencies };
  };
  const first = await batch();
  const batches = first.wallMs > slowMs ? [first] : [];
  if (batches.length === 0) for (let warm = 0; warm < 4; warm++) await batch();
  const end = performance.now() + 2 * budgetMs;
  while (batches.length === 0 || (first.wallMs <= slowMs && performance.now() < end) || (first.wallMs < 500 && batches.length < 5))
    batches.push(await batch());
  const latencies = batches.flatMap((each) => each.latencies);
  return {
    samples: batches.length,
    wallMs: median(batches.map((each) => each.wallMs)),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    usPerStage: (median(batches.map((each) => each.cpuMs)) * 1000) / (concurrentRuns * graph.size),
  };
}
