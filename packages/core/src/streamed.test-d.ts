import { inputs, type OutputOf, pipeline, type SkipsOf, type StreamingStage, skip, stage, streamed } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

const { text } = inputs<{ text: string }>();

const model = stage('model', {
  needs: { text },
  streams: true,
  run: async function* ({ text }, { signal }) {
    signal.throwIfAborted();
    for (const word of text.split(' ')) yield word;
    return { length: text.length };
  },
});

describe('the type of a stage that streams', () => {
  test('says what it yields at its end and chunk by chunk', () => {
    expectTypeOf(model).toEqualTypeOf<
      StreamingStage<{ length: number }, string, (typeof text)['~types']['in'], never, { readonly text: string }>
    >();
    expectTypeOf<OutputOf<typeof model>>().toEqualTypeOf<{ length: number }>();
  });

  test('has the output of its contract', () => {
    const sized = stage('sized', {
      output: z.object({ size: z.number() }),
      streams: { publish: true },
      run: async function* () {
        yield new Uint8Array(1);
        return { size: 1 };
      },
    });
    expectTypeOf<OutputOf<typeof sized>>().toEqualTypeOf<{ size: number }>();
    expectTypeOf<OutputOf<ReturnType<typeof chunksOf<typeof sized>>>>().toExtend<AsyncIterable<Uint8Array>>();
  });

  test('takes the chunks from their contract where the function does not yield them', () => {
    const pushed = stage('pushed', {
      streams: { chunk: z.object({ token: z.string() }) },
      run: async (_, { emitChunk }) => {
        await emitChunk({ token: 'a' });
        return 1;
      },
    });
    expectTypeOf(pushed['~chunk']).toEqualTypeOf<{ token: string }>();
    expectTypeOf<OutputOf<typeof pushed>>().toEqualTypeOf<number>();
  });

  test('has unknown chunks where nothing says what they are', () => {
    const pushed = stage('pushed', { streams: true, run: () => 1 });
    expectTypeOf(pushed['~chunk']).toEqualTypeOf<unknown>();
  });

  test('takes any async iterable for chunks, and then yields nothing', () => {
    const sse = stage('sse', { streams: true, run: async () => new ReadableStream<string>() });
    expectTypeOf(sse['~chunk']).toEqualTypeOf<string>();
    expectTypeOf<OutputOf<typeof sse>>().toEqualTypeOf<undefined>();
  });

  test('may skip where its generator may return a skip', () => {
    const may = stage('may', {
      streams: true,
      run: async function* () {
        yield 1;
        return Math.random() > 0.5 ? skip('nothing') : 'done';
      },
    });
    expectTypeOf<OutputOf<typeof may>>().toEqualTypeOf<'done'>();
    expectTypeOf<SkipsOf<typeof may>>().toEqualTypeOf<'may skip'>();
  });
});

describe('what stands in for a stage that streams', () => {
  const chat = pipeline('chat', { outputs: { model } });

  test('may be a generator of its chunks, a function that gives none, or another stage', () => {
    chat.with(model, async function* ({ text }) {
      yield text;
      return { length: 1 };
    });
    chat.with(model, () => ({ length: 1 }));
    chat.with(model, stage('model', { run: () => ({ length: 1 }) }));
  });

  test('yields what the stage yields', () => {
    // @ts-expect-error the chunks are strings
    chat.with(model, async function* () {
      yield 1;
      return { length: 1 };
    });
  });
});

describe('the type of streamed()', () => {
  test('gives an async iterable of the chunks, and demands what its producer demands', () => {
    const speech = stage('speech', {
      needs: { tokens: streamed(model, { capacity: 8, overflow: 'drop-oldest' }) },
      streams: true,
      run: async function* ({ tokens }) {
        expectTypeOf(tokens).toEqualTypeOf<AsyncIterable<string>>();
        for await (const token of tokens) yield token.length;
      },
    });
    expectTypeOf(speech['~chunk']).toEqualTypeOf<number>();
    const chat = pipeline('chat', { outputs: { model, speech } });
    expectTypeOf(chat.run).parameter(0).toEqualTypeOf<{ readonly text: string }>();
    expectTypeOf<OutputOf<typeof speech>>().toEqualTypeOf<void>();
  });

  test('refuses a stage that does not stream', () => {
    const plain = stage('plain', { run: () => 1 });
    // @ts-expect-error it gives no chunks
    streamed(plain);
  });

  test('refuses a policy that does not exist', () => {
    // @ts-expect-error no such policy
    streamed(model, { overflow: 'drop' });
  });
});

declare function chunksOf<S extends StreamingStage>(): ReturnType<typeof streamed<S['~chunk'], S['~types']['in'], S['~types']['skips']>>;
