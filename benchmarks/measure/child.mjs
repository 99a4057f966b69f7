// The process that measures one contender on one workload, or one variant of a feature. What it finds goes to stdout, as one line of JSON after `@@`.
import { loadContender } from '../contenders.mjs';
import { workload } from '../workloads.mjs';
import { measureConcurrency } from './concurrency.mjs';
import { measureFeature } from './feature.mjs';
import { measureMemory } from './memory.mjs';
import { measureTime } from './time.mjs';
import { verify } from './verify.mjs';

const { mode, contender: contenderId, workload: workloadId, budgetMs } = JSON.parse(process.argv[2] ?? '{}');

/** @param {object} found */
function report(found) {
  process.stdout.write(`\n@@${JSON.stringify({ mode, contender: contenderId, workload: workloadId, node: process.version, ...found })}\n`);
}

for (const kind of ['uncaughtException', 'unhandledRejection']) {
  process.on(kind, (error) => {
    report({ error: String(error?.message ?? error).slice(0, 200) });
    process.exit(3);
  });
}
// Some peers wait on handles that do not keep a process alive.
setInterval(() => {}, 1 << 30);

if (mode === 'feature') report(await measureFeature({ feature: workloadId, variant: contenderId, budgetMs }));
else await measureWorkload();
process.exit(0);

async function measureWorkload() {
  const contender = await loadContender(contenderId);
  const given = workload(workloadId);
  const graph = given.graph();
  const isPossible = (contender.supports?.(graph) ?? true) && !(given.reads && contender.receives === 'nothing');
  if (!isPossible) return report({ impossible: true });
  const subject = { contender, graph, workload: given, budgetMs };
  const measures = { verify, memory: measureMemory, time: given.concurrentRuns ? measureConcurrency : measureTime };
  report({ stages: graph.size, ...(await measures[mode](subject)), rssMb: process.resourceUsage().maxRSS / 1024 });
}
