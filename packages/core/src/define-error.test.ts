import { describe, expect, test } from 'vitest';
import { defineError } from './define-error.ts';
import { isStageflowError, StageflowError } from './errors.ts';
import { pipeline } from './pipeline.ts';
import { stage } from './stage.ts';

const quotaSpent = defineError('SHOP_QUOTA_SPENT', {
  message: ({ customer }: { customer: string }) => `Customer "${customer}" has no calls left today.`,
  hint: ({ customer }) => `Raise the quota of "${customer}".`,
  retryable: true,
  docs: 'docs/quota.md',
});

describe('defineError()', () => {
  test('makes errors with a message, a hint and a page of their own', () => {
    const error = new StageflowError(quotaSpent, { customer: 'acme' }, { path: 'order' });
    expect(error).toMatchObject({
      name: 'StageflowError',
      code: 'SHOP_QUOTA_SPENT',
      message: 'Customer "acme" has no calls left today.',
      hint: 'Raise the quota of "acme".',
      docs: 'docs/quota.md',
      retryable: true,
      details: { customer: 'acme' },
      path: 'order',
    });
    expect(error.toJSON()).toMatchObject({ code: 'SHOP_QUOTA_SPENT', details: { customer: 'acme' } });
  });

  test('is not retryable, and has the page of its code, unless told', () => {
    const plain = defineError('SHOP_CLOSED', { message: () => 'The shop is closed.', hint: () => 'Come back tomorrow.' });
    expect(new StageflowError(plain, {})).toMatchObject({ retryable: false, docs: 'docs/errors/SHOP_CLOSED.md' });
    expect(new StageflowError(plain, {}, { retryable: true }).retryable).toBe(true);
  });

  test('is recognised by the definition and by its code, and is not taken for another', () => {
    const error: unknown = new StageflowError(quotaSpent, { customer: 'acme' });
    expect(isStageflowError(error, quotaSpent) && error.details.customer).toBe('acme');
    expect(isStageflowError(error, 'SHOP_QUOTA_SPENT')).toBe(true);
    expect(isStageflowError(error, 'SF_STAGE_FAILED')).toBe(false);
    expect(isStageflowError(new StageflowError('SF_PLAN_EMPTY', { pipeline: 'p' }), quotaSpent)).toBe(false);
  });

  test('thrown by a stage, it is the cause of its failure, and its word on retrying counts', async () => {
    let calls = 0;
    const order = stage('order', {
      retry: { attempts: 2, baseMs: 0 },
      run: () => {
        calls++;
        throw new StageflowError(quotaSpent, { customer: 'acme' });
      },
    });
    const run = await pipeline('shop', { outputs: { order } }).run({});
    expect(run.status === 'failed' && isStageflowError(run.error.cause, quotaSpent)).toBe(true);
    expect(calls).toBe(2);
  });
});
