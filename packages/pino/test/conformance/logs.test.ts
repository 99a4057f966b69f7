import { createRuntime, pipeline, stage } from '@stageflow/core';
import { pinoSink } from '@stageflow/pino';
import { expect, test, vi } from 'vitest';
import { writtenBy } from '../log-lines.ts';

const child = pipeline('child', { outputs: { work: stage('work', { run: () => 1 }) } });
let startBelow: (runId: string) => Promise<unknown>;
const spawn = stage('spawn', {
  run: async (_, { runId }) => {
    await startBelow(runId);
  },
});
const parent = pipeline('parent', { outputs: { spawn } });
const { logger, lines } = writtenBy();
const runtime = createRuntime({ pipelines: [parent, child], sinks: [pinoSink(logger)] });
startBelow = (runId) => runtime.run(child, {}, { parent: runId });

test('[139] lines of a child run name its parent, those of others do not, and a logger that throws changes no run', async () => {
  const run = await runtime.run(parent, {});
  const ofChild = lines().filter(({ pipeline }) => pipeline === 'child');
  expect(ofChild.length).toBeGreaterThan(0);
  expect(new Set(ofChild.map(({ parentRunId }) => parentRunId))).toEqual(new Set([run.runId]));
  expect(lines().filter((line) => line['pipeline'] === 'parent' && 'parentRunId' in line)).toEqual([]);

  const throwing = vi.fn(() => {
    throw new Error('no space left');
  });
  const broken = pinoSink({ debug: throwing, info: throwing, warn: throwing, error: throwing, child: throwing });
  expect((await child.run({}, { sinks: [broken] })).status).toBe('completed');
  expect(throwing).toHaveBeenCalled();
});

test('[176] the logging sink logs the type of each event at its level, also where it carries nothing', async () => {
  const { logger, lines } = writtenBy();
  await child.run({}, { sinks: [pinoSink(logger, { level: () => 'warn' })] });
  expect(lines().map(({ level, msg }) => [level, msg])).toEqual([
    [40, 'run.created'],
    [40, 'run.started'],
    [40, 'stage.started'],
    [40, 'stage.completed'],
    [40, 'run.completed'],
  ]);
});
