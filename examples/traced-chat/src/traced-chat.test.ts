import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { context, propagation, trace } from '@opentelemetry/api';
import { createRuntime } from '@stageflow/core';
import { openTelemetry } from '@stageflow/otel';
import { describe, expect, test } from 'vitest';
import { otlpReceiver, profileServer } from './loopback.ts';
import { chat } from './pipeline.ts';
import { profilesAt, scriptedModel } from './services.ts';
import { startTracing } from './tracing.ts';

/** One turn, in a trace of its own. */
async function turn(text: string) {
  const [backend, profiles] = await Promise.all([otlpReceiver(), profileServer()]);
  const tracing = startTracing(backend.url);
  const telemetry = openTelemetry();
  const services = { model: scriptedModel(), profiles: profilesAt(profiles.url, telemetry) };
  const runtime = createRuntime({ pipelines: [chat], services, interceptors: [telemetry], sinks: [telemetry] });
  const run = await runtime.run(chat, { text, user: 'ada', city: 'Bern' });
  await runtime.close();
  const spans = tracing.spans();
  await tracing.stop();
  for (const api of [trace, context, propagation]) api.disable();
  await Promise.all([backend.close(), profiles.close()]);
  return { run, spans, received: backend.received, parents: profiles.parents };
}

describe('traced chat', () => {
  test('sends each span to the backend, all of one trace', async () => {
    const { run, spans, received } = await turn('Do I need a coat?');
    expect(run.outputs).toEqual({ answer: 'So: Ada, Bern: sunny' });
    const [traceId] = received.keys();
    expect([received.size, traceId]).toEqual([1, spans[0]?.spanContext().traceId]);
    expect(received.get(traceId ?? '')?.toSorted()).toEqual(spans.map(({ name }) => name).toSorted());
  });

  test('asks the profile service from within the attempt, so that it can go on with the trace', async () => {
    const { spans, parents } = await turn('Do I need a coat?');
    const attempts = spans.filter(({ name }) => name === 'attempt profile').map((span) => span.spanContext().spanId);
    expect(parents.map((parent) => parent?.split('-')[2])).toEqual(attempts);
    expect(attempts).toHaveLength(2);
  });

  test('shows what a guard has blocked, without what was said', async () => {
    const { run, spans } = await turn('You idiot');
    expect(run.status).toBe('blocked');
    expect(spans.map(({ name, attributes }) => [name, attributes['stageflow.status']])).toEqual([
      ['attempt polite', 'blocked'],
      ['guard polite', 'blocked'],
      ['invoke_workflow chat', 'blocked'],
    ]);
    expect(spans.at(-1)?.events.map(({ name }) => name)).toEqual(Array.from({ length: 4 }, () => 'stageflow.stage.skipped'));
    expect(JSON.stringify(spans.map(({ attributes, events }) => [attributes, events]))).not.toMatch(/idiot|rude/);
  });

  test('prints its spans when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed).toMatch(/^So: Ada, Bern: sunny\ninvoke_workflow chat \(status=completed\)\n {2}guard polite/);
    expect(printed).toContain('\n      execute_tool weather (status=completed)\n');
    expect(printed).toMatch(/16 spans of trace 0af7651916cd43dd8448eb211c80319c arrived over OTLP\n$/);
  });
});
