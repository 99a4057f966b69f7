/** p-graph orders functions; it hands no results on. */
export default () => {
  let PGraph;
  return {
    receives: 'nothing',
    async load() {
      ({ PGraph } = await import('p-graph'));
    },
    build({ names, needs }, stages) {
      const nodes = Object.fromEntries(stages.map((run, index) => [names[index], { run }]));
      const edges = needs.flatMap((from, index) => from.map((need) => [names[need], names[index]]));
      return new PGraph(nodes, edges);
    },
    run: (graph) => graph.run(),
  };
};
