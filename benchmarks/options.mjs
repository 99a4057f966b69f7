import { parseArgs } from 'node:util';
import { contenders, entryOf } from './contenders.mjs';
import { featureOf, features } from './features.mjs';
import { workload, workloads } from './workloads.mjs';

/**
 * @typedef {object} Options
 * @property {boolean} isQuick
 * @property {readonly string[]} workloads
 * @property {readonly string[]} contenders
 * @property {readonly string[]} features
 * @property {boolean} isPartial Whether workloads, contenders, features or parts were chosen: then the published figures stay as they are.
 * @property {number | undefined} rounds
 * @property {number} budgetMs
 * @property {number} timeoutMs Of one process.
 * @property {string} node The program that measures.
 * @property {ReadonlySet<string>} only Parts: `verify`, `time`, `memory`, `features`, `footprint`.
 * @property {boolean} build
 * @property {boolean} updatesBaseline
 * @property {boolean} gates
 */

const allParts = 'verify,time,memory,features,footprint';

export const usage = `npm run bench -- [options]

  --quick                 one or two rounds, fewer peers: at most two minutes
  --workloads a,b         ${Object.keys(workloads).join(', ')}
  --contenders a,b        ${Object.keys(contenders).join(', ')}
  --features a,b          ${Object.keys(features).join(', ')}
  --only a,b              parts: verify, time, memory, features, footprint
  --rounds n              rounds of everything, instead of what the schedule says
  --budget ms             time measured per process (default 200, quick 100)
  --timeout s             limit of one process (default 40)
  --node path             the Node that measures (default: this one)
  --no-build              measure the core that the last run built
  --no-gates              report, and exit with 0 whatever it says
  --update-baseline       write the measured ratios and bytes to baseline.json
`;

/**
 * @param {readonly string[]} args
 * @returns {Options | undefined} Nothing where help was asked for.
 * @throws On an unknown option, workload or contender.
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      workloads: { type: 'string' },
      contenders: { type: 'string' },
      features: { type: 'string' },
      only: { type: 'string', default: allParts },
      rounds: { type: 'string' },
      budget: { type: 'string' },
      timeout: { type: 'string', default: '40' },
      node: { type: 'string', default: process.execPath },
      build: { type: 'boolean', default: true },
      gates: { type: 'boolean', default: true },
      'update-baseline': { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const list = (/** @type {string | undefined} */ given, /** @type {string[]} */ all) =>
    given?.split(',').map((word) => word.trim()) ?? all;
  const options = {
    isQuick: values.quick,
    workloads: list(values.workloads, Object.keys(workloads)),
    contenders: list(values.contenders, Object.keys(contenders)),
    features: list(values.features, Object.keys(features)),
    isPartial: [values.workloads, values.contenders, values.features].some((given) => given !== undefined) || values.only !== allParts,
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    budgetMs: Number(values.budget ?? (values.quick ? 100 : 200)),
    timeoutMs: Number(values.timeout) * 1000,
    node: values.node,
    only: new Set(list(values.only, [])),
    build: values.build,
    updatesBaseline: values['update-baseline'],
    gates: values.gates,
  };
  options.workloads.forEach(workload);
  options.contenders.forEach(entryOf);
  options.features.forEach(featureOf);
  return options;
}
