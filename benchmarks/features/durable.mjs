import { chainOf } from './chain-of.mjs';
import { optionsOf, runOf } from './run-of.mjs';

/** A chain whose every stage is recorded. The runtime is made anew for each run, with or without a store, so that no store fills up. */
export default (core, count) => {
  const kept = (store) => async () => {
    const pipeline = chainOf(core, count);
    const run = runOf(
      { run: (input, options) => core.createRuntime({ pipelines: [pipeline], store: store() }).run(pipeline, input, options) },
      {},
      optionsOf.stageflow,
    );
    return { run: async () => (await run()).v, yields: count - 1 };
  };
  return { none: kept(() => undefined), stageflow: kept(() => core.memoryRunStore()) };
};
