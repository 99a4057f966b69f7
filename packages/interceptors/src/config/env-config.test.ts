import { inspect } from 'node:util';
import { createRuntime, pipeline, stage, summarizeError } from '@stageflow/core';
import { envConfig } from '@stageflow/interceptors/config';
import { recordingSink } from '@stageflow/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';

afterEach(() => vi.unstubAllEnvs());

describe('envConfig', () => {
  test('gives stages what the environment says, through their schemas', async () => {
    vi.stubEnv('SHOP_LLM_API_KEY', 'sk-1');
    vi.stubEnv('SHOP_LLM_MAX_TOKENS', '200');
    const ask = stage('ask', {
      run: (_, { config }) => ({
        apiKey: config('llm.apiKey', z.string()),
        maxTokens: config('llm.maxTokens', z.coerce.number()),
        region: config('region', z.string().default('eu')),
      }),
    });
    const shop = pipeline('shop', { outputs: { ask } });
    const runtime = createRuntime({ pipelines: [shop], config: envConfig({ prefix: 'SHOP' }) });
    const run = await runtime.run(shop, {});

    expect(run).toMatchObject({ status: 'completed', outputs: { ask: { apiKey: 'sk-1', maxTokens: 200, region: 'eu' } } });
  });

  test.each([
    ['llm.apiKey', 'APP_LLM_API_KEY'],
    ['llm.api-key', 'APP_LLM_API_KEY'],
    ['llm.API_KEY', 'APP_LLM_API_KEY'],
    ['baseURL', 'APP_BASE_URL'],
    ['URLBase', 'APP_URL_BASE'],
    ['s3.bucketName', 'APP_S3_BUCKET_NAME'],
    ['stage2Timeout', 'APP_STAGE2_TIMEOUT'],
    ['port', 'APP_PORT'],
  ])('reads %s from %s', (key, variable) => {
    expect(envConfig({ prefix: 'APP', env: { [variable]: 'found' } }).get(key)).toBe('found');
  });

  test('reads each time anew', () => {
    const env: Record<string, string> = { APP_PORT: '1' };
    const config = envConfig({ prefix: 'APP', env });
    const before = config.get('port');
    env['APP_PORT'] = '2';
    expect([before, config.get('port')]).toEqual(['1', '2']);
  });

  test('takes a variable that is empty for one that is not set', () => {
    const config = envConfig({ prefix: 'APP', env: { APP_EMPTY: '', APP_BLANK: ' ', APP_UNSET: undefined } });
    expect(['empty', 'blank', 'unset', 'missing'].map((key) => config.get(key))).toEqual([undefined, ' ', undefined, undefined]);
  });

  test('reads nothing but variables with the prefix', () => {
    const config = envConfig({ prefix: 'APP', env: { PATH: '/bin', APPLE: 'a', _APP_X: 'b', APP_: 'c', APP_X: 'd' } });
    for (const key of ['PATH', '../PATH', 'LE', '', '.', '_', ' x', 'x y', 'x=y', 'ü', '\u0000x']) expect(config.get(key)).toBeUndefined();
    expect(config.get('x')).toBe('d');
  });

  test('knows no keys of prototypes', () => {
    const inherited = Object.create({ APP_X: 'inherited' }) as Record<string, string>;
    const config = envConfig({ prefix: 'APP', env: inherited });
    expect([config.get('x'), config.get('__proto__'), config.get('constructor'), config.get('toString')]).toEqual(Array(4).fill(undefined));
  });

  test.each([[''], ['shop'], ['SHOP_'], ['1SHOP'], ['SHOP-X'], ['_SHOP'], [undefined as unknown as string]])(
    'refuses the prefix %j',
    (prefix) => {
      expect(() => envConfig({ prefix })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
    },
  );

  test('shows no value: not when it is printed, nor in the error or the events of a value that its schema refused', async () => {
    const secret = 'sk-very-secret';
    const config = envConfig({ prefix: 'SHOP', env: { SHOP_LLM_API_KEY: secret } });
    const ask = stage('ask', { run: (_, { config }) => config('llm.apiKey', z.coerce.number()) });
    const shop = pipeline('shop', { outputs: { ask } });
    const sink = recordingSink();
    const run = await createRuntime({ pipelines: [shop], config, sinks: [sink] }).run(shop, {});

    expect(run.status === 'failed' && summarizeError(run.error).code).toBe('SF_CONFIG_INVALID');
    expect(inspect([config, run, sink.events], { depth: null, showHidden: true })).not.toContain(secret);
    expect(JSON.stringify([config, run, sink.events])).not.toContain(secret);
  });
});
