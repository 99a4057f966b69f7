// What stages cost the compiler, in instantiations: they repeat exactly, where seconds do not. Run by itself or as a step of verify.
import { pathToFileURL } from 'node:url';
import { Consumer } from './consumer.mjs';
import { functionSource, pipelineSource, stageSource } from './graph-source.mjs';

/** Stages may cost at most this much of the same bodies as plain functions, at any size. */
const ratioLimit = 1.4;
/** Five times the stages may cost at most this much more. */
const growthLimit = 5.2;
/** How far above its budget a graph may get. The budgets are what the compiler of the catalog counts today. */
const tolerance = 1.05;

const sizes = [10, 100, 500];

/** @type {readonly { readonly name: string, readonly shape: 'chain' | 'layers', readonly inputs: number, readonly used: boolean, readonly budget: number }[]} */
const families = [
  { name: 'chain', shape: 'chain', inputs: 1, used: false, budget: 71_280 },
  { name: 'layers', shape: 'layers', inputs: 1, used: false, budget: 77_140 },
  { name: 'layers, 20 inputs', shape: 'layers', inputs: 20, used: false, budget: 77_600 },
  { name: 'layers in a pipeline', shape: 'layers', inputs: 20, used: true, budget: 83_500 },
];

/**
 * @typedef {{ readonly stages: number, readonly ours: number, readonly plain: number }} Cost
 * @typedef {{ readonly name: string, readonly budget: number, readonly costs: readonly Cost[] }} Measured
 */

/** @returns {Promise<readonly Measured[]>} Instantiations by size, less those of a program that only imports. */
export async function measureTypes() {
  const consumer = await Consumer.create();
  const count = async (/** @type {string} */ source) => {
    consumer.write('graph.ts', source);
    const { diagnostics, instantiations } = await consumer.compile(['graph.ts']);
    if (diagnostics.length > 0) throw new Error(`The generated graph does not compile: ${JSON.stringify(diagnostics[0])}`);
    return instantiations;
  };
  try {
    const baseline = await count(
      "import { inputs, pipeline, skip, stage } from '@stageflow/core';\nexport { inputs, pipeline, skip, stage };\n",
    );
    /** @type {Map<string, number>} */
    const plain = new Map();
    /** @type {Measured[]} */
    const measured = [];
    for (const { name, shape, used, budget, inputs } of families) {
      /** @type {Cost[]} */
      const costs = [];
      for (const stages of sizes) {
        const graph = { stages, shape, inputs: Math.min(inputs, Math.ceil(stages / 5)) };
        const ours = (await count(stageSource(graph) + (used ? pipelineSource(graph) : ''))) - baseline;
        const control = functionSource(graph);
        plain.set(control, plain.get(control) ?? (await count(control)));
        costs.push({ stages, ours, plain: plain.get(control) ?? 0 });
      }
      measured.push({ name, budget, costs });
    }
    return measured;
  } finally {
    consumer.remove();
  }
}

/**
 * @param {readonly Measured[]} measured
 * @returns {string[]} What is over its limit.
 */
export function overLimit(measured) {
  return measured.flatMap(({ name, budget, costs }) => {
    const last = costs.at(-1);
    const beforeLast = costs.at(-2);
    if (!last || !beforeLast) return [`${name}: nothing was measured`];
    const growth = last.ours / beforeLast.ours;
    return [
      ...costs
        .filter(({ ours, plain }) => !(ours / plain <= ratioLimit))
        .map(
          ({ stages, ours, plain }) =>
            `${name}, ${stages} stages: ${(ours / plain).toFixed(2)} times plain functions, at most ${ratioLimit}`,
        ),
      ...(growth <= growthLimit
        ? []
        : [`${name}: ${growth.toFixed(2)} times the cost at ${last.stages} against ${beforeLast.stages}, at most ${growthLimit}`]),
      ...(last.ours <= budget * tolerance ? [] : [`${name}, ${last.stages} stages: ${last.ours} instantiations, the budget is ${budget}`]),
    ];
  });
}

/**
 * @param {readonly Measured[]} measured
 * @returns {string}
 */
export function costTable(measured) {
  const rows = measured.flatMap(({ name, costs }) =>
    costs.map(({ stages, ours, plain }) => [name, stages, ours, plain, (ours / plain).toFixed(2), (ours / stages).toFixed(0)]),
  );
  return [['graph', 'stages', 'stages cost', 'functions cost', 'ratio', 'per stage'], ...rows]
    .map((row) => row.map((cell, column) => (column === 0 ? String(cell).padEnd(22) : String(cell).padStart(15))).join(''))
    .join('\n');
}

/** Prints the table; throws where something is over its limit. */
export async function checkTypeCost() {
  const measured = await measureTypes();
  console.log(costTable(measured));
  const problems = overLimit(measured);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await checkTypeCost();
