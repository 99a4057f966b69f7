// What every platform must be able to do with the packed core. Imports nothing, so that it runs wherever core runs.

/**
 * Runs a pipeline of two stages and checks its result.
 *
 * @param {typeof import('@stageflow/core')} core
 * @returns {Promise<string>} What the pipeline gave.
 * @throws If the run did not complete with the expected output.
 */
export async function runSmoke({ inputs, stage, pipeline }) {
  const { name } = /** @type {ReturnType<typeof inputs<{ name: string }>>} */ (inputs());
  const greet = stage('greet', { needs: { name }, run: ({ name }) => `Hello, ${name}` });
  const shout = stage('shout', { needs: { greet }, run: async ({ greet }) => greet.toUpperCase() });
  const run = await pipeline('smoke', { outputs: { shout } }).run({ name: 'Ada' });
  if (run.status !== 'completed') throw new Error(`The run ended as ${run.status}.`);
  if (run.outputs.shout !== 'HELLO, ADA') throw new Error(`The run gave ${JSON.stringify(run.outputs)}.`);
  return run.outputs.shout;
}
