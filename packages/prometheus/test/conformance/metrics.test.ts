import { createRuntime, pipeline, stage } from '@stageflow/core';
import { prometheusMetrics } from '@stageflow/prometheus';
import { virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { valuesOf } from '../samples.ts';

test('[136] metrics are made from events: stages that run at once have times of their own, and nothing is kept of a run that ended', async () => {
  const clock = virtualClock();
  const metrics = prometheusMetrics();
  const short = stage('short', { run: () => clock.sleep(1_000) });
  const long = stage('long', { run: () => clock.sleep(5_000) });
  const both = pipeline('both', { outputs: { short, long } });
  await clock.settle(Promise.all([both.run({}, { clock, sinks: [metrics] }), both.run({}, { clock, sinks: [metrics] })]));
  expect(await valuesOf(metrics, 'stageflow_stage_duration_seconds_sum')).toEqual({
    'pipeline=both,stage=short,kind=transform,status=completed': 2,
    'pipeline=both,stage=long,kind=transform,status=completed': 10,
  });
  expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=both': 0 });
});

test('[173] runs below others are counted as they begin and end, from nothing, up and down again', async () => {
  const clock = virtualClock();
  const metrics = prometheusMetrics();
  const child = pipeline('child', { outputs: { wait: stage('wait', { run: () => clock.sleep(100) }) } });
  let startBelow: (runId: string) => Promise<unknown> = async () => undefined;
  const spawn = stage('spawn', {
    run: async (_, { runId }) => {
      await Promise.all([1, 2, 3].map(() => startBelow(runId)));
    },
  });
  const parent = pipeline('parent', { outputs: { spawn } });
  const runtime = createRuntime({ pipelines: [parent, child], sinks: [metrics], clock });
  startBelow = (runId) => runtime.run(child, {}, { parent: runId });
  expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({});
  const run = runtime.run(parent, {});
  await clock.advance(50);
  expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=parent': 1, 'pipeline=child': 3 });
  expect((await clock.settle(run)).status).toBe('completed');
  expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=parent': 0, 'pipeline=child': 0 });
  expect(await valuesOf(metrics, 'stageflow_runs_total')).toMatchObject({ 'pipeline=child,status=completed': 3 });
  await runtime.close();
});
