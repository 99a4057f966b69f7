import { StageflowError } from '@stageflow/core';
import type { ConfigProvider } from '@stageflow/core/ports';

/** What {@link envConfig} takes. */
export interface EnvConfigOptions {
  /** What the names of its variables begin with, before an underscore: capitals, digits and underscores, a letter first. */
  readonly prefix: string;
  /** Where they are read, each time anew. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Configuration from environment variables. The key `llm.apiKey` is read from `PREFIX_LLM_API_KEY`: dots and dashes become
 * underscores, words are parted where small letters or digits meet a capital, and all is in capitals. Nothing else of the
 * environment can be read.
 *
 * Values are text: let the schema turn them into numbers or flags. A variable that is empty counts as not set, and so does
 * a key with other characters than letters, digits, dots, dashes and underscores.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], config: envConfig({ prefix: 'SHOP' }) });
 * // In a stage: from SHOP_LLM_MAX_TOKENS.
 * const maxTokens = context.config('llm.maxTokens', z.coerce.number().int().default(1_000));
 * ```
 */
export function envConfig({ prefix, env = process.env }: EnvConfigOptions): ConfigProvider {
  if (typeof prefix !== 'string' || !/^[A-Z](?:[A-Z0-9_]*[A-Z0-9])?$/.test(prefix)) {
    const expected = 'capitals, digits and underscores that begin with a letter and do not end with an underscore';
    throw new StageflowError('SF_OPTION_INVALID', { option: 'prefix', expected, received: describe(prefix) });
  }
  return {
    get(key) {
      const variable = variableOf(prefix, key);
      if (variable === undefined || !Object.hasOwn(env, variable)) return undefined;
      const value = env[variable];
      return value === '' ? undefined : value;
    },
  };
}

function variableOf(prefix: string, key: string): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(key)) return undefined;
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[.-]/g, '_');
  return `${prefix}_${words.toUpperCase()}`;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value;
}
