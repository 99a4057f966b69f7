import { createRuntime } from '@stageflow/core';
import { consoleSink } from '@stageflow/interceptors/sinks';
import { counting } from './pipeline.ts';

// The sink prints the trace of each run: what started, what was skipped and why, what took how long.
const runtime = createRuntime({ pipelines: [counting], sinks: [consoleSink()] });

for (const input of [{ text: 'to be or not to be', userId: '7' }, { text: 'that is the question' }]) {
  const run = await runtime.run(counting, input);
  if (run.status === 'completed') console.log(run.outputs.reply);
  else process.exitCode = 1;
}
await runtime.close();
