// Who is measured. Data only: a contender's module, and with it the peer, is loaded in the process that measures it.

/**
 * @typedef {object} Entry
 * @property {string} label
 * @property {string} module In `contenders/`; its default export makes the contender, given `variant`.
 * @property {string} [variant]
 * @property {'basis' | 'feature' | 'detail' | 'peer'} group How often it is measured: see `schedule.mjs`.
 * @property {string} [package] Its folder in `node_modules`.
 * @property {number} [maxStages] Larger graphs are left out: it would take minutes.
 *
 * @typedef {object} Contender
 * @property {'array' | 'record' | 'nothing'} receives What its stages are handed: the values they need in order, or by name.
 * @property {(graph: import('./graphs.mjs').Graph) => boolean} [supports] Whether it can express the graph. @default any
 * @property {() => Promise<void>} [load] Imports the peer.
 * @property {(graph: import('./graphs.mjs').Graph, stages: import('./workloads.mjs').StageFunction[]) => unknown} build
 *   What is done once. Not awaited: what some peers build has a `then` of its own.
 * @property {(built: any) => Promise<unknown>} run Settles when the last stage has.
 */

/** @type {Record<string, Entry>} */
export const contenders = {
  'hand-promises': { label: 'hand-written: memoised promises (= 1)', module: 'hand-promises', group: 'basis' },
  'hand-counter': { label: 'hand-written: counters over a compiled plan', module: 'hand-counter', group: 'basis' },
  'hand-counter:named': { label: 'hand-written: counters, values by name', module: 'hand-counter', variant: 'named', group: 'detail' },
  stageflow: { label: 'stageflow, bare (`timings: false`)', module: 'stageflow', variant: 'bare', group: 'basis' },
  'stageflow:default': { label: 'stageflow, defaults', module: 'stageflow', variant: 'default', group: 'basis' },
  'stageflow:sink': { label: 'stageflow, one sink', module: 'stageflow', variant: 'sink', group: 'feature' },
  'stageflow:all': { label: 'stageflow, everything on', module: 'stageflow', variant: 'all', group: 'feature' },
  'stageflow:unused': {
    label: 'stageflow, bare, in a runtime with nothing configured',
    module: 'stageflow',
    variant: 'unused',
    group: 'detail',
  },
  'stageflow:order': { label: 'stageflow, bare, `after` only', module: 'stageflow', variant: 'order', group: 'detail' },
  'stageflow:limits': {
    label: 'stageflow, defaults, timeout and retry on every stage',
    module: 'stageflow',
    variant: 'limits',
    group: 'detail',
  },
  grfn: { label: 'grfn', module: 'grfn', group: 'peer', package: 'grfn' },
  'p-graph': { label: 'p-graph', module: 'p-graph', group: 'peer', package: 'p-graph' },
  'async-auto': { label: 'async.auto', module: 'async-auto', group: 'peer', package: 'async', maxStages: 1000 },
  effect: { label: 'effect 4, a fiber per stage', module: 'effect', variant: '4', group: 'peer', package: 'effect' },
  'effect-3': {
    label: 'effect 3, a fiber per stage',
    module: 'effect',
    variant: '3',
    group: 'peer',
    package: 'effect-3',
    maxStages: 10_000,
  },
  mastra: { label: '@mastra/core workflow', module: 'mastra', group: 'peer', package: '@mastra/core', maxStages: 1000 },
  langgraph: { label: '@langchain/langgraph', module: 'langgraph', group: 'peer', package: '@langchain/langgraph', maxStages: 1000 },
};

/** @param {string} id */
export function entryOf(id) {
  const entry = contenders[id];
  if (!entry) throw new Error(`There is no contender "${id}". There are: ${Object.keys(contenders).join(', ')}.`);
  return entry;
}

/**
 * @param {string} id
 * @returns {Promise<Contender>}
 */
export async function loadContender(id) {
  const { module, variant } = entryOf(id);
  const { default: make } = await import(`./contenders/${module}.mjs`);
  const contender = make(variant);
  await contender.load?.();
  return contender;
}
