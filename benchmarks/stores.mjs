// The command: measures what keeping runs costs, prints it, publishes it, and says whether the gates hold. See README.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { buildAdapters, buildCore, storePackages } from './built-core.mjs';
import { measure } from './stores/child-process.mjs';
import { contenders } from './stores/contenders.mjs';
import { syncMicroseconds } from './stores/disk.mjs';
import { Found } from './stores/found.mjs';
import { checkGates } from './stores/gates.mjs';
import { readOptions, usage } from './stores/options.mjs';
import { renderReport } from './stores/report.mjs';
import { startServer } from './stores/server.mjs';

const here = import.meta.dirname;

/** @param {import('./stores/options.mjs').Options} options */
function tasksOf({ only, contenders: chosen, rounds, budgetMs, interruptedRuns, sizes }) {
  const throughput = Array.from({ length: rounds }, (_, round) =>
    shuffled(chosen).map((contender) => ({ part: 'throughput', round, contender, budgetMs })),
  ).flat();
  const stores = ['sqlite', 'postgres'];
  return [
    ...throughput,
    ...stores.map((contender) => ({ part: 'recovery', contender, runs: interruptedRuns })),
    ...stores.map((contender) => ({ part: 'growth', contender, sizes })),
  ].filter(({ part }) => only.has(part));
}

function shuffled(items) {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ item }) => item);
}

/** A million runs take a while to store, and ten thousand to recover where the disk is slow. */
const limitOf = ({ part, sizes }) =>
  part === 'throughput' ? 120_000 : part === 'growth' && sizes.at(-1) >= 1_000_000 ? 3_600_000 : 900_000;

/** @param {import('./stores/options.mjs').Options} options */
async function measureAll(options, server) {
  const rows = [];
  const tasks = tasksOf(options);
  for (const [at, task] of tasks.entries()) {
    console.error(
      `${new Date().toISOString().slice(11, 19)}  ${String(at + 1).padStart(3)}/${tasks.length}  ${task.part}  ${task.contender}`,
    );
    rows.push(await measure(task, { database: server.database, timeoutMs: limitOf(task) }));
  }
  return rows;
}

/** @returns {Record<string, string>} */
function versions() {
  const names = new Set(Object.values(contenders).flatMap(({ package: name }) => name ?? []));
  const read = (name) => JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
  return Object.fromEntries(Array.from(names, (name) => [name, read(name)]));
}

/** @param {import('./stores/options.mjs').Options} options */
async function run(options) {
  const startedAt = new Date();
  const before = loadavg()[0];
  if (options.build) {
    await buildCore();
    await buildAdapters(storePackages);
  }
  const syncedBefore = syncMicroseconds();
  const server = await startServer();
  const rows = await measureAll(options, server).finally(() => server.stop());
  const setting = {
    date: startedAt.toISOString().slice(0, 10),
    minutes: (Date.now() - startedAt.getTime()) / 60_000,
    command: ['npm run bench:stores', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    node: process.version,
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    load: [before, loadavg()[0]],
    server: server.version,
    serverSettings: server.settings,
    syncUs: [syncedBefore, syncMicroseconds()],
    versions: versions(),
  };
  const found = new Found(rows, setting);
  const gates = checkGates(found);
  const report = renderReport(found, gates);
  console.log(report);
  mkdirSync(join(here, 'results'), { recursive: true });
  const name = options.isPartial ? 'stores-partial' : 'stores';
  writeFileSync(join(here, 'results', `${name}.md`), report);
  writeFileSync(join(here, 'results', `${name}.json`), `${JSON.stringify({ setting, gates, rows }, null, 1)}\n`);
  return options.gates && gates.some((gate) => gate.holds === false) ? 1 : 0;
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) console.log(usage);
else process.exitCode = await run(options);
