/** grfn passes what a function needs as its arguments; the stages here take one, so they are left out where stages read. */
export default () => {
  let grfn;
  return {
    receives: 'nothing',
    async load() {
      ({ default: grfn } = await import('grfn'));
    },
    build: ({ needs }, stages) => grfn(stages.map((stage, index) => [stage, needs[index].map((need) => stages[need])])),
    run: (execute) => execute(),
  };
};
