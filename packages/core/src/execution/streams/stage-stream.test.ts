import {
  cached,
  type Interceptor,
  pipeline,
  type RunEvent,
  type StageContext,
  type StagePolicy,
  type StreamedOptions,
  type StreamOptions,
  settled,
  stage,
  streamed,
} from '@stageflow/core';
import type { VirtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { allOf } from '../../../test/all-of.ts';
import { timedStages } from '../../../test/timed-stages.ts';

/** Gives 0 to `count - 1`, one each `ms`. */
function counts(clock: VirtualClock, count: number, ms: number, streams: StreamOptions = {}, policy: StagePolicy = {}) {
  return stage('counts', {
    ...policy,
    streams,
    run: async function* (_, { signal }) {
      for (let at = 0; at < count; at++) {
        if (ms > 0) await clock.sleep(ms, signal);
        yield at;
      }
      return count;
    },
  });
}

/** Takes one chunk each `ms`. */
function takesEach(clock: VirtualClock, ms: number, producer: ReturnType<typeof counts>, options: StreamedOptions) {
  return stage('reader', {
    needs: { numbers: streamed(producer, options) },
    run: async ({ numbers }, { signal }) => {
      const got: number[] = [];
      for await (const number of numbers) {
        got.push(number);
        await clock.sleep(ms, signal);
      }
      return got;
    },
  });
}

function closings(events: readonly RunEvent[]) {
  return events.filter((event) => event.type === 'stream.closed');
}

describe('a full buffer', () => {
  test('makes the producer wait under block: 1,000 chunks go through 10 places', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 1_000, 0);
    const { run, events } = await see(pipeline('p', { outputs: { reader: takesEach(clock, 1, producer, { capacity: 10 }) } }));
    expect(run.outputs).toEqual({ reader: Array.from({ length: 1_000 }, (_, at) => at) });
    expect(closings(events)).toMatchObject([
      { chunks: 1_000, blockedMs: 989, readers: [{ reader: 'reader', delivered: 1_000, dropped: 0, unread: 0, highWaterMark: 10 }] },
    ]);
  });

  test.each([
    ['drop-oldest', [0, 4, 5]],
    ['drop-newest', [0, 1, 2]],
  ] as const)('loses chunks under %s, and says so once and in the end', async (overflow, expected) => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 6, 10);
    const { run, events } = await see(pipeline('p', { outputs: { reader: takesEach(clock, 100, producer, { capacity: 2, overflow }) } }));
    expect(run.outputs).toEqual({ reader: expected });
    expect(events.filter(({ type }) => type === 'stream.overflowed')).toMatchObject([{ path: 'counts', reader: 'reader', attempt: 1 }]);
    expect(closings(events)).toMatchObject([{ chunks: 6, blockedMs: 0, readers: [{ delivered: 3, dropped: 3, unread: 0 }] }]);
  });

  test('fails the producer under error', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 6, 10);
    const reader = takesEach(clock, 100, producer, { capacity: 2, overflow: 'error' });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run).toMatchObject({
      status: 'failed',
      error: { code: 'SF_STREAM_OVERFLOW', path: 'counts', details: { stage: 'counts', reader: 'reader', capacity: 2 } },
    });
  });

  test('fails the producer when it has waited for putTimeoutMs', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 6, 10);
    const reader = takesEach(clock, 1_000, producer, { capacity: 1, putTimeoutMs: 50 });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    // The first is taken at once, the second waits in the buffer, the third at the door.
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STREAM_PUT_TIMEOUT', attempt: 1 }, elapsedMs: 80 });
  });

  test('fails the producer also where that takes no notice', async () => {
    const { clock, see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async (_, { emitChunk }) => {
        for (let at = 0; at < 5; at++) await emitChunk(at).catch(() => {});
        return 'all is well';
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer, { capacity: 1, putTimeoutMs: 50 }) },
      run: (_, { signal }) => clock.sleep(1_000, signal),
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STREAM_PUT_TIMEOUT' } });
  });

  test('does not fail a producer whose reader takes each chunk in time', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 6, 0);
    const { run } = await see(pipeline('p', { outputs: { reader: takesEach(clock, 40, producer, { capacity: 1, putTimeoutMs: 50 }) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { reader: [0, 1, 2, 3, 4, 5] } });
    expect(clock.pending).toBe(0);
  });

  test('lets the producer go on when the reader leaves', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 6, 0);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer, { capacity: 1, putTimeoutMs: 500 }) },
      run: (_, { signal }) => clock.sleep(100, signal),
    });
    const { run, events } = await see(pipeline('p', { outputs: { reader, producer } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { producer: 6 }, elapsedMs: 100 });
    expect(closings(events)).toMatchObject([{ chunks: 6, blockedMs: 100, readers: [{ delivered: 0, unread: 1 }] }]);
    expect(clock.pending).toBe(0);
  });

  test('takes in the end what was put without waiting', async () => {
    const { clock, see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: (_, { emitChunk }) => {
        for (let at = 0; at < 5; at++) void emitChunk(at);
        return 'done';
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer, { capacity: 2, putTimeoutMs: 10 }) },
      run: async ({ chunks }, { signal }) => {
        await clock.sleep(100, signal);
        return allOf(chunks);
      },
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.outputs).toEqual({ reader: [0, 1, 2, 3, 4] });
  });
});

describe('an aborted producer', () => {
  test('is released from its wait when the run is cancelled, and leaves its generator', async () => {
    const { clock, see } = timedStages();
    let left = false;
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        try {
          for (;;) yield 1;
        } finally {
          left = true;
        }
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: (_, { signal }) => clock.sleep(10_000, signal) });
    const controller = new AbortController();
    clock.schedule(() => controller.abort(new Error('hung up')), 50);
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }), {}, { signal: controller.signal });
    expect(run).toMatchObject({ status: 'cancelled', elapsedMs: 50, unsettled: [] });
    expect(ends).toEqual({ producer: 'cancelled', reader: 'cancelled' });
    expect(left).toBe(true);
  });

  test('stops a reader that waits for its next chunk, when the run is cancelled', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3, 1_000);
    const reader = stage('reader', { needs: { numbers: streamed(producer) }, run: ({ numbers }) => allOf(numbers) });
    const controller = new AbortController();
    clock.schedule(() => controller.abort(), 50);
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }), {}, { signal: controller.signal });
    expect(run).toMatchObject({ status: 'cancelled', elapsedMs: 50, unsettled: [] });
    expect(ends['reader']).toBe('cancelled');
  });

  test('gives a reader that asks after the run was stopped no more', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3, 0);
    const told: unknown[] = [];
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      run: async ({ numbers }) => {
        const iterator = numbers[Symbol.asyncIterator]();
        await clock.sleep(100);
        told.push(await iterator.next().catch((error: unknown) => error));
        told.push(
          await numbers[Symbol.asyncIterator]()
            .next()
            .catch((error: unknown) => error),
        );
      },
    });
    const why = new Error('hung up');
    const controller = new AbortController();
    clock.schedule(() => controller.abort(why), 50);
    await see(pipeline('p', { outputs: { reader } }), {}, { signal: controller.signal });
    expect(told).toEqual([why, why]);
  });

  test('breaks off with its timeout, after the chunks that came in time', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 10, 200, { keepPartial: true }, { timeoutMs: 2_000 - 1 });
    const reader = stage('reader', { needs: { numbers: streamed(producer) }, run: ({ numbers }) => allOf(numbers) });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { failureMode: 'continue' });
    expect(run.stages.get('counts')).toMatchObject({
      chunks: 9,
      outcome: { status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' }, partial: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
    });
    expect(run.stages.get('reader')?.outcome).toMatchObject({ error: { cause: { cause: { code: 'SF_STAGE_TIMEOUT' } } } });
  });
});

describe('partial chunks', () => {
  test('are kept when the run is cancelled', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 20, 200, { keepPartial: true });
    const controller = new AbortController();
    clock.schedule(() => controller.abort(), 7 * 200 + 1);
    const { run } = await see(pipeline('p', { outputs: { producer } }), {}, { signal: controller.signal });
    expect(run.stages.get('counts')).toMatchObject({ chunks: 7, outcome: { status: 'cancelled', partial: [0, 1, 2, 3, 4, 5, 6] } });
  });

  test('reach a settled reader', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 20, 200, { keepPartial: true }, { timeoutMs: 500 });
    const rescue = stage('rescue', {
      needs: { whole: settled(producer) },
      run: ({ whole }) => (whole.status === 'failed' ? whole.partial : undefined),
    });
    expect((await see(pipeline('p', { outputs: { rescue } }))).run.outputs).toEqual({ rescue: [0, 1] });
  });

  test('are not kept unless asked for, but counted', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 20, 200, {}, { timeoutMs: 500 });
    const report = (await see(pipeline('p', { outputs: { producer } }))).run.stages.get('counts');
    expect(report?.chunks).toBe(2);
    expect(report?.outcome).not.toHaveProperty('partial');
  });

  test('are those of the last attempt', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      retry: { attempts: 2, baseMs: 0 },
      streams: { keepPartial: true },
      run: async function* (_, { attempt }) {
        yield attempt * 10;
        if (attempt === 1) yield 11;
        throw new Error('no');
      },
    });
    expect((await see(pipeline('p', { outputs: { producer } }))).run.stages.get('producer')).toMatchObject({
      chunks: 1,
      outcome: { partial: [20] },
    });
  });

  test('are not said of a stage that does not stream, or did not start', async () => {
    const { see, fails } = timedStages();
    const producer = stage('producer', { needs: { before: fails('before', 0) }, streams: true, run: async function* () {} });
    const { run } = await see(pipeline('p', { outputs: { producer } }));
    expect(run.stages.get('before')).not.toHaveProperty('chunks');
    expect(run.stages.get('producer')?.chunks).toBeUndefined();
  });
});

describe('another attempt of a producer', () => {
  /** Fails at its first attempt, after as many chunks. */
  const stumbles = (clock: VirtualClock, after: number) =>
    stage('producer', {
      retry: { attempts: 2, baseMs: 100, jitter: 'none' },
      streams: true,
      run: async function* (_, { attempt, signal }) {
        for (let at = 0; at < 3; at++) {
          if (attempt === 1 && at === after) throw new Error('stumbled');
          await clock.sleep(10, signal);
          yield `${attempt}.${at}`;
        }
      },
    });

  test('is not noticed by a reader that has taken nothing', async () => {
    const { clock, see, takes } = timedStages();
    const producer = stumbles(clock, 2);
    const reader = stage('reader', {
      needs: { chunks: streamed(producer), slow: takes('slow', 50) },
      run: async ({ chunks }, { signal }) => {
        await clock.sleep(100, signal);
        return allOf(chunks);
      },
    });
    const { run, events } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.outputs).toEqual({ reader: ['2.0', '2.1', '2.2'] });
    expect(closings(events)).toMatchObject([
      { attempt: 1, chunks: 2, readers: [{ delivered: 0 }] },
      { attempt: 2, chunks: 3, readers: [{ delivered: 3, dropped: 0, unread: 0 }] },
    ]);
    expect(events.filter(({ type }) => type === 'stream.opened')).toMatchObject([{ attempt: 1, readers: 1 }, { attempt: 2 }]);
  });

  test('is not noticed by one that waits for its first chunk', async () => {
    const { clock, see } = timedStages();
    const reader = stage('reader', { needs: { chunks: streamed(stumbles(clock, 0)) }, run: ({ chunks }) => allOf(chunks) });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: ['2.0', '2.1', '2.2'] });
  });

  test.each([1, 2])('breaks off what a reader has taken %i of', async (after) => {
    const { clock, see } = timedStages();
    const reader = stage('reader', { needs: { chunks: streamed(stumbles(clock, after)) }, run: ({ chunks }) => allOf(chunks) });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.status === 'failed' && run.error.cause).toMatchObject({ code: 'SF_STREAM_BROKEN', retryable: true });
    expect(run.status === 'failed' && (run.error.cause as Error).message).toContain(
      `after ${after} of its chunks w${after === 1 ? 'as' : 'ere'} read`,
    );
  });

  test('is read from its beginning by a reader that is tried again as well', async () => {
    const { clock, see } = timedStages();
    const reader = stage('reader', {
      needs: { chunks: streamed(stumbles(clock, 2)) },
      retry: { attempts: 2, baseMs: 0 },
      run: ({ chunks }) => allOf(chunks),
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.outputs).toEqual({ reader: ['2.0', '2.1', '2.2'] });
    expect(run.stages.get('reader')?.attempts).toBe(2);
  });

  test('takes nothing from the one before', async () => {
    const { clock, see } = timedStages();
    const told: unknown[] = [];
    let first: StageContext | undefined;
    const producer = stage('producer', {
      retry: { attempts: 2, baseMs: 0 },
      streams: true,
      run: async (_, context) => {
        if (context.attempt === 1) {
          first = context;
          // Nobody waits for these; the reader has no room for the second.
          void context.emitChunk('a');
          told.push(context.emitChunk('b').catch(({ code }) => code));
          throw new Error('no');
        }
        told.push(first?.emitChunk('late').catch(({ code }) => code));
        await context.emitChunk('c');
        return 1;
      },
    });
    const reader = stage('reader', {
      needs: {
        chunks: streamed(producer, { capacity: 1 }),
        last: stage('last', { run: () => clock.sleep(5) }),
      },
      run: ({ chunks }) => allOf(chunks),
    });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: ['c'] });
    expect(await Promise.all(told)).toEqual(['SF_STREAM_CLOSED', 'SF_STREAM_CLOSED']);
  });
});

describe('context.emitChunk', () => {
  test('throws at once where the stage does not say that it streams', async () => {
    const { see } = timedStages();
    const plain = stage('plain', {
      run: (_, { emitChunk }) => {
        void emitChunk(1);
      },
    });
    const { run } = await see(pipeline('p', { outputs: { plain } }));
    expect(run.status === 'failed' && run.error.cause).toMatchObject({ code: 'SF_STREAM_UNDECLARED' });
  });

  test('rejects after its attempt has ended, and is no crash where nobody waits', async () => {
    const { clock, see } = timedStages();
    let late: Promise<unknown> | undefined;
    const producer = stage('producer', {
      streams: true,
      run: (_, { emitChunk }) => {
        clock.schedule(() => {
          late = emitChunk(2).catch(({ code }) => code);
          void emitChunk(3);
        }, 50);
      },
    });
    await see(pipeline('p', { outputs: { producer, slow: timedSlow(clock) } }));
    expect(await late).toBe('SF_STREAM_CLOSED');
  });

  test('rejects with what its attempt was aborted for', async () => {
    const { clock, see } = timedStages();
    let told: Promise<unknown> | undefined;
    const producer = stage('producer', {
      timeoutMs: 10,
      streams: true,
      run: async (_, { emitChunk, signal }) => {
        await clock.sleep(100, signal).catch(() => {});
        told = emitChunk(1).catch(({ code }) => code);
      },
    });
    await see(pipeline('p', { outputs: { producer } }));
    expect(await told).toBe('SF_STAGE_TIMEOUT');
  });

  test('is a sign of life, and so is the end of a wait', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 5, 40, {}, { idleMs: 50 });
    expect((await see(pipeline('p', { outputs: { producer } }))).run.status).toBe('completed');
    const blocked = counts(clock, 5, 0, {}, { idleMs: 50 });
    const { run } = await see(pipeline('p', { outputs: { reader: takesEach(clock, 40, blocked, { capacity: 1 }) } }));
    expect(run.status).toBe('completed');
  });

  test('checks chunks against their contract, and hands on what that makes of them', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: { chunk: z.string().transform((word) => word.length) },
      run: async (_, { emitChunk }) => {
        for (const word of ['a', 'bcd']) await emitChunk(word);
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: [1, 3] });
  });

  test('fails the stage where a chunk breaks its contract', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: { chunk: z.string() },
      run: async function* () {
        yield 'a';
        yield 2;
      },
    });
    const { run } = await see(pipeline('p', { outputs: { producer } }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_OUTPUT_INVALID' } });
    expect(run.status === 'failed' && run.error.message).toContain('chunk 1: ');
  });

  test('fails the stage where the contract answers with a promise', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: { chunk: z.string().refine(async () => true) },
      run: async function* () {
        yield 'a';
      },
    });
    const { run } = await see(pipeline('p', { outputs: { producer } }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_SCHEMA_ASYNC' } });
  });
});

describe('a stage that waits for the other side of a stream', () => {
  test('lends its slot, so that two of them need only one', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 10, 0);
    const reader = takesEach(clock, 1, producer, { capacity: 2 });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { maxConcurrency: 1 });
    expect(run).toMatchObject({ status: 'completed', outputs: { reader: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } });
  });

  test('takes it back: the limit holds for what comes after', async () => {
    const { clock, see, takes } = timedStages();
    const producer = counts(clock, 4, 10);
    const reader = stage('reader', { needs: { numbers: streamed(producer) }, run: ({ numbers }) => allOf(numbers) });
    const outputs = { reader, one: takes('one', 100, { reader }), two: takes('two', 100, { reader }) };
    const { starts } = await see(pipeline('p', { outputs }), {}, { maxConcurrency: 1 });
    expect(starts).toMatchObject({ one: 40, two: 140 });
  });
});

describe('interceptors around a producer', () => {
  test('that have its value break the chunks off, as there are none', async () => {
    const { clock, see } = timedStages();
    const memo: Interceptor = {
      name: 'memo',
      stage: async ({ stage }, next) => (stage === 'counts' ? cached(7) : next()),
    };
    const reader = stage('reader', { needs: { numbers: streamed(counts(clock, 3, 10)) }, run: ({ numbers }) => allOf(numbers) });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { interceptors: [memo] });
    expect(run.status === 'failed' && (run.error.cause as Error).message).toContain('an interceptor had its value, so that it gave none');
  });

  test('leave the chunks alone otherwise', async () => {
    const { clock, see } = timedStages();
    const through: Interceptor = { name: 'through', stage: (_, next) => next(), attempt: (_, next) => next() };
    const reader = stage('reader', { needs: { numbers: streamed(counts(clock, 3, 10)) }, run: ({ numbers }) => allOf(numbers) });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { interceptors: [through] });
    expect(run.outputs).toEqual({ reader: [0, 1, 2] });
  });
});

function timedSlow(clock: VirtualClock) {
  return stage('slow', { run: (_, { signal }) => clock.sleep(100, signal) });
}
