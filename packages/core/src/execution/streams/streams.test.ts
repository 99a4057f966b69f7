import { createRuntime, memoryRunStore, pipeline, type RegisteredPipeline, stage, streamed } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { allOf } from '../../../test/all-of.ts';

/** Runtimes that share a store, as two processes do. */
function processes(made: RegisteredPipeline<never>, clock = virtualClock()) {
  const store = memoryRunStore();
  const make = () => createRuntime({ pipelines: [made], store, makeId: () => 'r', clock });
  return { first: make(), second: make(), clock };
}

/** Gives a chunk, waits for an answer, and gives that. */
const asks = stage('asks', {
  streams: true,
  run: async function* (_, { waitFor }) {
    yield 'one';
    yield await waitFor('word', { schema: z.string() });
  },
});

const reads = stage('reads', { needs: { words: streamed(asks) }, run: ({ words }) => allOf(words) });

describe('streams of a run that is kept', () => {
  test('flow as in any other', async () => {
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield* [1, 2, 3];
      },
    });
    const reader = stage('reader', {
      needs: { numbers: streamed(producer, { capacity: 1 }) },
      run: ({ numbers }) => allOf(numbers),
    });
    const made = pipeline('p', { outputs: { reader } });
    expect((await processes(made).first.run(made, {})).outputs).toEqual({ reader: [1, 2, 3] });
  });

  test('suspend it where the reader waits for a producer that waits for an answer, and begin anew when it is resumed', async () => {
    const made = pipeline('p', { outputs: { reads } });
    const { first, second } = processes(made);
    const run = await first.run(made, {});
    expect(run.status).toBe('suspended');
    await second.decide('r/asks#word', 'two');
    const resumed = await second.resume('r');
    expect(resumed).toMatchObject({ status: 'completed', outputs: { reads: ['one', 'two'] } });
  });

  test('go on where the answer comes while something else runs', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: (_, { signal }) => clock.sleep(100, signal) });
    const made = pipeline('p', { outputs: { reads, slow } });
    const { first } = processes(made, clock);
    const running = first.run(made, {});
    await clock.advance(10);
    await first.decide('r/asks#word', 'two');
    const run = await clock.settle(running);
    expect(run).toMatchObject({ status: 'completed', outputs: { reads: ['one', 'two'] } });
  });

  test('are broken for a reader that goes on after its producer had ended in an earlier activation', async () => {
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield 1;
      },
    });
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      run: async ({ numbers }, { waitFor }) => {
        const got = await allOf(numbers);
        return `${got} ${await waitFor('word', { schema: z.string() })}`;
      },
    });
    const made = pipeline('p', { outputs: { reader, producer } });
    const { first, second } = processes(made);
    expect((await first.run(made, {})).status).toBe('suspended');
    await second.decide('r/reader#word', 'go');
    const run = await second.resume('r');
    expect(run.stages.get('producer')).toMatchObject({ status: 'completed', attempts: 1 });
    expect(run.status === 'failed' && (run.error.cause as Error).message).toBe(
      'The chunks of "producer" that "reader" reads break off: it ended in an earlier activation of the run.',
    );
  });

  test('lend no slot where a called stage waits, which has none of its own', async () => {
    const clock = virtualClock();
    const producer = stage('producer', {
      streams: true,
      run: async function* (_, { signal }) {
        for (const at of [1, 2, 3]) {
          await clock.sleep(10, signal);
          yield at;
        }
      },
    });
    const passesOn = stage('passes-on', {
      needs: { numbers: streamed(producer) },
      run: ({ numbers }, { call }) =>
        call(stage('inner', { needs: { numbers: streamed(producer) }, run: ({ numbers }) => allOf(numbers) }), { numbers }),
    });
    const made = pipeline('p', { outputs: { passesOn } });
    const run = await clock.settle(made.run({}, { clock, maxConcurrency: 1 }));
    expect(run.outputs).toEqual({ passesOn: [1, 2, 3] });
  });
});
