import { contenders } from '../contenders.mjs';
import { basis } from '../summary.mjs';
import { targets } from '../targets.mjs';
import { workloads } from '../workloads.mjs';
import { featureSection } from './features.mjs';
import { figure, table } from './table.mjs';

/**
 * All that was measured, as one page: for the terminal and for `results/`.
 *
 * @param {import('../summary.mjs').Summary} summary
 * @param {readonly import('../gates.mjs').Gate[]} gates
 */
export function renderReport(summary, gates) {
  const sections = [
    heading(summary),
    targetSection(summary),
    gateSection(gates),
    timeSection(summary),
    concurrencySection(summary),
    hugeSection(summary),
    featureSection(summary),
    memorySection(summary),
    coldSection(summary),
    footprintSection(summary),
    problemSection(summary),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading({ setting }) {
  return `# Benchmarks

${setting.date}, Node ${setting.node.slice(1)}, ${setting.processor}, ${setting.memoryGib} GiB, ${setting.system}; \`${setting.command}\`, ${setting.minutes.toFixed(1)} minutes; load of the machine ${setting.load.map((load) => load.toFixed(1)).join(' → ')}.

Stages do nothing, so the figures are what the engine adds. A ratio is to ${contenders[basis].label} of the same round. Read ratios rather than times, and no difference below 30 %.`;
}

function targetSection(summary) {
  const withUnit = (value, unit) => (value === undefined ? '' : figure(value, unit === '×' || unit === '' ? unit : ` ${unit}`));
  const rows = targets(summary)
    .filter(({ measured }) => measured !== undefined)
    .map(({ figure: name, unit, most, measured, ordered }) => [
      name,
      `≤ ${most}${unit === '×' || unit === '' ? unit : ` ${unit}`}`,
      withUnit(measured, unit),
      withUnit(ordered, unit),
      measured <= most ? 'met' : ordered !== undefined && ordered <= most ? 'met by order alone' : 'not met',
    ]);
  if (rows.length === 0) return '';
  const note =
    'Order alone: the stages are ordered by `after` and handed no values, like those of the prototype from which the targets come.';
  return `## Targets\n\n${note}\n\n${table(['figure', 'target', 'measured', 'order alone', ''], rows)}`;
}

function gateSection(gates) {
  const rows = gates.map(({ name, holds, detail }) => [name, holds === undefined ? 'not judged' : holds ? 'holds' : 'BROKEN', detail]);
  return `## Gates\n\n${table(['gate', '', 'detail'], rows)}`;
}

/** One row per contender, one column per workload; `cell` says what stands where both meet. */
function grid(summary, mode, columns, cell) {
  const rows = summary
    .measured(mode, 'contender', Object.keys(contenders))
    .map((contender) => [
      contenders[contender].label,
      ...columns.map((workload) => cell(contender, workload) ?? shortProblem(summary.problem(mode, contender, workload))),
    ]);
  const hasFigures = rows.filter((row) => row.slice(1).some((text) => text !== ''));
  return hasFigures.length === 0 ? undefined : table(['', ...columns], hasFigures);
}

function shortProblem(problem) {
  if (problem === undefined || problem === 'n/a') return problem ?? '';
  return /call stack/i.test(problem) ? 'overflow' : problem.startsWith('longer') ? problem.replace('longer than ', '> ') : 'failed';
}

const defined = (value, unit) => (value === undefined ? undefined : figure(value, unit));

function timeSection(summary) {
  const columns = summary
    .measured('time', 'workload', Object.keys(workloads))
    .filter((id) => !workloads[id].concurrentRuns && workloads[id].group !== 'huge');
  const times = grid(summary, 'time', columns, (contender, workload) => defined(summary.time(contender, workload)));
  const ratios = grid(summary, 'time', columns, (contender, workload) => defined(summary.ratio(contender, workload), '×'));
  if (times === undefined) return '';
  const legend = columns.map((id) => `\`${id}\` ${workloads[id].title}`).join(' · ');
  return `## Time\n\n${legend}\n\nRatio to memoised promises:\n\n${ratios}\n\nµs per stage (\`one\`: per run):\n\n${times}`;
}

function concurrencySection(summary) {
  const measured = Object.keys(contenders).filter((contender) => summary.time(contender, 'concurrent') !== undefined);
  if (measured.length === 0) return '';
  const of = (contender, field) => figure(summary.time(contender, 'concurrent', field));
  const rows = measured
    .sort((left, right) => summary.time(left, 'concurrent') - summary.time(right, 'concurrent'))
    .map((contender) => [
      contenders[contender].label,
      ...['wallMs', 'p50Ms', 'p99Ms', 'usPerStage'].map((field) => of(contender, field)),
      figure(summary.ratio(contender, 'concurrent'), '×'),
    ]);
  const head = ['', 'all, ms', 'median, ms', 'p99, ms', 'processor, µs/stage', 'ratio'];
  return `## ${workloads['concurrent'].title}\n\nFive stages of each wait 1 ms, three of them one after the other.\n\n${table(head, rows)}`;
}

function hugeSection(summary) {
  const columns = summary.measured('time', 'workload', Object.keys(workloads)).filter((id) => workloads[id].group === 'huge');
  const cell = (contender, workload) => {
    const [run, build] = ['runMs', 'buildMs'].map((field) => summary.time(contender, workload, field));
    return run === undefined ? undefined : `${figure(run)} (${figure(build)})`;
  };
  const found = grid(summary, 'time', columns, cell);
  return found === undefined ? '' : `## 100,000 stages\n\nms of one run, and of one build:\n\n${found}`;
}

function memorySection(summary) {
  const columns = summary.measured('memory', 'workload', Object.keys(workloads));
  const cell = (field) => (contender, workload) => defined(summary.memory(contender, workload, field));
  const allocated = grid(summary, 'memory', columns, (contender, workload) => defined(summary.allocated(contender, workload)));
  if (allocated === undefined) return '';
  const others = [
    ['Alive in the middle of a run, B/stage', 'liveBytesPerStage'],
    ['Kept by a held result, the values included, B/run', 'keptBytesPerRun'],
    ['The built graph, B/stage', 'planBytesPerStage'],
    ['Left behind by a dropped run, B/run', 'leakedBytesPerRun'],
  ];
  return [
    `## Memory\n\nAllocated, B/stage (\`one\`: per run):\n\n${allocated}`,
    ...others.map(([title, field]) => `${title}:\n\n${grid(summary, 'memory', columns, cell(field))}`),
  ].join('\n\n');
}

function coldSection(summary) {
  const columns = ['chain-10', 'sparse-1k', 'fan-10k'].filter((id) =>
    summary.measured('time', 'workload', Object.keys(workloads)).includes(id),
  );
  const fields = [
    ['build', 'buildMs'],
    ['cold build', 'coldBuildMs'],
    ['cold run', 'coldRunMs'],
  ];
  const rows = summary
    .measured('time', 'contender', Object.keys(contenders))
    .map((contender) => [
      contenders[contender].label,
      ...columns.flatMap((id) => fields.map(([, field]) => defined(summary.time(contender, id, field)) ?? '')),
    ]);
  if (columns.length === 0) return '';
  return `## Building, and the first run of a process\n\nms:\n\n${table(['', ...columns.flatMap((id) => fields.map(([name]) => `${id}, ${name}`))], rows)}`;
}

function footprintSection({ footprint }) {
  if (footprint === undefined) return '';
  const inKb = (bytes) => (bytes === undefined ? '' : figure(bytes / 1000));
  const rows = footprint.packages.map(({ name, version, minified, gzipped, importMs }) => [
    version === undefined ? name : `${name} ${version}`,
    inKb(minified),
    inKb(gzipped),
    importMs === undefined ? '' : figure(importMs),
  ]);
  return `## Footprint\n\nBundled by esbuild with what a pipeline needs; the import is the first in a process, above that of an empty module (${figure(footprint.emptyModuleMs)} ms).\n\n${table(['', 'minified, kB', 'gzipped, kB', 'import, ms'], rows)}`;
}

function problemSection(summary) {
  const lines = summary.errors.map(({ mode, contender, workload, error }) => `- ${contender}, ${workload} (${mode}): ${error}`);
  return lines.length === 0 ? '' : `## What failed\n\n${lines.join('\n')}`;
}
