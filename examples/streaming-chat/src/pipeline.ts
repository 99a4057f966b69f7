import { inputs, pipeline, services, stage, streamed } from '@stageflow/core';
import type { Model, Voice } from './services.ts';

const { text } = inputs<{ text: string }>();
const { client, voice } = services<{ client: Model; voice: Voice }>();

/** Yields the tokens, and returns the whole text. */
const model = stage('model', {
  kind: 'agent',
  needs: { text, client },
  timeoutMs: 30_000,
  streams: { publish: true, keepPartial: true },
  run: async function* ({ text, client }, { signal }) {
    let whole = '';
    for await (const token of client.stream(text, signal)) {
      whole += token;
      yield token;
    }
    return whole;
  },
});

/** Speaks each sentence as soon as it is whole. */
const speech = stage('speech', {
  needs: { tokens: streamed(model, { capacity: 32, putTimeoutMs: 10_000 }), voice },
  streams: { publish: true },
  run: async function* ({ tokens, voice }, { signal }) {
    let sentence = '';
    let bytes = 0;
    for await (const token of tokens) {
      sentence += token;
      if (!/[.!?]\s*$/.test(sentence)) continue;
      const sound = await voice.synthesize(sentence.trim(), signal);
      bytes += sound.length;
      sentence = '';
      yield sound;
    }
    return { bytes };
  },
});

/** Reads the whole text: begins when the model has ended. */
const answer = stage('answer', { needs: { model }, run: ({ model }) => model.trim() });

/** One turn of a chat that is heard while it is still being made. */
export const chat = pipeline('streaming-chat', { outputs: { answer, speech } });
