import { describe, expect, test } from 'vitest';
import { backoffDelayMs, isWorthRetrying, type ResolvedRetryPolicy, resolveRetry, retryAfterMs } from './retry.ts';

function policy(given: Partial<ResolvedRetryPolicy>): ResolvedRetryPolicy {
  return resolveRetry({ baseMs: 100, maxMs: 1_000, jitter: 'none', ...given });
}

/** The waits after attempts 1 to 6. */
function waits(given: Partial<ResolvedRetryPolicy>, random = 0.5): number[] {
  const resolved = policy(given);
  const found: number[] = [];
  for (let attempt = 1; attempt <= 6; attempt++) found.push(backoffDelayMs(resolved, attempt, found.at(-1) ?? 0, random));
  return found;
}

describe('resolveRetry()', () => {
  test('fills in what is left out, and keeps what is given', () => {
    expect(resolveRetry({})).toEqual({
      attempts: 3,
      backoff: 'exponential',
      baseMs: 100,
      maxMs: 30_000,
      jitter: 'full',
      when: isWorthRetrying,
    });
    expect(resolveRetry({ attempts: 7, jitter: 'none' })).toMatchObject({ attempts: 7, jitter: 'none', baseMs: 100 });
  });
});

describe('backoffDelayMs()', () => {
  test('grows as the backoff says, up to maxMs', () => {
    expect(waits({ backoff: 'constant' })).toEqual([100, 100, 100, 100, 100, 100]);
    expect(waits({ backoff: 'linear' })).toEqual([100, 200, 300, 400, 500, 600]);
    expect(waits({ backoff: 'exponential' })).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  test('spreads waits as the jitter says', () => {
    const exponential = { backoff: 'exponential' } as const;
    expect(waits({ ...exponential, jitter: 'full' }, 0)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(waits({ ...exponential, jitter: 'full' }, 0.5)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(waits({ ...exponential, jitter: 'equal' }, 0)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(waits({ ...exponential, jitter: 'equal' }, 0.5)).toEqual([75, 150, 300, 600, 750, 750]);
  });

  test('draws decorrelated waits between the base and three times the last one', () => {
    expect(waits({ jitter: 'decorrelated' }, 0)).toEqual([100, 100, 100, 100, 100, 100]);
    expect(waits({ jitter: 'decorrelated' }, 0.5)).toEqual([200, 350, 575, 912.5, 1_000, 1_000]);
    expect(backoffDelayMs(policy({ jitter: 'decorrelated', baseMs: 0 }), 1, 0, 0.9)).toBe(0);
  });

  test('never leaves [0, maxMs], also after a thousand attempts', () => {
    for (const backoff of ['constant', 'linear', 'exponential'] as const) {
      for (const jitter of ['none', 'full', 'equal', 'decorrelated'] as const) {
        const wait = backoffDelayMs(policy({ backoff, jitter }), 2_000, 1_000, 0.999);
        expect(wait, `${backoff}, ${jitter}`).toBeGreaterThanOrEqual(0);
        expect(wait, `${backoff}, ${jitter}`).toBeLessThanOrEqual(1_000);
      }
    }
  });
});

describe('isWorthRetrying()', () => {
  test.each([
    [new Error('plain'), true],
    ['a string', true],
    [undefined, true],
    [null, true],
    [{ retryable: false }, false],
    [{ retryable: true, status: 400 }, true],
    [{ retryable: 'no', status: 500 }, true],
    [{ status: 400 }, false],
    [{ statusCode: 404 }, false],
    [{ status: 499 }, false],
    [{ status: 408 }, true],
    [{ status: 425 }, true],
    [{ status: 429 }, true],
    [{ status: 399 }, true],
    [{ status: 500 }, true],
    [{ status: '404' }, true],
  ])('of %o is %s', (error, expected) => {
    expect(isWorthRetrying(error)).toBe(expected);
  });
});

describe('retryAfterMs()', () => {
  const now = Date.parse('2025-01-01T00:00:00Z');
  const header = (value: unknown) => ({ headers: { 'Retry-After': value } });

  test.each([
    ['retryAfterMs', { retryAfterMs: 250 }, 250],
    ['retryAfterMs in the details of an error with a code', { details: { retryAfterMs: 250 } }, 250],
    ['retryAfterMs of its own, before that of its details', { retryAfterMs: 0, details: { retryAfterMs: 250 } }, 0],
    ['retryAfter in seconds', { retryAfter: 2 }, 2_000],
    ['a header in seconds', header('3'), 3_000],
    ['a header that is a number', header(3), 3_000],
    ['a header in spaces', header('  3 '), 3_000],
    ['a header of zero', header('0'), 0],
    ['a header far beyond any cap', header('1000000000'), 1e12],
    ['a header with a date to come', header('Wed, 01 Jan 2025 00:00:30 GMT'), 30_000],
    ['a Headers object', { headers: new Headers({ 'retry-after': '4' }) }, 4_000],
    ['the headers of a response', { response: { headers: { 'retry-after': '5' } } }, 5_000],
    ['the response, where the own headers do not say', { headers: {}, response: { headers: { 'retry-after': '5' } } }, 5_000],
  ])('reads %s', (_, error, expected) => {
    expect(retryAfterMs(error, now)).toBe(expected);
  });

  test.each([
    ['nothing', {}],
    ['no object', 'later'],
    ['null', null],
    ['a response that is null', { response: null }],
    ['headers that are no object', { headers: 'retry-after: 1' }],
    ['a header that is no text', header({})],
    ['a negative header', header('-1')],
    ['a fraction', header('1.5')],
    ['words', header('soon')],
    ['emptiness', header('')],
    ['a date in the past', header('Wed, 01 Jan 2020 00:00:00 GMT')],
    ['a date that is none', header('Wed, 99 Foo 2025 00:00:00 GMT')],
    ['negative milliseconds', { retryAfterMs: -1 }],
    ['no details', { details: null }],
    ['details that say it in words', { details: { retryAfterMs: 'soon' } }],
    ['NaN', { retryAfter: Number.NaN }],
    ['infinity', { retryAfter: Number.POSITIVE_INFINITY }],
    ['more digits than a number holds', header('9'.repeat(400))],
  ])('takes %s as not said', (_, error) => {
    expect(retryAfterMs(error, now)).toBeUndefined();
  });
});
