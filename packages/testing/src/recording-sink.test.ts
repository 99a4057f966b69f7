import { createRuntime, inputs, pipeline, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { recordingSink } from './recording-sink.ts';

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: ({ text }) => text });
const second = stage('second', { needs: { first }, run: async ({ first }, { progress }) => `${first}${typeof progress}` });
const chain = pipeline('chain', { outputs: { second } });

describe('recordingSink()', () => {
  test('has every event when the run resolves', async () => {
    const sink = recordingSink();
    await chain.run({ text: 'a' }, { sinks: [sink] });
    expect(sink.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(sink.events.at(-1)?.type).toBe('run.completed');
  });

  test('finds events by type and by stage', async () => {
    const sink = recordingSink();
    await chain.run({ text: 'a' }, { sinks: [sink] });
    expect(sink.of('stage.completed').map(({ stage }) => stage)).toEqual(['first', 'second']);
    expect(sink.last('stage.completed')?.stage).toBe('second');
    expect(sink.about('first').map(({ type }) => type)).toEqual(['stage.started', 'stage.completed']);
    expect(sink.of('stage.failed')).toEqual([]);
    expect(sink.last('stage.failed')).toBeUndefined();
  });

  test('keeps the runs of a runtime until it is cleared', async () => {
    const sink = recordingSink('mine');
    const runtime = createRuntime({ pipelines: [chain], sinks: [sink] });
    await runtime.run(chain, { text: 'a' });
    await runtime.run(chain, { text: 'b' });
    expect(sink.of('run.completed')).toHaveLength(2);
    sink.clear();
    expect(sink.events).toEqual([]);
    await runtime.run(chain, { text: 'c' });
    expect(sink.of('run.completed')).toHaveLength(1);
    expect(Object.keys(runtime.sinks)).toEqual(['mine']);
  });
});
