// The command: measures everything, prints it, publishes it, and says whether the gates hold. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { readBaseline, writeBaseline } from './baseline.mjs';
import { buildAdapters, buildCore } from './built-core.mjs';
import { featureOf } from './features.mjs';
import { measureFootprint } from './footprint.mjs';
import { checkGates, doubtful } from './gates.mjs';
import { readOptions, usage } from './options.mjs';
import { measure } from './process.mjs';
import { renderReport } from './report/report.mjs';
import { schedule } from './schedule.mjs';
import { basis, floor, Summary } from './summary.mjs';

/**
 * @param {readonly import('./schedule.mjs').Task[]} tasks
 * @param {import('./options.mjs').Options} options
 */
function measureAll(tasks, options) {
  const rows = [];
  const given = new Set();
  let place = '';
  for (const [at, task] of tasks.entries()) {
    const next = `${task.mode}, round ${task.round + 1}, ${task.workload}`;
    if (next !== place) console.error(`${new Date().toISOString().slice(11, 19)}  ${String(at + 1).padStart(4)}/${tasks.length}  ${next}`);
    place = next;
    const key = `${task.contender} ${task.workload}`;
    if (given.has(key)) continue;
    const row = measure(task, options);
    if (row.error || row.impossible || row.seconds > 15) given.add(key);
    rows.push(row);
  }
  return rows;
}

/**
 * Measures again what seems to have become worse, three times: a busy moment of the machine is no change of the code.
 *
 * @param {Summary} summary
 * @param {import('./options.mjs').Options} options
 */
function confirm(summary, options) {
  if (options.updatesBaseline) return summary;
  const suspects = doubtful(summary, readBaseline(summary)).filter(({ mode }) => mode === 'memory' || !options.isQuick);
  const others = { time: () => [basis, floor], memory: () => [], feature: (/** @type {string} */ id) => [featureOf(id).basis] };
  const tasks = suspects.flatMap(({ mode, contender, workload }, suspect) =>
    [1, 2, 3].flatMap((again) =>
      [...others[mode](workload), contender].map((id) => ({
        mode,
        round: 100 * (suspect + 1) + again,
        workload,
        contender: id,
      })),
    ),
  );
  return summary.with(measureAll(tasks, options));
}

/** @param {import('./options.mjs').Options} options */
async function run(options) {
  const startedAt = new Date();
  const before = loadavg()[0];
  if (options.build) {
    await buildCore();
    await buildAdapters();
  }
  const rows = measureAll(schedule(options), options);
  const footprint = options.only.has('footprint') ? await measureFootprint(options) : undefined;
  const setting = {
    date: startedAt.toISOString().slice(0, 10),
    minutes: (Date.now() - startedAt.getTime()) / 60_000,
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    node: rows.find((row) => row.node)?.node ?? process.version,
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    load: [before, loadavg()[0]],
  };
  const summary = confirm(new Summary(rows, footprint, setting), options);
  const gates = checkGates(summary, readBaseline(summary), options);
  const report = renderReport(summary, gates);
  console.log(report);
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  const name = options.isPartial || options.isQuick ? 'partial' : 'latest';
  writeFileSync(join(import.meta.dirname, 'results', `${name}.md`), report);
  writeFileSync(join(import.meta.dirname, 'results', `${name}.json`), `${JSON.stringify({ setting, footprint, gates, rows }, null, 1)}\n`);
  if (options.updatesBaseline) writeBaseline(summary);
  return options.gates && gates.some((gate) => gate.holds === false) ? 1 : 0;
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) console.log(usage);
else process.exitCode = await run(options);
