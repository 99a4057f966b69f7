/** LangGraph.js with one channel that keeps the last value, and no checkpointer. */
export default () => {
  let langgraph;
  return {
    receives: 'nothing',
    async load() {
      langgraph = await import('@langchain/langgraph');
    },
    build({ names, needs, size }, stages) {
      const { Annotation, END, START, StateGraph } = langgraph;
      const state = Annotation.Root({ last: Annotation({ reducer: (_before, after) => after, default: () => null }) });
      const graph = new StateGraph(state);
      for (const [index, stage] of stages.entries()) graph.addNode(names[index], async (values) => ({ last: await stage(values) }));
      for (const [index, from] of needs.entries()) {
        if (from.length === 0) graph.addEdge(START, names[index]);
        else if (from.length === 1) graph.addEdge(names[from[0]], names[index]);
        else
          graph.addEdge(
            from.map((need) => names[need]),
            names[index],
          );
      }
      graph.addEdge(names[size - 1], END);
      return { app: graph.compile(), options: { recursionLimit: size + 20 } };
    },
    run: ({ app, options }) => app.invoke({ last: null }, options),
  };
};
