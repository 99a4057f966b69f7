// The graphs that are measured: the same for every contender, seeded, with one last stage that everything leads to.

/**
 * @typedef {object} Graph
 * @property {number} size
 * @property {readonly (readonly number[])[]} needs For each stage the indices of those it needs, all smaller than its own.
 * @property {readonly string[]} names
 * @property {number} edgeCount
 * @property {readonly (readonly number[])[]} layers Stages by their longest path from a root.
 * @property {boolean} isLayered Whether each layer needs exactly the layer before it.
 * @property {ReadonlySet<number>} waiting Stages that wait a millisecond on a timer.
 */

/**
 * @param {readonly (readonly number[])[]} needs
 * @param {{ isLayered?: boolean, names?: readonly string[], waiting?: readonly number[] }} [options]
 * @returns {Graph}
 */
function graph(needs, { isLayered = false, names = needs.map((_, index) => `s${index}`), waiting = [] } = {}) {
  const level = new Int32Array(needs.length);
  /** @type {number[][]} */
  const layers = [];
  let edgeCount = 0;
  for (const [index, from] of needs.entries()) {
    for (const need of from) level[index] = Math.max(level[index], level[need] + 1);
    layers[level[index]] ??= [];
    layers[level[index]].push(index);
    edgeCount += from.length;
  }
  return { size: needs.length, needs, names, edgeCount, layers, isLayered, waiting: new Set(waiting) };
}

/** @param {number} size */
export function chain(size) {
  return graph(
    Array.from({ length: size }, (_, index) => (index === 0 ? [] : [index - 1])),
    { isLayered: true },
  );
}

/**
 * One stage, then `width` beside each other, then one.
 *
 * @param {number} width
 */
export function fan(width) {
  const middle = Array.from({ length: width }, (_, index) => index + 1);
  return graph([[], ...middle.map(() => [0]), middle], { isLayered: true });
}

/**
 * One stage, then layers in which each stage needs the whole layer before, then one.
 *
 * @param {number} depth
 * @param {number} width
 */
export function lattice(depth, width) {
  /** @type {number[][]} */
  const needs = [[]];
  let before = [0];
  for (let layer = 0; layer < depth; layer++) {
    const first = needs.length;
    for (let index = 0; index < width; index++) needs.push(before);
    before = Array.from({ length: width }, (_, index) => first + index);
  }
  return graph([...needs, before], { isLayered: true });
}

/**
 * Every stage needs some earlier ones at random, `mean` on average; the last needs all that nothing else needs.
 *
 * @param {number} size
 * @param {number} mean
 * @param {number} seed
 */
export function sparse(size, mean, seed) {
  const random = mulberry32(seed);
  const isNeeded = new Uint8Array(size);
  /** @type {number[][]} */
  const needs = [];
  for (let index = 0; index < size - 1; index++) {
    const count = Math.min(index, 1 + Math.floor(random() * (2 * mean - 1)));
    const from = new Set();
    while (from.size < count) from.add(Math.floor(random() * index));
    for (const need of from) isNeeded[need] = 1;
    needs.push([...from].sort((left, right) => left - right));
  }
  return graph([...needs, Array.from(needs.keys()).filter((index) => isNeeded[index] === 0)]);
}

/** Ten stages as an application has them; five wait on a timer, three of these one after the other. */
export function realistic() {
  const names = ['receive', 'guard', 'enrichA', 'enrichB', 'enrichC', 'llm', 'toolA', 'toolB', 'persist', 'respond'];
  const needs = [[], [0], [1], [1], [1], [2, 3, 4], [5], [5], [6, 7], [8]];
  return graph(needs, { isLayered: true, names, waiting: [2, 3, 4, 5, 8] });
}

/**
 * A small generator with a period of 2^32 (T. Ettinger's mulberry32, public domain).
 *
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
