/** The options of a variant: bare, or what a run has by default. */
export const optionsOf = { stageflow: { timings: false }, 'stageflow:default': undefined };

/**
 * Runs a pipeline with these options, and gives its one output.
 *
 * @param {{ run: (input: any, options: any) => Promise<any> }} pipeline
 */
export function runOf(pipeline, input, options) {
  return async () => {
    const run = await pipeline.run(input, options);
    if (run.status !== 'completed') throw new Error(`The run ended ${run.status}.`, { cause: run.error });
    return run.outputs.result;
  };
}

/**
 * What a person writes in place of `map`: as many workers as may be busy at once, over one iterator.
 *
 * @template Item, Result
 * @param {readonly Item[]} items
 * @param {number} limit
 * @param {(item: Item) => Result | Promise<Result>} task
 */
export async function mapByHand(items, limit, task) {
  /** @type {Result[]} */
  const results = new Array(items.length);
  const rest = items.entries();
  const worker = async () => {
    for (const [at, item] of rest) results[at] = await task(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
