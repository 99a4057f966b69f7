import { createRuntime } from '@stageflow/core';
import { openTelemetry } from '@stageflow/otel';
import { otlpReceiver, profileServer } from './loopback.ts';
import { chat } from './pipeline.ts';
import { profilesAt, scriptedModel } from './services.ts';
import { spanTree } from './span-tree.ts';
import { startTracing } from './tracing.ts';

const [backend, profiles] = await Promise.all([otlpReceiver(), profileServer()]);
const tracing = startTracing(backend.url);

const telemetry = openTelemetry();
const runtime = createRuntime({
  pipelines: [chat],
  services: { model: scriptedModel(), profiles: profilesAt(profiles.url, telemetry) },
  interceptors: [telemetry],
  sinks: [telemetry],
});

// As a request would bring them.
const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const input = { text: 'Do I need a coat?', user: 'ada', city: 'Bern' };
const run = await telemetry.incoming(headers, (identity) => runtime.run(chat, input, identity));
if (run.status === 'completed') console.log(run.outputs.answer);

await runtime.close();
console.log(spanTree(tracing.spans()).join('\n'));
await tracing.stop();
for (const [traceId, names] of backend.received) console.log(`${names.length} spans of trace ${traceId} arrived over OTLP`);
await Promise.all([backend.close(), profiles.close()]);
