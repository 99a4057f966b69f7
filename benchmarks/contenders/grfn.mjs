/** grfn: a graph of functions. Stages receive what they need as arguments, in order. */
export default () => {
  let grfn;
  return {
    receives: 'array',
    async load() {
      ({ default: grfn } = await import('grfn'));
    },
    build({ needs, size }, stages) {
      const vertices = {};
      const functions = stages.map((stage) => (...values) => stage(values));
      const keyed = functions.map((run, index) => [run, needs[index].map((need) => functions[need])]);
      return make(grfn, keyed, functions[size - 1], vertices);
    },
    run: (execute) => execute(),
  };
};

function make(grfn, keyed) {
  return grfn(keyed);
}
