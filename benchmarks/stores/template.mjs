import { pipelineOf } from './contenders/stageflow.mjs';
import { seed } from './work.mjs';

/**
 * A run as core has kept it: what others are made of.
 *
 * @returns {Promise<{ pipeline: any, stored: any }>}
 */
export async function storedRun(core) {
  const pipeline = pipelineOf(core, 'stage');
  const store = core.memoryRunStore();
  const run = await core.createRuntime({ pipelines: [pipeline], store }).run(pipeline, { seed });
  if (run.status !== 'completed') throw new Error(`The run ended ${run.status}.`, { cause: run.error });
  return { pipeline, stored: await store.load(run.runId, undefined) };
}

/** The same run under another id, as it is created, with its first records. */
export function newRunOf({ pipeline, version, identity, input, createdAt }, runId, records = []) {
  return { runId, pipeline, version, identity: { ...identity, runId }, input, createdAt, records };
}

/** An id like those that core makes: in the order of `at`, and before all that are made now. */
export function oldId(at) {
  const hex = at.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${hex}`;
}
