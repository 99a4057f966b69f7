// The quick start that people read is the one that runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

const example = 'examples/quickstart/src/main.ts';
const longest = 15;

/**
 * @param {string} markdown A page.
 * @returns {string | undefined} Its first block of TypeScript.
 */
export function firstBlockOf(markdown) {
  return /^```ts\n(.*?)^```$/ms.exec(markdown)?.[1];
}

/**
 * What is wrong with a quick start, or `undefined`.
 *
 * @param {string} readme
 * @param {string} source Of the example.
 */
export function quickStartProblem(readme, source) {
  const lines = source.trimEnd().split('\n').length;
  if (lines > longest) return `${example} has ${lines} lines, a quick start has at most ${longest}`;
  if (firstBlockOf(readme) !== source) return `the first code block of README.md must be ${example}, word for word`;
  return undefined;
}

/** Checks the README against the example. */
export function checkQuickStart() {
  const problem = quickStartProblem(readFileSync(join(root, 'README.md'), 'utf8'), readFileSync(join(root, example), 'utf8'));
  if (problem !== undefined) throw new Error(problem);
}
