// What is measured how often. Ratios and gates stand on the basis, so it is measured most.
import { entryOf } from './contenders.mjs';
import { featureOf } from './features.mjs';
import { workload, workloads } from './workloads.mjs';

/** Rounds by the group of the contender and of the workload. */
const rounds = {
  basis: { main: 5, scaling: 3, huge: 2 },
  feature: { main: 3, scaling: 0, huge: 0 },
  detail: { main: 2, scaling: 0, huge: 0 },
  peer: { main: 2, scaling: 0, huge: 1 },
};
const quickRounds = {
  basis: { main: 2, scaling: 1, huge: 1 },
  feature: { main: 1, scaling: 0, huge: 0 },
  detail: { main: 0, scaling: 0, huge: 0 },
  peer: { main: 1, scaling: 0, huge: 0 },
};
const quickForPeers = new Set(['one', 'chain-10']);

/** Where allocation is measured, and of whom. Peers are measured on the two graphs that their users may build. */
const memoryWorkloads = ['one', 'chain-10', 'sparse-1k', 'chain-10k', 'fan-10k'];
const memoryOfPeers = new Set(['chain-10', 'sparse-1k']);
const detailsWithMemory = new Set(['hand-counter:named', 'stageflow:unused', 'stageflow:order', 'stageflow:limits']);

/**
 * @typedef {object} Task
 * @property {'verify' | 'time' | 'memory' | 'feature'} mode
 * @property {number} round
 * @property {string} workload The feature, in its mode.
 * @property {string} contender Its variant, in that mode.
 */

/**
 * The tasks in the order they are carried out: within a round and workload the contenders are shuffled.
 *
 * @param {import('./options.mjs').Options} options
 * @param {() => number} [random] In [0, 1).
 * @returns {Task[]}
 */
export function schedule(options, random = Math.random) {
  return [...verifyTasks(options), ...timeTasks(options, random), ...memoryTasks(options), ...featureTasks(options, random)];
}

function verifyTasks({ only, contenders, workloads: chosen, isQuick }) {
  if (!only.has('verify')) return [];
  const checked = ['lattice', 'sparse-1k', 'sparse-1k-reading', 'concurrent'].filter(
    (id) => chosen.includes(id) && !(isQuick && id === 'concurrent'),
  );
  return checked.flatMap((id) => contenders.map((contender) => ({ mode: 'verify', round: 0, workload: id, contender })));
}

function timeTasks(options, random) {
  if (!options.only.has('time')) return [];
  const most = options.rounds ?? 5;
  /** @type {Task[]} */
  const tasks = [];
  for (let round = 0; round < most; round++) {
    for (const id of options.workloads) {
      const taking = options.contenders.filter(
        (contender) => isPossible(contender, id) && round < (options.rounds ?? roundsOf(contender, id, options.isQuick)),
      );
      for (const contender of shuffled(taking, random)) tasks.push({ mode: 'time', round, workload: id, contender });
    }
  }
  return tasks;
}

function roundsOf(contender, id, isQuick) {
  const { group } = entryOf(contender);
  if (isQuick && group === 'peer' && !quickForPeers.has(id)) return 0;
  const kind = workload(id).group ?? 'main';
  if (isQuick && kind === 'huge' && contender !== 'stageflow') return 0;
  return (isQuick ? quickRounds : rounds)[group][kind];
}

function memoryTasks({ only, contenders, workloads: chosen, isQuick }) {
  if (!only.has('memory')) return [];
  const measured = memoryWorkloads.filter((id) => chosen.includes(id) && (!isQuick || id === 'sparse-1k' || id === 'one'));
  return measured.flatMap((id) =>
    contenders
      .filter((contender) => isPossible(contender, id) && hasMemory(contender, id, isQuick))
      .map((contender) => ({ mode: 'memory', round: 0, workload: id, contender })),
  );
}

function hasMemory(contender, id, isQuick) {
  const { group } = entryOf(contender);
  if (group === 'detail') return detailsWithMemory.has(contender) && id === 'sparse-1k';
  return group !== 'peer' || (!isQuick && memoryOfPeers.has(id));
}

function featureTasks({ only, features, rounds: given, isQuick }, random) {
  if (!only.has('features')) return [];
  /** @type {Task[]} */
  const tasks = [];
  for (let round = 0; round < (given ?? (isQuick ? 1 : 4)); round++) {
    for (const id of features) {
      for (const contender of shuffled(Object.keys(featureOf(id).variants), random))
        tasks.push({ mode: 'feature', round, workload: id, contender });
    }
  }
  return tasks;
}

const sizes = new Map();

function isPossible(contender, id) {
  if (!sizes.has(id)) sizes.set(id, workloads[id].graph().size);
  return sizes.get(id) <= (entryOf(contender).maxStages ?? Number.POSITIVE_INFINITY);
}

/** Fisher and Yates. */
function shuffled(list, random) {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}
