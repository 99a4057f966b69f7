import { parseArgs } from 'node:util';
import { contenders, entryOf } from './contenders.mjs';

/**
 * @typedef {object} Options
 * @property {ReadonlySet<string>} only Parts: `throughput`, `recovery`, `growth`.
 * @property {readonly string[]} contenders
 * @property {number} rounds
 * @property {number} budgetMs
 * @property {number} interruptedRuns
 * @property {readonly number[]} sizes
 * @property {boolean} build
 * @property {boolean} gates
 * @property {boolean} isPartial Whether the published page stays as it is.
 */

const allParts = 'throughput,recovery,growth';

export const usage = `npm run bench:stores -- [options]

  --quick                 small sizes and one short round: whether everything works, in two minutes
  --million               stored runs up to 1,000,000, too: many minutes and about 15 GB in the folder for temporary files
  --contenders a,b        ${Object.keys(contenders).join(', ')}
  --only a,b              parts: throughput, recovery, growth
  --rounds n              rounds of throughput (default 2, quick 1)
  --budget ms             time measured per contender and concurrency (default 1000, quick 200)
  --runs n                interrupted runs (default 10000, quick 500)
  --no-build              measure the packages that the last run built
  --no-gates              report, and exit with 0 whatever it says
`;

/**
 * @param {readonly string[]} args
 * @returns {Options | undefined} Nothing where help was asked for.
 * @throws On an unknown option or contender.
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      million: { type: 'boolean', default: false },
      contenders: { type: 'string' },
      only: { type: 'string', default: allParts },
      rounds: { type: 'string' },
      budget: { type: 'string' },
      runs: { type: 'string' },
      build: { type: 'boolean', default: true },
      gates: { type: 'boolean', default: true },
    },
  });
  if (values.help) return undefined;
  const list = (/** @type {string} */ given) => given.split(',').map((word) => word.trim());
  const number = (/** @type {string | undefined} */ given, usual, quick) => Number(given ?? (values.quick ? quick : usual));
  const chosen = values.contenders === undefined ? Object.keys(contenders) : list(values.contenders);
  chosen.forEach(entryOf);
  const sizes = values.quick ? [1_000, 10_000] : [1_000, 10_000, 100_000];
  return {
    only: new Set(list(values.only)),
    contenders: chosen,
    rounds: number(values.rounds, 2, 1),
    budgetMs: number(values.budget, 1_000, 200),
    interruptedRuns: number(values.runs, 10_000, 500),
    sizes: values.million ? [...sizes, 1_000_000] : sizes,
    build: values.build,
    gates: values.gates,
    isPartial: values.quick || values.contenders !== undefined || values.only !== allParts || values.runs !== undefined,
  };
}
