/** A Mastra workflow is a sequence of steps and of parallel groups: it can say layered graphs only. Nothing validates, nothing is stored. */
export default () => {
  let workflows;
  let any;
  return {
    receives: 'nothing',
    supports: (graph) => graph.isLayered,
    async load() {
      workflows = await import('@mastra/core/workflows');
      any = (await import('zod')).z.any();
    },
    build({ layers, names }, stages) {
      const schemas = { inputSchema: any, outputSchema: any };
      const step = (index) =>
        workflows.createStep({ id: names[index], ...schemas, execute: async ({ inputData }) => stages[index](inputData) });
      let workflow = workflows.createWorkflow({ id: 'bench', ...schemas, options: { validateInputs: false } });
      for (const layer of layers) workflow = layer.length === 1 ? workflow.then(step(layer[0])) : workflow.parallel(layer.map(step));
      return workflow.commit();
    },
    async run(workflow) {
      const run = await workflow.createRun();
      const result = await run.start({ inputData: {} });
      if (result.status !== 'success') throw new Error(`The workflow ended ${result.status}.`, { cause: result.error });
      return result;
    },
  };
};
