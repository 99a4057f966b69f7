import { inputs, pipeline, type Stage, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { expect, test } from 'vitest';

const { text } = inputs<{ text: string }>();

test('[166] [168] [169] a stage that is called runs with the values it is given, is reported, and told to the sink', async () => {
  const sink = recordingSink();
  const given = Object.freeze({ text: 'hi' });
  const shout = stage('shout', { needs: { text }, run: ({ text }) => text.toUpperCase() });
  const agent = stage('agent', { run: (_, { call }) => call(shout, given, { key: 'first' }) });

  const run = await pipeline('p', { outputs: { agent } }).run({}, { sinks: [sink] });

  expect(run).toMatchObject({ status: 'completed', outputs: { agent: 'HI' } });
  expect(run.stages.get('agent[first]/shout')).toMatchObject({ status: 'completed', durationMs: expect.any(Number) });
  expect(sink.about('shout').map(({ type }) => type)).toEqual(['stage.started', 'stage.completed']);
  expect(given).toEqual({ text: 'hi' });
});

test('[170] a call beyond the depth limit is refused, with the limit; one within it is not', async () => {
  let calls = 0;
  const deeper: Stage<number, never, never, Record<never, never>> = stage('deeper', {
    run: (_, { call }): Promise<number> => {
      calls++;
      return call(deeper, {});
    },
  });
  const agent = stage('agent', { run: (_, { call }) => call(deeper, {}) });

  const run = await pipeline('p', { outputs: { agent } }).run({}, { maxCallDepth: 3 });

  expect([run.status, calls]).toEqual(['failed', 3]);
  expect(run.errors.map(({ cause }) => (cause as { code?: string }).code)).toContain('SF_DEPTH_EXCEEDED');
  expect(run.errors.find(({ cause }) => (cause as { code?: string }).code === 'SF_DEPTH_EXCEEDED')?.cause).toMatchObject({
    details: { stage: 'deeper', callee: 'deeper', maxDepth: 3 },
  });
});
