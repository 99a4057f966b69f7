// The process that measures one contender in one part. What it finds goes to stdout, as one line of JSON after `@@`.
import { measureGrowth } from './growth.mjs';
import { measureRecovery } from './recovery.mjs';
import { measureThroughput } from './throughput.mjs';

const task = JSON.parse(process.argv[2] ?? '{}');

/** @param {object} found */
function report(found) {
  const { place: _place, ...asked } = task;
  process.stdout.write(`\n@@${JSON.stringify({ ...asked, node: process.version, ...found })}\n`);
}

for (const kind of ['uncaughtException', 'unhandledRejection']) {
  process.on(kind, (error) => {
    report({ error: String(error?.message ?? error).slice(0, 300) });
    console.error(error);
    process.exit(3);
  });
}

const measures = { throughput: measureThroughput, recovery: measureRecovery, growth: measureGrowth };
report(await measures[task.part](task));
process.exit(0);
