// Large graphs as source text: of stages, and of the same bodies as plain functions that read each other by `ReturnType`.

/** @typedef {{ readonly stages: number, readonly shape: 'chain' | 'layers', readonly inputs?: number }} Graph */

/**
 * Which stages each stage reads: in a chain the one before; in layers three of the layer above (25 layers of 20 at 500), and the last
 * stage whatever nobody else reads, so that the type of every stage is used.
 *
 * @param {Graph} graph
 * @returns {number[][]}
 */
export function needsOf({ stages, shape }) {
  if (shape === 'chain') return Array.from({ length: stages }, (_, index) => (index === 0 ? [] : [index - 1]));
  const width = Math.max(3, Math.min(20, Math.floor(stages / 5)));
  const needs = Array.from({ length: stages - 1 }, (_, index) => {
    const above = (Math.floor(index / width) - 1) * width;
    return above < 0 ? [] : [...new Set([0, 7, 13].map((step) => above + ((index + step) % width)))];
  });
  const read = new Set(needs.flat());
  return [...needs, needs.map((_, index) => index).filter((index) => !read.has(index))];
}

/**
 * The graph as exported stages `s0`, `s1`, …
 *
 * @param {Graph} graph
 */
export function stageSource({ inputs = 1, ...graph }) {
  const names = Array.from({ length: inputs }, (_, index) => `i${index}`);
  const declared = `export const { ${names.join(', ')} } = inputs<{ ${names.map((name) => `${name}: string`).join('; ')} }>();`;
  const stages = needsOf(graph).map((needs, index) => {
    const read = needs.length === 0 ? [`i${index % inputs}`] : needs.map((need) => `s${need}`);
    const sum = needs.length === 0 ? `${read[0]}.length` : read.map((name) => `${name}.n`).join(' + ');
    return `export const s${index} = stage('s${index}', { needs: { ${read.join(', ')} }, run: async ({ ${read.join(', ')} }, context) => ${body(index, sum)} });`;
  });
  return ["import { inputs, pipeline, skip, stage } from '@stageflow/core';", declared, ...stages, ''].join('\n');
}

/**
 * What an application does with the stages of {@link stageSource}: a pipeline whose outputs are all of them, a run, a read of every output,
 * replacements and policies.
 *
 * @param {Graph} graph
 */
export function pipelineSource(graph) {
  const names = Array.from({ length: graph.stages }, (_, index) => `s${index}`);
  const given = Array.from({ length: graph.inputs ?? 1 }, (_, index) => `i${index}: ''`);
  const reads = names.map((name) => `run.outputs.${name}?.n`);
  return [
    `export const all = pipeline('all', { outputs: { ${names.join(', ')} } });`,
    `const run = await all.run({ ${given.join(', ')} });`,
    `export const read = run.status === 'completed' ? [${reads.join(', ')}] : [];`,
    "export const replaced = all.with(s0, () => ({ n: 1, at0: '' })).with(s1, stage('s1', { run: () => ({ n: 1, at1: '' }) }));",
    'export const patient = replaced.configure({ s2: { timeoutMs: 60_000 } });',
    '',
  ].join('\n');
}

/**
 * The graph as exported functions `s0`, `s1`, … The inputs are what a function `start` returns, so that reading one costs as little as it
 * can in plain code.
 *
 * @param {Graph} graph
 */
export function functionSource(graph) {
  const functions = needsOf(graph).map((needs, index) => {
    const read = needs.length === 0 ? ['start'] : needs.map((need) => `s${need}`);
    const parameters = read.map((name) => `of_${name}: Exclude<Awaited<ReturnType<typeof ${name}>>, Skip>`);
    const sum = needs.length === 0 ? 'of_start.length' : read.map((name) => `of_${name}.n`).join(' + ');
    return `export const s${index} = async (${parameters.join(', ')}, context: Context) => ${body(index, sum)};`;
  });
  return [
    'interface Skip { readonly skip: string }',
    'const skip = (reason: string): Skip => ({ skip: reason });',
    'export interface Context { readonly runId: string; readonly signal: AbortSignal }',
    "export const start = async (given: string) => { if (given === '') return skip('empty'); return given; };",
    ...functions,
    '',
  ].join('\n');
}

/**
 * @param {number} index
 * @param {string} sum
 */
function body(index, sum) {
  return `{ if (${sum} < 0) return skip('negative'); return { n: ${sum} + 1, at${index}: context.runId }; }`;
}
