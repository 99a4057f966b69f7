import { setTimeout as delay } from 'node:timers/promises';
import type { StageContext } from '@stageflow/core';
import type { Telemetry } from '@stageflow/otel';

/** What a model answered, and what it took. */
export interface Reply {
  readonly reply: string;
  readonly durationMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the chat asks of a model. */
export interface Model {
  ask(prompt: string, signal: AbortSignal): Promise<Reply>;
}

/** A model that needs no network: asks for the weather first, then repeats what it is told. */
export function scriptedModel(): Model {
  return {
    async ask(prompt, signal) {
      const startedAt = performance.now();
      await delay(5, undefined, { signal });
      const reply = prompt.includes('sunny') ? `So: ${prompt}` : 'weather';
      const [inputTokens, outputTokens] = [prompt, reply].map((words) => words.split(' ').length) as [number, number];
      return { reply, durationMs: performance.now() - startedAt, inputTokens, outputTokens };
    },
  };
}

/** Where profiles come from. */
export interface Profiles {
  load(user: string, context: StageContext): Promise<{ readonly name: string }>;
}

/** Profiles over HTTP. The headers of each request carry the trace on. */
export function profilesAt(url: string, telemetry: Telemetry): Profiles {
  return {
    async load(user, context) {
      const response = await fetch(`${url}/profiles/${user}`, { headers: telemetry.outgoing(context), signal: context.signal });
      if (!response.ok) throw Object.assign(new Error(`The profiles answered ${response.status}.`), { status: response.status });
      return (await response.json()) as { name: string };
    },
  };
}
