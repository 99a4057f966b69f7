import {
  branch,
  cancel,
  createRuntime,
  fail,
  map,
  optional,
  pipeline,
  type RunEvent,
  route,
  type StreamedOptions,
  settled,
  skip,
  stage,
  streamed,
} from '@stageflow/core';
import { type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { allOf } from '../test/all-of.ts';
import { timedStages } from '../test/timed-stages.ts';

/** Yields 0 to `count - 1`, one each `ms`, and then how many it were. */
function counts(clock: VirtualClock, count: number, ms = 10, streams: { publish?: boolean; keepPartial?: boolean } = {}) {
  return stage('counts', {
    streams,
    run: async function* (_, { signal }) {
      for (let at = 0; at < count; at++) {
        await clock.sleep(ms, signal);
        yield at;
      }
      return count;
    },
  });
}

type Counts = ReturnType<typeof counts>;

/** Reads all, and yields what it got. */
function reads(name: string, producer: Counts, options?: StreamedOptions) {
  return stage(name, {
    needs: { numbers: streamed(producer, options) },
    run: async ({ numbers }) => {
      const got: number[] = [];
      for await (const number of numbers) got.push(number);
      return got;
    },
  });
}

describe('a streamed edge', () => {
  test('starts its reader with its producer, and hands on each chunk as it comes', async () => {
    const { clock, see } = timedStages();
    const seen: [number, number][] = [];
    const producer = counts(clock, 3);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      run: async ({ numbers }) => {
        for await (const number of numbers) seen.push([number, clock.monotonic()]);
        return seen.length;
      },
    });
    const { run, starts } = await see(pipeline('p', { outputs: { producer, reader } }));
    expect(starts).toEqual({ counts: 0, reader: 0 });
    expect(seen).toEqual([
      [0, 10],
      [1, 20],
      [2, 30],
    ]);
    expect(run).toMatchObject({ status: 'completed', outputs: { producer: 3, reader: 3 } });
  });

  test('lets the caller see a token before the model has ended', async () => {
    const clock = virtualClock();
    const model = counts(clock, 3, 10, { publish: true });
    const answer = stage('answer', { needs: { model }, run: ({ model }) => `${model} tokens` });
    const chat = pipeline('chat', { outputs: { answer } });
    const handle = createRuntime({ pipelines: [chat], clock }).start(chat, {});
    const events: RunEvent[] = [];
    const reading = (async () => {
      for await (const event of handle.events()) events.push(event);
    })();
    await clock.settle(Promise.all([handle.result, reading]));
    const types = events.map(({ type }) => type);
    expect(types.indexOf('stream.chunk')).toBeGreaterThan(0);
    expect(types.indexOf('stream.chunk')).toBeLessThan(types.indexOf('stage.completed'));
    expect(events.filter(({ type }) => type === 'stream.chunk')).toMatchObject([
      { index: 0, chunk: 0, elapsedMs: 10, stage: 'counts', attempt: 1 },
      { index: 1, chunk: 1, elapsedMs: 20 },
      { index: 2, chunk: 2, elapsedMs: 30 },
    ]);
  });

  test('waits for the other needs of its reader, and keeps the chunks that come meanwhile', async () => {
    const { clock, see, takes } = timedStages();
    const producer = counts(clock, 3);
    const slow = takes('slow', 100);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer), slow },
      run: async ({ numbers }) => {
        const got: number[] = [];
        for await (const number of numbers) got.push(number);
        return got;
      },
    });
    const { run, starts } = await see(pipeline('p', { outputs: { reader } }));
    expect(starts['reader']).toBe(100);
    expect(run.outputs).toEqual({ reader: [0, 1, 2] });
  });

  test('gives each of several readers every chunk, each at its own pace', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 5);
    const slow = stage('slow', {
      needs: { numbers: streamed(producer, { capacity: 1 }) },
      run: async ({ numbers }) => {
        const got: number[] = [];
        for await (const number of numbers) {
          await clock.sleep(100);
          got.push(number);
        }
        return got;
      },
    });
    const { run, events } = await see(pipeline('p', { outputs: { fast: reads('fast', producer), slow } }));
    expect(run.outputs).toEqual({ fast: [0, 1, 2, 3, 4], slow: [0, 1, 2, 3, 4] });
    expect(events.find(({ type }) => type === 'stream.closed')).toMatchObject({
      chunks: 5,
      readers: [
        { reader: 'fast', delivered: 5, highWaterMark: 1 },
        { reader: 'slow', delivered: 5, highWaterMark: 1 },
      ],
    });
  });

  test('carries chunks through a stage that streams itself', async () => {
    const { clock, see } = timedStages();
    const firsts: number[] = [];
    const producer = counts(clock, 3);
    const doubled = stage('doubled', {
      needs: { numbers: streamed(producer) },
      streams: true,
      run: async function* ({ numbers }) {
        for await (const number of numbers) yield number * 2;
        return 'all';
      },
    });
    const reader = stage('reader', {
      needs: { numbers: streamed(doubled) },
      run: async ({ numbers }) => {
        for await (const number of numbers) firsts.push(number, clock.monotonic());
      },
    });
    const { starts } = await see(pipeline('p', { outputs: { doubled, reader } }));
    expect(starts).toEqual({ counts: 0, doubled: 0, reader: 0 });
    expect(firsts).toEqual([0, 10, 2, 20, 4, 30]);
  });

  test('carries undefined and null like any other chunk', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield undefined;
        yield null;
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: async ({ chunks }) => allOf(chunks) });
    expect((await see(pipeline('p', { outputs: { reader } }))).run.outputs).toEqual({ reader: [undefined, null] });
  });

  test('may be read twice by one stage, each with a buffer of its own', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 2);
    const reader = stage('reader', {
      needs: { one: streamed(producer), two: streamed(producer) },
      run: async ({ one, two }) => [await allOf(one), await allOf(two)],
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.outputs).toEqual({
      reader: [
        [0, 1],
        [0, 1],
      ],
    });
  });
});

describe('a stage that stands in for one that streams', () => {
  test('may be a generator, or a function that gives no chunks', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 100);
    const made = pipeline('p', { outputs: { producer, reader: reads('reader', producer) } });
    const generator = made.with(producer, async function* () {
      yield 7;
      return 1;
    });
    expect((await see(generator)).run.outputs).toEqual({ producer: 1, reader: [7] });
    expect((await see(made.with(producer, () => 2))).run.outputs).toEqual({ producer: 2, reader: [] });
  });
});

describe('a reader whose producer does not start', () => {
  test('is skipped with it where it was skipped by choice', async () => {
    const { see, takes } = timedStages();
    const before = stage('before', { run: () => skip('not today') });
    const producer = stage('producer', { needs: { before }, streams: true, run: async function* () {} });
    const reader = stage('reader', { needs: { chunks: streamed(producer), other: takes('other', 10) }, run: () => 1 });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(ends).toEqual({ before: 'skipped', producer: 'skipped', other: 'completed', reader: 'skipped' });
    expect(run.stages.get('reader')?.outcome).toEqual({ status: 'skipped', reason: '"producer" was skipped' });
  });

  test('is skipped with the root cause where something before it failed', async () => {
    const { see, fails } = timedStages();
    const producer = stage('producer', { needs: { before: fails('before', 10) }, streams: true, run: async function* () {} });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: () => 1 });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { failureMode: 'continue' });
    expect(run.stages.get('reader')?.outcome).toMatchObject({
      status: 'skipped',
      rootCause: { stage: 'before', status: 'failed' },
    });
  });
});

describe('the end of a producer', () => {
  test('breaks the chunks of its reader off when it fails, after those that came before', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield 1;
        yield 2;
        throw new Error('the line went dead');
      },
    });
    const got: unknown[] = [];
    const reader = stage('reader', {
      needs: { chunks: streamed(producer) },
      run: async ({ chunks }) => {
        for await (const chunk of chunks) got.push(chunk);
      },
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { failureMode: 'continue' });
    expect(got).toEqual([1, 2]);
    expect(run.status === 'failed' && run.error.path).toBe('producer');
    expect(run.stages.get('reader')?.outcome).toMatchObject({
      status: 'failed',
      error: {
        code: 'SF_STAGE_FAILED',
        cause: { code: 'SF_STREAM_BROKEN', path: 'reader', cause: { code: 'SF_STAGE_FAILED', path: 'producer' } },
      },
    });
  });

  test('lets a reader that expects a break complete with what it has', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield 1;
        throw new Error('the line went dead');
      },
    });
    const reader = stage('reader', {
      needs: { chunks: streamed(producer) },
      run: async ({ chunks }) => {
        const got: unknown[] = [];
        try {
          for await (const chunk of chunks) got.push(chunk);
        } catch {}
        return got;
      },
    });
    const { run } = await see(pipeline('p', { outputs: { reader } }), {}, { failureMode: 'continue' });
    expect(run).toMatchObject({ status: 'failed', outputs: { reader: [1] } });
  });

  test('stops its reader under fail-fast, which then is cancelled', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* () {
        yield 1;
        throw new Error('the line went dead');
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(ends).toEqual({ producer: 'failed', reader: 'cancelled' });
    expect(run.status).toBe('failed');
  });

  test('ends the chunks like any other when it skips itself', async () => {
    const { clock, see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* (_, { signal }) {
        yield 1;
        await clock.sleep(10, signal);
        return skip('nothing more to say');
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(ends).toEqual({ producer: 'skipped', reader: 'completed' });
    expect(run.outputs).toEqual({ reader: [1] });
  });

  test('breaks off where its failure counts as a skip', async () => {
    const { see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      onFailure: 'skip',
      run: async function* () {
        yield 1;
        return fail('no');
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    const { ends, run } = await see(
      pipeline('p', { outputs: { optional: stage('last', { needs: { reader: settled(reader) }, run: () => 1 }) } }),
    );
    expect(ends).toMatchObject({ producer: 'skipped', reader: 'failed' });
    expect(run.errors.at(-1)?.cause).toMatchObject({ code: 'SF_STREAM_BROKEN' });
  });

  test('cancels its reader when it cancels the run', async () => {
    const { clock, see } = timedStages();
    const producer = stage('producer', {
      streams: true,
      run: async function* (_, { signal }) {
        yield 1;
        await clock.sleep(10, signal);
        return cancel('enough');
      },
    });
    const reader = stage('reader', { needs: { chunks: streamed(producer) }, run: ({ chunks }) => allOf(chunks) });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.status).toBe('cancelled');
    expect(ends).toEqual({ producer: 'cancelled', reader: 'cancelled' });
  });
});

describe('a reader that leaves', () => {
  /** Takes one chunk and leaves. */
  const takesOne = (name: string, producer: Counts) =>
    stage(name, {
      needs: { numbers: streamed(producer) },
      run: async ({ numbers }) => {
        for await (const number of numbers) return number;
        return undefined;
      },
    });

  test('aborts a producer that nobody else reads, which ends as skipped', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 100);
    const { run, ends, events } = await see(pipeline('p', { outputs: { reader: takesOne('reader', producer) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { reader: 0 }, elapsedMs: 10 });
    expect(ends).toEqual({ counts: 'skipped', reader: 'completed' });
    expect(run.stages.get('counts')?.outcome).toEqual({ status: 'skipped', reason: 'its readers have left' });
    expect(events.find(({ type }) => type === 'stream.closed')).toMatchObject({ chunks: 1, readers: [{ delivered: 1, unread: 0 }] });
  });

  test('leaves the others what they read', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3);
    const { run } = await see(pipeline('p', { outputs: { one: takesOne('one', producer), all: reads('all', producer) } }));
    expect(run.outputs).toEqual({ one: 0, all: [0, 1, 2] });
  });

  test('does not stop a producer whose whole output is wanted', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3);
    const { run } = await see(pipeline('p', { outputs: { one: takesOne('one', producer), producer } }));
    expect(run.outputs).toEqual({ one: 0, producer: 3 });
  });

  test.each(['optional', 'settled', 'after'] as const)('does not stop a producer that stands before another stage: %s', async (edge) => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3);
    const last =
      edge === 'after'
        ? stage('last', { after: [producer], run: () => 1 })
        : stage('last', { needs: { whole: edge === 'optional' ? optional(producer) : settled(producer) }, run: () => 1 });
    const { ends } = await see(pipeline('p', { outputs: { one: takesOne('one', producer), last } }));
    expect(ends['counts']).toBe('completed');
  });

  test('leaves also by ending without having read anything', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 100);
    const reader = stage('reader', { needs: { numbers: streamed(producer) }, run: () => 'not interested' });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(ends).toEqual({ counts: 'skipped', reader: 'completed' });
    expect(run.elapsedMs).toBe(0);
  });

  test('leaves also by failing', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 100);
    const reader = stage('reader', {
      needs: { numbers: streamed(producer) },
      run: async ({ numbers }) => {
        for await (const number of numbers) if (number === 2) throw new Error('two');
      },
    });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }), {}, { failureMode: 'continue' });
    expect(ends).toEqual({ counts: 'skipped', reader: 'failed' });
    expect(run.elapsedMs).toBe(30);
  });

  test('stops a producer that gives chunks without end, also where it looks at no signal', async () => {
    const { see } = timedStages();
    let closed = false;
    const endless = stage('endless', {
      streams: true,
      run: async function* () {
        try {
          for (let at = 0; ; at++) yield at;
        } finally {
          closed = true;
        }
      },
    });
    const reader = stage('reader', {
      needs: { numbers: streamed(endless) },
      run: async ({ numbers }) => {
        for await (const number of numbers) if (number === 1_000) return number;
        return undefined;
      },
    });
    const { run, ends } = await see(pipeline('p', { outputs: { reader } }));
    expect(run.outputs).toEqual({ reader: 1_000 });
    expect(ends['endless']).toBe('skipped');
    expect(closed).toBe(true);
  });

  test('was gone before its producer gave anything', async () => {
    const { clock, see, takes } = timedStages();
    const producer = counts(clock, 100);
    const reader = stage('reader', { needs: { numbers: streamed(producer), no: stage('no', { run: () => skip('no') }) }, run: () => 1 });
    const { run, ends } = await see(pipeline('p', { outputs: { reader, other: takes('other', 50) } }));
    expect(ends).toMatchObject({ counts: 'skipped', reader: 'skipped' });
    expect(run.status).toBe('completed');
  });
});

describe('streams in regions', () => {
  test('flow within each item of a map', async () => {
    const { clock, see } = timedStages();
    const lengths = map('lengths', stage('words', { run: () => ['a', 'bcd'] }), (word) => {
      const letters = stage('letters', {
        needs: { word },
        streams: true,
        run: async function* ({ word }, { signal }) {
          for (const letter of word) {
            await clock.sleep(10, signal);
            yield letter;
          }
        },
      });
      return stage('length', {
        needs: { letters: streamed(letters) },
        run: async ({ letters }) => (await allOf(letters)).join('-'),
      });
    });
    const { run, events } = await see(pipeline('p', { outputs: { lengths } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { lengths: ['a', 'b-c-d'] } });
    expect(events.filter(({ type }) => type === 'stream.opened')).toMatchObject([
      { path: 'lengths[0]/letters' },
      { path: 'lengths[1]/letters' },
    ]);
  });

  test('do not begin in an arm that was not taken', async () => {
    const { clock, see } = timedStages();
    const way = route('way', { run: (): 'a' | 'b' => 'b' });
    const producer = counts(clock, 3);
    const reply = branch('reply', way, { a: reads('left', producer), b: stage('right', { run: () => [] as number[] }) });
    const { ends } = await see(pipeline('p', { outputs: { reply } }));
    expect(ends).toMatchObject({ counts: 'skipped', left: 'skipped', right: 'completed' });
  });

  test('begin with the arm that was', async () => {
    const { clock, see } = timedStages();
    const way = route('way', { run: async (_, { signal }): Promise<'a' | 'b'> => clock.sleep(50, signal).then(() => 'a') });
    const producer = counts(clock, 3);
    const reply = branch('reply', way, { a: reads('left', producer), b: stage('right', { run: () => [] as number[] }) });
    const { run, starts } = await see(pipeline('p', { outputs: { reply } }));
    expect(starts).toMatchObject({ counts: 50, left: 50 });
    expect(run.outputs).toEqual({ reply: [0, 1, 2] });
  });

  test('are published from below the stage that calls', async () => {
    const { clock, see } = timedStages();
    const model = counts(clock, 2, 10, { publish: true });
    const agent = stage('agent', { run: (_, { call }) => call(model, {}) });
    const { run, events } = await see(pipeline('p', { outputs: { agent } }));
    expect(run.outputs).toEqual({ agent: 2 });
    expect(events.filter(({ type }) => type === 'stream.chunk')).toMatchObject([
      { path: 'agent/counts', chunk: 0 },
      { path: 'agent/counts', chunk: 1 },
    ]);
  });

  test('are handed on through a call as a value', async () => {
    const { clock, see } = timedStages();
    const producer = counts(clock, 3);
    const reader = reads('reader', producer);
    const agent = stage('agent', { needs: { numbers: streamed(producer) }, run: ({ numbers }, { call }) => call(reader, { numbers }) });
    const { run } = await see(pipeline('p', { outputs: { agent } }));
    expect(run.outputs).toEqual({ agent: [0, 1, 2] });
  });
});
