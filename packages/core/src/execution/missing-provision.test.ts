import { type Interceptor, inputs, pipeline, stage, work } from '@stageflow/core';
import { describe, expect, test, vi } from 'vitest';

const { id } = inputs<{ id: string }>();
const around: Interceptor = { name: 'promises', deduplicates: true, stage: (_, next) => next() };

/** An effect that asks not to be made twice. */
function asking(policy: object = {}) {
  const called = vi.fn(() => 'paid');
  const pay = work('pay', { needs: { id }, idempotencyKey: ({ id }) => id, deduplicate: true, ...policy, run: called });
  return { called, shop: pipeline('shop', { outputs: { pay } }) };
}

describe('an effect that asks to be deduplicated', () => {
  test('fails where no interceptor does that, and is not called', async () => {
    for (const policy of [{}, { timeoutMs: 50, retry: { attempts: 3, baseMs: 0 } }]) {
      const { called, shop } = asking(policy);
      const run = await shop.run({ id: '1' }, { interceptors: [{ name: 'other', stage: (_, next) => next() }] });
      const details = { stage: 'pay', feature: 'an interceptor that deduplicates effects' };
      expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUNTIME_REQUIRED', details, retryable: false } });
      expect(await shop.run({ id: '1' })).toMatchObject({ error: { code: 'SF_RUNTIME_REQUIRED' } });
      expect(called).not.toHaveBeenCalled();
    }
  });

  test('runs where one says that it does', async () => {
    const { called, shop } = asking();
    expect(await shop.run({ id: '1' }, { interceptors: [around] })).toMatchObject({ status: 'completed', outputs: { pay: 'paid' } });
    expect(called).toHaveBeenCalledOnce();
  });

  test('fails where the one that does is for other stages', async () => {
    const { shop } = asking();
    const run = await shop.run({ id: '1' }, { interceptors: [{ ...around, only: { stages: ['else'] } }] });
    expect(run).toMatchObject({ error: { code: 'SF_RUNTIME_REQUIRED' } });
  });

  test('runs without one where it only hands a key on', async () => {
    const { shop } = asking({ deduplicate: undefined });
    expect((await shop.run({ id: '1' })).status).toBe('completed');
  });

  test('asks the same where another stage calls it', async () => {
    const pay = work('pay', { needs: { id }, idempotencyKey: ({ id }) => id, deduplicate: true, run: () => 'paid' });
    const agent = stage('agent', { run: (_, { call }) => call(pay, { id: '1' }) });
    const shop = pipeline('shop', { outputs: { agent } });
    expect(await shop.run({})).toMatchObject({ errors: [{ code: 'SF_RUNTIME_REQUIRED' }, {}] });
    expect((await shop.run({}, { interceptors: [around] })).status).toBe('completed');
  });
});
