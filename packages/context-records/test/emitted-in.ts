import { type CustomEvent, createRuntime, pipeline, type StageContext, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';

/** The events of the host's own that `act` emits in a stage. */
export async function emittedIn(act: (context: StageContext) => unknown): Promise<readonly CustomEvent[]> {
  const sink = recordingSink();
  const p = pipeline('p', { outputs: { act: stage('act', { run: (_, context) => act(context) }) } });
  const runtime = createRuntime({ pipelines: [p], sinks: [sink] });
  const { status } = await runtime.run(p, {});
  if (status !== 'completed') throw new Error(`the run is ${status}`);
  await runtime.close();
  return sink.events.filter((event) => event.type === 'custom');
}
