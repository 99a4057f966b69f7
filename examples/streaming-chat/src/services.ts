import { setTimeout as delay } from 'node:timers/promises';

/** What the chat asks of a model. */
export interface Model {
  /** The answer, token by token. */
  stream(prompt: string, signal: AbortSignal): AsyncIterable<string>;
}

/** What the chat asks of a voice. */
export interface Voice {
  synthesize(sentence: string, signal: AbortSignal): Promise<Uint8Array>;
}

/** A model that needs no network: gives a token of `reply` each `ms`. */
export function scriptedModel(reply: string, ms: number): Model {
  return {
    async *stream(_prompt, signal) {
      for (const [token] of reply.matchAll(/\S+\s*/g)) {
        await delay(ms, undefined, { signal });
        yield token;
      }
    },
  };
}

/** A voice that makes ten bytes of sound for each letter. */
export const scriptedVoice: Voice = {
  synthesize: async (sentence) => new Uint8Array(sentence.length * 10),
};
