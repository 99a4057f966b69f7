import { context, trace } from '@opentelemetry/api';
import { fail, pipeline, stage } from '@stageflow/core';
import { modelCalled, openTelemetry } from '@stageflow/otel';
import { expect, test } from 'vitest';

test('[187] without an SDK everything works, and nothing is recorded', async () => {
  const telemetry = openTelemetry();
  const recording: (boolean | undefined)[] = [];
  const flaky = stage('flaky', {
    kind: 'agent',
    retry: { attempts: 2, baseMs: 0 },
    run: (stageContext, { attempt, emit, identity, path }) => {
      recording.push(trace.getActiveSpan()?.isRecording());
      emit(modelCalled, { provider: 'p', model: 'm', durationMs: 1 });
      if (attempt === 1) return fail(new Error('no'));
      return [stageContext, telemetry.outgoing({ identity, path })];
    },
  });
  const options = { interceptors: [telemetry], sinks: [telemetry], runId: 'r-1' };
  const run = await telemetry.incoming({ traceparent: 'x' }, (identity) =>
    pipeline('p', { outputs: { flaky } }).run({}, { ...options, ...identity }),
  );
  expect(run.outputs).toEqual({ flaky: [{}, { 'x-pipeline-run-id': 'r-1' }] });
  expect(recording).toEqual([undefined, undefined]);
  expect(telemetry.watch({ sinks: {} })()).toBeUndefined();
  expect(trace.getSpan(context.active())).toBeUndefined();
});
