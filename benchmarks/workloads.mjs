// What is run: a graph, and what its stages do.
import { chain, fan, lattice, realistic, sparse } from './graphs.mjs';

/**
 * @typedef {object} Workload
 * @property {string} title
 * @property {() => import('./graphs.mjs').Graph} graph
 * @property {'main' | 'scaling' | 'huge'} [group] `scaling` and `huge` are measured less often. @default 'main'
 * @property {boolean} [reads] Stages compute with what they need; in the other workloads they leave it alone.
 * @property {number} [concurrentRuns] Runs at once; absent, runs follow each other.
 */

/** @type {Record<string, Workload>} */
export const workloads = {
  one: { title: 'one stage', graph: () => chain(1) },
  'chain-10': { title: 'chain of 10', graph: () => chain(10) },
  'chain-100': { title: 'chain of 100', graph: () => chain(100), group: 'scaling' },
  'chain-1k': { title: 'chain of 1,000', graph: () => chain(1000) },
  'fan-100': { title: '1 → 100 → 1', graph: () => fan(100) },
  lattice: { title: '1 → 10 layers of 10 → 1, 920 edges', graph: () => lattice(10, 10) },
  'sparse-100': { title: '100 stages, about 3 needs each', graph: () => sparse(100, 3, 42), group: 'scaling' },
  'sparse-1k': { title: '1,000 stages, about 3 needs each', graph: () => sparse(1000, 3, 42) },
  'sparse-1k-reading': { title: 'the same, each stage adds up what it needs', graph: () => sparse(1000, 3, 42), reads: true },
  'sparse-10k': { title: '10,000 stages, about 3 needs each', graph: () => sparse(10_000, 3, 42), group: 'scaling' },
  'chain-10k': { title: 'chain of 10,000', graph: () => chain(10_000) },
  'fan-10k': { title: '1 → 9,998 → 1', graph: () => fan(9998) },
  concurrent: { title: '1,000 concurrent runs of 10 realistic stages', graph: realistic, concurrentRuns: 1000 },
  'chain-100k': { title: 'chain of 100,000', graph: () => chain(100_000), group: 'huge' },
  'fan-100k': { title: '1 → 99,998 → 1', graph: () => fan(99_998), group: 'huge' },
  'sparse-100k': { title: '100,000 stages, about 3 needs each', graph: () => sparse(100_000, 3, 7), group: 'huge' },
};

/** @param {string} id */
export function workload(id) {
  const found = workloads[id];
  if (!found) throw new Error(`There is no workload "${id}". There are: ${Object.keys(workloads).join(', ')}.`);
  return found;
}

/**
 * @callback StageFunction
 * @param {unknown} [values] What the contender hands to a stage: see `receives` in `contenders.mjs`.
 * @returns {Promise<{ v: number }>}
 */

/**
 * One function per stage. It yields `{ v }`: the index, or where stages read, one more than the sum of what it needs.
 *
 * @param {import('./graphs.mjs').Graph} graph
 * @param {'array' | 'record' | undefined} read How the stages get what they read; undefined where they read nothing.
 * @returns {StageFunction[]}
 */
export function stageFunctions(graph, read) {
  return graph.needs.map((needs, index) => {
    if (read !== undefined) return readingFunction(needs, graph.names, read);
    if (graph.waiting.has(index))
      return async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return { v: index };
      };
    return async () => ({ v: index });
  });
}

/**
 * Code of its own for each stage, as an author writes it. A shared function that reads by computed key would be slower than
 * anything anybody writes, and would measure itself.
 *
 * @param {readonly number[]} needs
 * @param {readonly string[]} names
 * @param {'array' | 'record'} read
 * @returns {StageFunction}
 */
function readingFunction(needs, names, read) {
  const parts = needs.map((need, at) => (read === 'array' ? `values[${at}].v` : `values.${names[need]}.v`));
  return /** @type {StageFunction} */ (
    new Function('values', `return (async (values) => ({ v: (${[...parts, '1'].join(' + ')}) | 0 }))(values)`)
  );
}

/**
 * What the last stage of a reading workload must yield.
 *
 * @param {import('./graphs.mjs').Graph} graph
 */
export function expectedSum({ needs }) {
  /** @type {number[]} */
  const values = [];
  for (const from of needs) values.push((from.reduce((sum, need) => sum + values[need], 0) + 1) | 0);
  return values.at(-1);
}
