// The figures the project wants to reach. They were set on Node 20 on a 2.6 GHz Xeon: ratios and bytes carry over to other machines,
// times do not.
import { Summary } from './summary.mjs';

/**
 * @typedef {object} Target
 * @property {string} figure
 * @property {string} unit
 * @property {number} most
 * @property {number | undefined} measured
 * @property {number | undefined} [ordered] The same where stages are ordered by `after` and handed nothing. The targets come from a
 *   prototype that handed its stages nothing.
 */

const chains = ['chain-10', 'chain-1k', 'chain-10k'];
const wide = ['fan-100', 'lattice'];
const large = ['sparse-1k', 'fan-10k'];
const many = [...chains, ...wide, ...large];

/**
 * @param {Summary} summary
 * @returns {Target[]}
 */
export function targets(summary) {
  return [
    ...times(summary),
    ...interceptors(summary),
    ...concurrency(summary),
    ...memory(summary),
    ...plan(summary),
    ...footprint(summary),
  ];
}

function times(summary) {
  const worst = (contender, workloads) => Summary.worst(workloads.map((workload) => summary.time(contender, workload)));
  const both = (measure) => ({ measured: measure('stageflow'), ordered: measure('stageflow:order') });
  const major = Number(/\d+/.exec(summary.setting.node)?.[0]);
  return [
    ...many.map((workload) => ({
      figure: `ratio to memoised promises, ${workload}`,
      unit: '×',
      most: workload === 'chain-10' ? 0.45 : 0.25,
      ...both((contender) => summary.ratio(contender, workload)),
    })),
    { figure: 'chains, bare', unit: 'µs/stage', most: 0.12, ...both((contender) => worst(contender, chains)) },
    { figure: 'fan of 100 and lattice, bare', unit: 'µs/stage', most: 0.15, ...both((contender) => worst(contender, wide)) },
    { figure: 'sparse 1,000 and fan of 10,000, bare', unit: 'µs/stage', most: 0.2, ...both((contender) => worst(contender, large)) },
    { figure: 'one stage, bare', unit: 'µs/run', most: 0.4, measured: summary.time('stageflow', 'one') },
    { figure: 'defaults: timings, reports, run id; worst graph', unit: 'µs/stage', most: 0.4, measured: worst('stageflow:default', many) },
    { figure: 'everything on; worst graph', unit: 'µs/stage', most: major >= 24 ? 0.6 : 1, measured: worst('stageflow:all', many) },
  ];
}

/** What they add to the bare chain. */
function interceptors(summary) {
  const added = (variant) => {
    const [none, some] = ['none', variant].map((id) => summary.feature('interceptors', id));
    return none === undefined || some === undefined ? undefined : some - none;
  };
  return [
    { figure: 'one interceptor, added', unit: 'µs/stage', most: 0.18, measured: added('stageflow:1') },
    { figure: 'ten interceptors, added', unit: 'µs/stage', most: 1.9, measured: added('stageflow:10') },
  ];
}

function concurrency(summary) {
  const of = (field) => summary.time('stageflow', 'concurrent', field);
  return [
    { figure: '1,000 concurrent runs, all', unit: 'ms', most: 13, measured: of('wallMs') },
    { figure: '1,000 concurrent runs, median', unit: 'ms', most: 12, measured: of('p50Ms') },
    { figure: '1,000 concurrent runs, 99th percentile', unit: 'ms', most: 40, measured: of('p99Ms') },
    { figure: '1,000 concurrent runs, processor', unit: 'µs/stage', most: 1.3, measured: of('usPerStage') },
  ];
}

function memory(summary) {
  const worst = (contender) =>
    Summary.worst(['sparse-1k', 'chain-10k', 'fan-10k'].map((workload) => summary.allocated(contender, workload)));
  const [bare, unused] = ['stageflow', 'stageflow:unused'].map((contender) => summary.allocated(contender, 'sparse-1k'));
  return [
    { figure: 'allocated, bare', unit: 'B/stage', most: 600, measured: worst('stageflow') },
    { figure: 'allocated, everything on', unit: 'B/stage', most: 2000, measured: worst('stageflow:all') },
    {
      figure: 'allocated for what is not used',
      unit: 'B/stage',
      most: 4,
      measured: bare === undefined || unused === undefined ? undefined : unused - bare,
    },
    {
      figure: 'alive with 10,000 in flight, bare',
      unit: 'B/stage',
      most: 400,
      measured: summary.memory('stageflow', 'fan-10k', 'liveBytesPerStage'),
    },
    {
      figure: 'kept by a held result beyond its values, 10 stages',
      unit: 'B/run',
      most: 16 * 10 + 300,
      measured: beyondValues(summary, 'chain-10', 10),
    },
    {
      figure: 'kept by a held result beyond its values, 1,000 stages',
      unit: 'B/run',
      most: 16 * 1000 + 300,
      measured: beyondValues(summary, 'sparse-1k', 1000),
    },
    {
      figure: 'left behind by a dropped run, 10 stages',
      unit: 'B/run',
      most: 400,
      measured: summary.memory('stageflow:default', 'chain-10', 'leakedBytesPerRun'),
    },
  ];
}

/** A `{ v }` takes 32 bytes, the place that holds it 8. */
function beyondValues(summary, workload, size) {
  const kept = summary.memory('stageflow', workload, 'keptBytesPerRun');
  return kept === undefined ? undefined : kept - 40 * size;
}

function plan(summary) {
  const slowest = (field, workloads) => Summary.worst(workloads.map((workload) => summary.time('stageflow', workload, field)));
  const tenThousand = ['chain-10k', 'fan-10k'];
  return [
    { figure: '10,000 stages, build, warm', unit: 'ms', most: 3, measured: slowest('buildMs', tenThousand) },
    { figure: '10,000 stages, build, cold', unit: 'ms', most: 20, measured: slowest('coldBuildMs', tenThousand) },
    { figure: 'sparse 100,000, run', unit: 'ms', most: 120, measured: summary.time('stageflow', 'sparse-100k', 'runMs') },
    { figure: 'chain of 100,000, run', unit: 'ms', most: 30, measured: summary.time('stageflow', 'chain-100k', 'runMs') },
  ];
}

function footprint({ footprint: measured }) {
  const of = (name) => measured?.packages.find((candidate) => candidate.name === `@stageflow/core, ${name}`);
  const inKb = (bytes) => (bytes === undefined ? undefined : bytes / 1000);
  return [
    { figure: 'cold import above an empty module', unit: 'ms', most: 3, measured: of('whole main entry')?.importMs },
    { figure: 'quick start, minified and gzipped', unit: 'kB', most: 12, measured: inKb(of('quick start')?.gzipped) },
    { figure: 'main entry, minified and gzipped', unit: 'kB', most: 20, measured: inKb(of('whole main entry')?.gzipped) },
    { figure: 'dependencies', unit: '', most: 0, measured: measured?.dependencies },
    {
      figure: 'on disk, with types and maps',
      unit: 'MB',
      most: 0.5,
      measured: measured?.unpackedBytes === undefined ? undefined : measured.unpackedBytes / 1e6,
    },
  ];
}
