import { defineError, inputs, pipeline, StageflowError, stage, summarizeError } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const quotaSpent = defineError('SHOP_QUOTA_SPENT', {
  message: ({ customer }: { customer: string }) => `Customer "${customer}" has no calls left.`,
  hint: () => 'Wait until midnight.',
});
const wrapped = (cause: unknown): StageflowError => new StageflowError('SF_STAGE_FAILED', { stage: 'ask', thrown: 'it broke.' }, { cause });
const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' });

describe('summarizeError', () => {
  test('gives code, message, retryability and hint of a StageflowError', () => {
    const error = new StageflowError(quotaSpent, { customer: 'acme' });
    expect(summarizeError(error)).toEqual({
      code: 'SHOP_QUOTA_SPENT',
      message: 'Customer "acme" has no calls left.',
      retryable: false,
      hint: 'Wait until midnight.',
    });
  });

  test('looks behind the failure of a stage to the error with a code that the stage threw', () => {
    const error = wrapped(new StageflowError(quotaSpent, { customer: 'acme' }));
    expect(summarizeError(error)).toMatchObject({ code: 'SHOP_QUOTA_SPENT', retryable: false, hint: 'Wait until midnight.' });
  });

  test('looks behind errors without a code to the one that has it', () => {
    const error = wrapped(new TypeError('fetch failed', { cause: refused() }));
    expect(summarizeError(error)).toEqual({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:5432', retryable: true });
  });

  test('does not look behind an error that has a code', () => {
    const timeout = new StageflowError('SF_STAGE_TIMEOUT', { stage: 'ask', timeoutMs: 20, overrunMs: 0 }, { cause: refused() });
    expect(summarizeError(wrapped(timeout))).toMatchObject({ code: 'SF_STAGE_TIMEOUT', retryable: true });
  });

  test('keeps the failure of a stage, without its hint, where nothing behind it has a code', () => {
    expect(summarizeError(wrapped(new Error('it broke')))).toEqual({
      code: 'SF_STAGE_FAILED',
      message: 'Stage "ask" failed: it broke.',
      retryable: true,
    });
  });

  test('takes the first error of several', () => {
    expect(summarizeError(new AggregateError([refused(), new Error('other')], 'all failed')).code).toBe('ECONNREFUSED');
    expect(summarizeError(new AggregateError([], 'none')).code).toBe('AggregateError');
  });

  test.each([
    ['says retryable: false', { retryable: false }, false],
    ['says retryable: true', { retryable: true, status: 404 }, true],
    ['is a client error', { status: 404 }, false],
    ['is a client error by statusCode', { statusCode: 401 }, false],
    ['asks for patience', { status: 429 }, true],
    ['says nothing', {}, true],
  ])('finds whether it is worth retrying where what was thrown %s', (_, said, retryable) => {
    const thrown = Object.assign(new Error('no'), said);
    expect(summarizeError(wrapped(thrown)).retryable).toBe(retryable);
    expect(summarizeError(new Error('around', { cause: thrown })).retryable).toBe(retryable);
  });

  test.each([
    ['an error without a code', new TypeError('x is undefined'), { code: 'TypeError', message: 'x is undefined' }],
    ['the error of a timed-out signal', new DOMException('too slow', 'TimeoutError'), { code: 'TimeoutError', message: 'too slow' }],
    ['a number as the code', Object.assign(new Error('no'), { code: 14 }), { code: 'Error', message: 'no' }],
    ['text as the code', Object.assign(new Error('no'), { code: 'not a code' }), { code: 'Error', message: 'no' }],
    ['a string', 'it broke', { code: 'string', message: 'it broke' }],
    ['nothing', undefined, { code: 'undefined', message: 'undefined' }],
    ['null', null, { code: 'object', message: 'null' }],
  ])('describes %s', (_, thrown, summary) => {
    expect(summarizeError(thrown)).toEqual({ ...summary, retryable: true });
  });

  test('ends on causes that go in a circle, or on and on', () => {
    const circle: { cause?: unknown } = new Error('round');
    circle.cause = circle;
    let reads = 0;
    const endless = (): Error =>
      Object.defineProperty(new Error('deep'), 'cause', {
        get: () => {
          reads++;
          return endless();
        },
      });
    expect(summarizeError(circle)).toEqual({ code: 'Error', message: 'round', retryable: true });
    expect(summarizeError(endless())).toEqual({ code: 'Error', message: 'deep', retryable: true });
    expect(reads).toBeLessThan(20);
  });

  test('does not throw where every member of what was thrown does', () => {
    let touched = 0;
    const hostile = new Proxy(new Error('hidden'), {
      get: () => {
        touched++;
        throw new Error('no');
      },
      has: () => {
        throw new Error('no');
      },
    });
    expect(summarizeError(hostile)).toEqual({ code: 'object', message: 'a value that cannot be printed', retryable: true });
    expect(touched).toBeGreaterThan(0);
    const numbered = Object.assign(new Error('x'), { message: 12, name: 'Odd' });
    expect(summarizeError(numbered)).toEqual({ code: 'Odd', message: 'a message that is no text', retryable: true });
  });

  test('is what events say of an error', async () => {
    const { n } = inputs<{ n: number }>();
    const cause = new TypeError('fetch failed', { cause: refused() });
    const ask = stage('ask', {
      needs: { n },
      run: (): number => {
        throw cause;
      },
    });
    const sink = recordingSink();
    const run = await pipeline('p', { outputs: { ask } }).run({ n: 1 }, { sinks: [sink] });

    expect(run.status === 'failed' && run.error.code).toBe('SF_STAGE_FAILED');
    const summary = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:5432', retryable: true };
    expect(sink.last('stage.failed')?.error).toEqual(summary);
    expect(sink.last('run.failed')?.error).toEqual(summary);
    expect(run.status === 'failed' && summarizeError(run.error)).toEqual(summary);
  });
});
