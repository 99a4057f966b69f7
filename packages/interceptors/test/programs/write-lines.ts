// Runs pipelines one after the other into a file of JSON lines, and says after each how many events the sink has had, and how many it could not write.
import { createRuntime } from '@stageflow/core';
import { jsonLinesSink } from '@stageflow/interceptors/sinks';
import { emitting } from '../events.ts';

const [path = '', runs = '0'] = process.argv.slice(2);
const emits = emitting(20);
const sink = jsonLinesSink({ path });
const runtime = createRuntime({ pipelines: [emits], sinks: [sink] });
for (let run = 0; run < Number(runs); run++) {
  const { status } = await runtime.run(emits, {}, { runId: `${run}` });
  const { delivered, failed } = runtime.sinks['json-lines'] ?? { delivered: 0, failed: 0 };
  process.stdout.write(`${JSON.stringify({ status, delivered, failed, code: sink.lastFailure?.code })}\n`);
}
await runtime.close();
