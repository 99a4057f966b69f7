import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { memoryRunStore } from './durable/memory-run-store.ts';
import { inputs } from './inputs.ts';
import { pipeline } from './pipeline.ts';
import { createRuntime } from './runtime.ts';
import { isSecret, type Secret, secret } from './secret.ts';
import { stage } from './stage.ts';

const key = secret('hunter2');

describe('secret()', () => {
  test('gives its value to whoever asks for it by name', () => {
    expect(key.reveal()).toBe('hunter2');
    expect(secret({ user: 'ada' }).reveal()).toEqual({ user: 'ada' });
  });

  test.each([
    ['JSON', JSON.stringify({ key, list: [key] }), '{"key":"[secret]","list":["[secret]"]}'],
    ['a template', `${key}`, '[secret]'],
    ['a sum', `a ${key}`.concat(String(key)), 'a [secret][secret]'],
    ['util.inspect', inspect({ key }), '{ key: [secret] }'],
    ['util.inspect of what is hidden', inspect(key, { showHidden: true, depth: 9 }), '[secret]'],
    ['an error', String(new Error(`refused ${key}`)), 'Error: refused [secret]'],
  ])('prints as [secret] in %s', (_where, printed, expected) => {
    expect(printed).toBe(expected);
  });

  test('has nothing to list, to spread or to clone', () => {
    expect(Reflect.ownKeys(key)).toEqual([]);
    expect({ ...key }).toEqual({});
    expect(inspect(structuredClone(key))).not.toContain('hunter2');
    expect(inspect(key, { customInspect: false, showHidden: true })).not.toContain('hunter2');
  });

  test('cannot be changed', () => {
    expect(() => Object.assign(key, { reveal: () => 'other' })).toThrow(TypeError);
  });

  test('travels through a run', async () => {
    const { apiKey } = inputs<{ apiKey: Secret<string> }>();
    const call = stage('call', { needs: { apiKey }, run: ({ apiKey }) => apiKey.reveal().length });
    const run = await pipeline('calls', { outputs: { call } }).run({ apiKey: key });
    expect(run.outputs.call).toBe(7);
  });

  test('is not kept by a store', async () => {
    const give = stage('give', { run: () => key });
    const kept = pipeline('kept', { outputs: { give } });
    const runtime = createRuntime({ pipelines: [kept], store: memoryRunStore() });
    const run = await runtime.run(kept, {});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_NOT_SERIALIZABLE' } });
    await runtime.close();
  });
});

describe('isSecret()', () => {
  test('knows secrets, also of another copy of the package', () => {
    expect(isSecret(key)).toBe(true);
    expect(isSecret({ [Symbol.for('stageflow.secret')]: true })).toBe(true);
  });

  test('takes nothing else for one, and does not throw', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect([undefined, null, 'hunter2', {}, proxy].map((value) => isSecret(value))).toEqual([false, false, false, false, false]);
  });
});
