import { figure, table } from '../report/table.mjs';
import { basisOf, contenders } from './contenders.mjs';
import { concurrency as recoveredAtOnce } from './measure/recovery.mjs';
import { concurrencies } from './measure/throughput.mjs';
import { chain, fan, seed, stageCount } from './work.mjs';

/**
 * All that was measured, as one page.
 *
 * @param {import('./found.mjs').Found} found
 * @param {readonly import('../gates.mjs').Gate[]} gates
 */
export function renderReport(found, gates) {
  const sections = [
    heading(found),
    gateSection(gates),
    ...placeSections(found),
    recoverySection(found),
    growthSection(found),
    setupSection(found),
    problemSection(found),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading({ setting }) {
  const { date, node, processor, memoryGib, system, command, minutes, load, server, serverSettings, syncUs } = setting;
  const told = Object.entries(serverSettings)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
  return `# Runs that are kept

${date}, Node ${node.slice(1)}, ${processor}, ${memoryGib} GiB, ${system}; \`${command}\`, ${minutes.toFixed(1)} minutes; load of the machine ${load.map((each) => each.toFixed(1)).join(' → ')}. PostgreSQL ${server} on 127.0.0.1 (${told}); an fdatasync of 4 kB on its disk takes ${syncUs.map((us) => figure(us)).join(' → ')} µs.

Each contender does the same: ${chain.length} stages in a chain, then ${fan.length} that read the last, each yielding ${JSON.stringify(seed).length} bytes of JSON and doing nothing else, so the figures are what keeping a run costs. Read ratios rather than times, and no difference below 30 %.`;
}

function gateSection(gates) {
  const rows = gates.map(({ name, holds, detail }) => [name, holds === undefined ? 'not judged' : holds ? 'holds' : 'BROKEN', detail]);
  return `## Gates\n\n${table(['gate', '', 'detail'], rows)}`;
}

const columns = [
  ...concurrencies.flatMap((at) => [`runs/s, ${at} at once`, 'time']),
  'ms for keeping',
  'commits a run',
  `at ${concurrencies.at(-1)} at once`,
  'statements a run',
  'kept, B/stage',
  'log, B/stage',
];

function placeSections(found) {
  return Object.entries(basisOf).map(([place, basis]) => {
    const ids = Object.keys(contenders).filter((id) => contenders[id].place === place && found.throughput(id).length > 0);
    if (ids.length === 0) return '';
    const rows = ids.map((id) => [contenders[id].label, ...cells(found, id)]);
    return `## In ${place}\n\nTime: of a run, as a multiple of ${contenders[basis].label}.\n\n${table(['', ...columns], rows)}`;
  });
}

function cells(found, id) {
  const [one, many] = concurrencies;
  const at = (concurrency, read) => found.median(id, (row) => read(row.at[concurrency]));
  const optional = (value) => (value === undefined ? '' : figure(value));
  const some = (value) => (value > 0 ? figure(value) : '');
  return [
    ...concurrencies.flatMap((concurrency) => [
      figure(at(concurrency, ({ msPerRun }) => 1000 / msPerRun)),
      optional(found.ratio(id, concurrency)) && `${figure(found.ratio(id, concurrency))}×`,
    ]),
    optional(found.added(id, one)),
    some(at(one, ({ commits }) => commits)),
    some(at(many, ({ commits }) => commits)),
    some(at(one, ({ statements }) => statements)),
    optional(found.median(id, ({ keptBytesPerStage }) => keptBytesPerStage)),
    optional(found.median(id, ({ writtenBytesPerStage }) => writtenBytesPerStage)),
  ];
}

const storeNames = { sqlite: 'SQLite', postgres: 'PostgreSQL' };

function recoverySection(found) {
  const rows = found
    .part('recovery')
    .map(({ contender, runs, ms, msPerRun, freshMsPerRun }) => [
      storeNames[contender],
      runs.toLocaleString('en-US'),
      figure(ms / 1000),
      figure(1000 / msPerRun),
      figure(1000 / freshMsPerRun),
      `${figure(msPerRun / freshMsPerRun)}×`,
    ]);
  if (rows.length === 0) return '';
  const note = `Runs whose process died when ${Math.floor(stageCount / 2)} of their ${stageCount} stages were journaled; the time until \`runtime.recover({ concurrency: ${recoveredAtOnce} })\` of one process has completed all of them. Beside it, new runs of the same process, as many at once.`;
  return `## Recovery\n\n${note}\n\n${table(['', 'interrupted', 'seconds', 'recovered/s', 'new runs/s', 'time of a recovered run, to a new one'], rows)}`;
}

const asked = {
  run: 'one run: create, commit, settle',
  unsyncedRun: 'the same, commits not synced',
  due: '`due()`, 20 found',
  waits: '`waits()`, 20 found',
  load: '`load()` of one with 13 records',
};

function growthSection(found) {
  const parts = found.part('growth').map(({ contender, sizes }) => {
    const rows = Object.entries(asked).map(([what, label]) => [
      label,
      ...sizes.map(({ us }) => figure(us[what])),
      `${figure(sizes.at(-1).us[what] / sizes[0].us[what])}×`,
    ]);
    return `${storeNames[contender]}, µs:\n\n${table(['', ...sizes.map(({ size }) => size.toLocaleString('en-US')), 'last to first'], rows)}`;
  });
  if (parts.length === 0) return '';
  return `## As stored runs grow\n\nRuns that have ended, each with 13 records and a wait that was answered: copies of one that the store has written. Flat is 1×.\n\n${parts.join('\n\n')}`;
}

function setupSection(found) {
  const rows = Object.keys(contenders)
    .filter((id) => found.throughput(id).length > 0)
    .map((id) => {
      const { label, package: name, setting, place } = contenders[id];
      const version = name === undefined ? '' : (found.setting.versions[name] ?? '');
      return [`${label} (${place})`, name === undefined ? '' : `${name} ${version}`, setting, found.throughput(id)[0].setting];
    });
  if (rows.length === 0) return '';
  const note = [
    '- **ms for keeping**: of a run, one at a time, beyond what the same product takes where nothing is kept. DBOS always keeps.',
    '- **commits**: transactions that write; **statements**: all that is sent, `BEGIN` and `COMMIT` included; in memory, calls of the store that write. What a peer sends in the background is among them.',
    '- **kept**: the growth of all tables and indexes after `VACUUM` (PostgreSQL: `VACUUM FULL`), by runs and stages; in memory, the length of what is kept as JSON.',
    '- **log**: what was added to the write-ahead log, by runs one at a time.',
    '- Each pool of `pg` has ten connections, the default of `pg` and of DBOS.',
  ].join('\n');
  return `## How each is set up\n\n${note}\n\n${table(['', 'package', 'how', 'durability, as it says itself'], rows)}`;
}

function problemSection(found) {
  const lines = found.errors.map(({ part, contender, error }) => `- ${contender} (${part}): ${error}`);
  return lines.length === 0 ? '' : `## What failed\n\n${lines.join('\n')}`;
}
