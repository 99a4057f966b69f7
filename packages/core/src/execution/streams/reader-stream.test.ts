import { pipeline, stage, streamed } from '@stageflow/core';
import type { VirtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { allOf } from '../../../test/all-of.ts';
import { timedStages } from '../../../test/timed-stages.ts';

/** Gives 0 to `count - 1`, one each `ms`. */
function counts(clock: VirtualClock, count: number, ms: number) {
  return stage('counts', {
    streams: true,
    run: async function* (_, { signal }) {
      for (let at = 0; at < count; at++) {
        if (ms > 0) await clock.sleep(ms, signal);
        yield at;
      }
      return count;
    },
  });
}

describe('another attempt of a reader', () => {
  test('reads all of it where the first had taken nothing', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3, 100);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      timeoutMs: 350,
      retry: { attempts: 2, baseMs: 0, jitter: 'none' },
      run: async ({ numbers }, { attempt, signal }) => (attempt === 1 ? clock.sleep(1_000, signal) : allOf(numbers)),
    });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: [0, 1, 2] });
  });

  test('fails where chunks are gone, and is not made a third time', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3, 100);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      timeoutMs: 150,
      retry: { attempts: 3, baseMs: 0, jitter: 'none' },
      run: ({ numbers }) => allOf(numbers),
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.stages.get('reader')?.attempts).toBe(2);
    expect(run.status === 'failed' && run.error.cause).toMatchObject({
      code: 'SF_STREAM_BROKEN',
      message: 'The chunks of "counts" that "reader" reads break off: 1 of its chunks has been read already.',
    });
  });

  test('fails where the first has left', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3, 100);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      retry: { attempts: 2, baseMs: 0, jitter: 'none' },
      run: async ({ numbers }, { attempt }) => {
        if (attempt === 2) return allOf(numbers);
        await numbers[Symbol.asyncIterator]().return?.();
        throw new Error('once more');
      },
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.status === 'failed' && (run.error.cause as Error).message).toContain('it has been left already');
  });
});

describe('the iterable of a reader', () => {
  test('can be gone through once', async () => {
    const { clock, see } = timedStages();
    const reader = stage('reader', {
      needs: { numbers: streamed(counts(clock, 3, 0)) },
      run: async ({ numbers }) => {
        await allOf(numbers);
        return allOf(numbers);
      },
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.status === 'failed' && (run.error.cause as Error).message).toContain('3 of its chunks have been read already');
  });

  test('goes on with the second of two that are begun', async () => {
    const { clock, see } = timedStages();
    const reader = stage('reader', {
      needs: { numbers: streamed(counts(clock, 3, 10)) },
      run: async ({ numbers }) => {
        const first = numbers[Symbol.asyncIterator]();
        const waiting = first.next().catch((error: Error) => error.message);
        const all = await allOf(numbers);
        const again = await first.next().catch((error: Error) => error.message);
        await first.return?.();
        return [await waiting, again, all];
      },
    });
    const second = expect.stringContaining('it is being gone through a second time');
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: [second, second, [0, 1, 2]] });
  });

  test('answers several that wait in the order they came, and lets all go at the end', async () => {
    const { clock, see } = timedStages();
    const reader = stage('reader', {
      needs: { numbers: streamed(counts(clock, 2, 10)) },
      run: async ({ numbers }) => {
        const iterator = numbers[Symbol.asyncIterator]();
        const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
        return [...results.map(({ value }) => value), (await iterator.next()).done, (await iterator.return?.())?.done];
      },
    });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: [0, 1, undefined, undefined, true, true] });
  });

  test('lets go of those that wait when it is left', async () => {
    const { clock, see } = timedStages();
    const reader = stage('reader', {
      needs: { numbers: streamed(counts(clock, 2, 10)) },
      run: async ({ numbers }) => {
        const iterator = numbers[Symbol.asyncIterator]();
        const waiting = iterator.next();
        await iterator.return?.();
        return [(await waiting).done, (await iterator.next()).done];
      },
    });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: [true, true] });
  });

  test('says that it broke off as often as it is asked', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield 1;
        throw new Error('no');
      },
    });
    const told: unknown[] = [];
    const reader = stage('reader', {
      needs: { chunks: streamed(producer) },
      run: async ({ chunks }) => {
        const iterator = chunks[Symbol.asyncIterator]();
        for (let at = 0; at < 3; at++) told.push(await iterator.next().catch(({ code }: { code: string }) => code));
      },
    });
    await see(pipeline('p', { outputs: { reader } }), {}, { failureMode: 'continue' });
    expect(told).toEqual([{ done: false, value: 1 }, 'SF_STREAM_BROKEN', 'SF_STREAM_BROKEN']);
  });

  test('shows chunks that nobody can change, in development', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield { token: 'a' };
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer) },
      run: async ({ chunks }) => {
        for await (const chunk of chunks) return Object.isFrozen(chunk);
        return undefined;
      },
    });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: true });
  });

  test('ends a producer that waits for its next attempt, when it is left', async () => {
    const { clock, see } = timedStages();
    const producer = stage('producer', {
      retry: { attempts: 2, baseMs: 1_000, jitter: 'none' },
      streams: true,
      run: async function* (_, { attempt }) {
        if (attempt === 1) throw new Error('not yet');
        yield 1;
      },
    });
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      run: async ({ numbers }, { signal }) => {
        await clock.sleep(10, signal);
        await numbers[Symbol.asyncIterator]().return?.();
        await clock.sleep(10, signal);
        return 'gone';
      },
    });
    const { run, events } = await see(pipeline('p', { outputs: { reader } }));
    expect(events.find(({ type }) => type === 'stage.skipped')).toMatchObject({ stage: 'producer', elapsedMs: 10 });
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 20 });
  });
});
