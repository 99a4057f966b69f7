/**
 * What a scheduler costs that does nothing else: counters over a compiled plan, one `then` per stage. With `named`, stages get
 * their values by name, as an engine with typed needs hands them out.
 */
export default (variant) => ({
  receives: variant === 'named' ? 'record' : 'array',
  build: (graph, stages) => ({
    ...compile(graph),
    stages,
    names: graph.names,
    Records: variant === 'named' ? graph.needs.map(recordClass) : [],
    gather: variant === 'named' ? gatherRecord : gatherArray,
  }),
  run(plan) {
    return new Promise((resolve, reject) => {
      const { offsets, successors, stages, gather } = plan;
      const remaining = plan.waits.slice();
      const values = new Array(stages.length);
      let left = stages.length;
      const start = (index) => {
        stages[index](gather(plan, index, values)).then((value) => {
          values[index] = value;
          for (let at = offsets[index], last = offsets[index + 1]; at < last; at++) {
            const successor = successors[at];
            if (--remaining[successor] === 0) start(successor);
          }
          if (--left === 0) resolve(values);
        }, reject);
      };
      for (const root of plan.roots) start(root);
    });
  },
});

function gatherArray(plan, index, values) {
  const needs = plan.needs[index];
  const gathered = new Array(needs.length);
  for (let at = 0; at < needs.length; at++) gathered[at] = values[needs[at]];
  return gathered;
}

function gatherRecord({ needs, names, Records }, index, values) {
  const from = needs[index];
  const gathered = new Records[index]();
  for (let at = 0; at < from.length; at++) gathered[names[from[at]]] = values[from[at]];
  return gathered;
}

/** A constructor per stage makes plain objects whose shape no other stage changes: in large graphs many times faster than `{}`. */
function recordClass() {
  function Record() {}
  Record.prototype = Object.prototype;
  return Record;
}

/** Successors in one array, with the offset of each stage. */
function compile({ size, needs, edgeCount }) {
  const waits = new Int32Array(size);
  const offsets = new Int32Array(size + 1);
  const roots = [];
  for (let index = 0; index < size; index++) {
    waits[index] = needs[index].length;
    if (waits[index] === 0) roots.push(index);
    for (const need of needs[index]) offsets[need + 1]++;
  }
  for (let index = 0; index < size; index++) offsets[index + 1] += offsets[index];
  const next = offsets.slice();
  const successors = new Int32Array(edgeCount);
  for (let index = 0; index < size; index++) for (const need of needs[index]) successors[next[need]++] = index;
  return { needs, waits, roots, offsets, successors };
}
