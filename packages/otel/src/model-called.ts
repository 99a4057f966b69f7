import { defineEvent, type EventDefinition, type Schema } from '@stageflow/core';

/** One call of a model: what it was asked and what it took, never what was said. */
export interface ModelCall {
  /** Who serves the model, in the words of the GenAI conventions: `openai`, `anthropic`, `aws.bedrock`, … */
  readonly provider: string;
  /** The model that was asked for. */
  readonly model: string;
  /** Milliseconds from the request to the end of the response. */
  readonly durationMs: number;
  /** @default 'chat' */
  readonly operation?: string | undefined;
  /** The model that answered. */
  readonly responseModel?: string | undefined;
  readonly responseId?: string | undefined;
  readonly finishReasons?: readonly string[] | undefined;
  /** Those that came from a cache included. */
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cachedInputTokens?: number | undefined;
  /** What kind of error it ended with: a code or a class, from a small set. @default it succeeded */
  readonly errorType?: string | undefined;
}

const members = {
  provider: 'a string',
  model: 'a string',
  durationMs: 'a number >= 0',
  operation: 'a string',
  responseModel: 'a string',
  responseId: 'a string',
  finishReasons: 'a list of strings',
  inputTokens: 'a number >= 0',
  outputTokens: 'a number >= 0',
  cachedInputTokens: 'a number >= 0',
  errorType: 'a string',
} as const satisfies Record<keyof ModelCall, string>;
const required: readonly string[] = ['provider', 'model', 'durationMs'];

const is: Readonly<Record<(typeof members)[keyof ModelCall], (value: unknown) => boolean>> = {
  'a string': (value) => typeof value === 'string',
  'a number >= 0': (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  'a list of strings': (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
};

/** What of `value` is a {@link ModelCall}; other members are left behind, so that no prompt travels by accident. */
function read(value: unknown): { readonly value: ModelCall } | { readonly issues: readonly { message: string; path: string[] }[] } {
  const given = Object(value) as Readonly<Record<string, unknown>>;
  const issues: { message: string; path: string[] }[] = [];
  const call: Record<string, unknown> = {};
  for (const [name, expected] of Object.entries(members)) {
    const member = Object.hasOwn(given, name) ? given[name] : undefined;
    if (member === undefined && !required.includes(name)) continue;
    if (is[expected](member)) call[name] = member;
    else issues.push({ message: `expected ${expected}`, path: [name] });
  }
  return issues.length > 0 ? { issues } : { value: call as unknown as ModelCall };
}

const schema: Schema<unknown, ModelCall> = { '~standard': { version: 1, vendor: 'stageflow', validate: read } };

/**
 * The event of one call of a model, told by the stage that made it. It becomes a span of the GenAI conventions below that
 * stage. Packages that do not import this one may emit an event of the same name and form.
 *
 * @example
 * ```ts
 * const answer = stage('answer', {
 *   kind: 'agent',
 *   needs: { text, client },
 *   run: async ({ text, client }, { emit, signal }) => {
 *     const { reply, usage, durationMs } = await client.ask(text, signal);
 *     emit(modelCalled, { provider: 'openai', model: 'gpt-5-mini', durationMs, ...usage });
 *     return reply;
 *   },
 * });
 * ```
 */
export const modelCalled: EventDefinition<ModelCall> = defineEvent('model.called', schema);

/** The call that a payload tells of; `undefined` where it was made by another definition, and is no such call. */
export function modelCallOf(payload: unknown): ModelCall | undefined {
  const result = read(payload);
  return 'value' in result ? result.value : undefined;
}
