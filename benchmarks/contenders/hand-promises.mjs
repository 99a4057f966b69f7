/** The ten lines anybody writes: a promise per stage, `Promise.all` over those it needs. Every ratio is to this. */
export default () => ({
  receives: 'array',
  build: (graph, stages) => ({ needs: graph.needs, stages }),
  run({ needs, stages }) {
    const promises = new Array(stages.length);
    const start = async (index) => {
      const from = needs[index];
      return stages[index](from.length === 0 ? [] : await Promise.all(from.map((need) => promises[need])));
    };
    for (let index = 0; index < stages.length; index++) promises[index] = start(index);
    return Promise.all(promises);
  },
});
