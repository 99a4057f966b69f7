import { pipeline, type Stage, stage, streamed } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { allOf } from '../../../test/all-of.ts';
import { timedStages } from '../../../test/timed-stages.ts';

/** Gives a and b. */
function letters(): ReadableStream<string> {
  return new ReadableStream({
    start(controller) {
      for (const letter of ['a', 'b']) controller.enqueue(letter);
      controller.close();
    },
  });
}

describe('a function that streams', () => {
  test('may return any async iterable, and then yields nothing at its end', async () => {
    const { see } = timedStages();
    const producer = stage('producer', { streams: true, run: () => letters() });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    const { run } = await see(pipeline('p', { outputs: { producer, reader } }));
    expect(run.outputs).toEqual({ producer: undefined, reader: ['a', 'b'] });
  });

  test('may come to an async iterable later', async () => {
    const { see } = timedStages();
    const producer = stage('producer', { streams: true, run: async () => letters() });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: ['a', 'b'] });
  });

  test('may hand out its chunks itself, whether it answers at once or later', async () => {
    const { see } = timedStages();
    const atOnce = stage('at-once', {
      streams: true,
      run: (_, { emitChunk }) => {
        void emitChunk('a');
        return 'one';
      },
    });
    const later = stage('later', {
      streams: true,
      run: async (_, { emitChunk }) => {
        await emitChunk('b');
        return 'two';
      },
    });
    const reader = stage('reader', {
      needs: { one: streamed(atOnce), two: streamed(later) },
      run: async ({ one, two }) => [await allOf(one), await allOf(two)],
    });
    const { run } = await see(pipeline('p', { outputs: { atOnce, later, reader } }));
    expect(run.outputs).toEqual({ atOnce: 'one', later: 'two', reader: [['a'], ['b']] });
  });

  test('has its generator left where nobody takes the next chunk, and what that throws does not count', async () => {
    const { see } = timedStages();
    let left = 0;
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        try {
          for (;;) yield 1;
        } finally {
          left++;
          // biome-ignore lint/correctness/noUnsafeFinally: that is the case.
          throw new Error('no way out');
        }
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer) },
      run: async ({ chunks }) => {
        for await (const chunk of chunks) return chunk;
        return 0;
      },
    });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(left).toBe(1);
    expect(run.outputs).toEqual({ reader: 1 });
    expect(ends['producer']).toBe('skipped');
  });

  test('is left also where its iterator cannot be left', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: (): AsyncIterable<number> => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 1 }) }) }),
    });
    const reader: Stage = stage('reader', { needs: { chunks: streamed(producer) }, run: () => 'gone' });
    const { ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(ends).toEqual({ producer: 'skipped', reader: 'completed' });
  });

  test('fails like any other where it throws before it returns', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: (): AsyncIterable<number> => {
        throw new Error('no line');
      },
    });
    const { run } = await see(pipeline('p', { outputs: { producer } }));
    expect(run.status === 'failed' && run.error.message).toContain('no line');
  });
});
