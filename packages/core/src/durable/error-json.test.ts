import { describe, expect, test } from 'vitest';
import { isStageflowError, StageflowError, type StageflowErrorJson } from '../errors.ts';
import { plainError, revivedError } from './error-json.ts';

/** Through text, as a store keeps it. */
function throughText(error: StageflowError): StageflowError {
  return revivedError(JSON.parse(JSON.stringify(error)) as StageflowErrorJson);
}

const where = { pipeline: 'p', runId: 'r', path: 'a[k]/b', attempt: 2 };

describe('plainError()', () => {
  test('is the error as JSON has it', () => {
    const error = new StageflowError('SF_STAGE_FAILED', { stage: 'b', thrown: 'x.' }, where);
    expect(plainError(error)).toStrictEqual(JSON.parse(JSON.stringify(error)));
  });

  test('leaves out details that JSON refuses, so that the error is not lost over them', () => {
    const error = new StageflowError('SF_LOOP_EXHAUSTED', { stage: 'l', turns: 3, lastValue: 12n } as never, where);
    expect(plainError(error)).toMatchObject({ code: 'SF_LOOP_EXHAUSTED', message: error.message, details: {}, path: where.path });
  });
});

describe('revivedError()', () => {
  test('gives back an error of the same code, message, place and retryability', () => {
    const error = new StageflowError('SF_STAGE_TIMEOUT', { stage: 'b', timeoutMs: 5, overrunMs: 0 }, { ...where, retryable: false });
    const back = throughText(error);
    expect(isStageflowError(back, 'SF_STAGE_TIMEOUT')).toBe(true);
    expect(back.toJSON()).toEqual(error.toJSON());
    expect(back.retryable).toBe(false);
    expect('cause' in back).toBe(false);
  });

  test('gives back a cause that is an error of its own', () => {
    const cause = new StageflowError('SF_RUN_BLOCKED', { stage: 'g', reason: 'no' }, where);
    const back = throughText(new StageflowError('SF_STAGE_FAILED', { stage: 'b', thrown: 'x.' }, { ...where, cause }));
    expect(isStageflowError(back.cause, 'SF_RUN_BLOCKED')).toBe(true);
  });

  test('gives back a cause that was thrown, as an error with its name', () => {
    const cause = new TypeError('not a function');
    const back = throughText(new StageflowError('SF_STAGE_FAILED', { stage: 'b', thrown: 'x.' }, { cause }));
    expect(back.cause).toBeInstanceOf(Error);
    expect(back.cause).toMatchObject({ name: 'TypeError', message: 'not a function' });
  });

  test.each<[unknown, unknown]>([
    ['text', 'text'],
    [null, null],
    [{ any: 1 }, { any: 1 }],
    [{ message: 'm' }, expect.objectContaining({ name: 'Error', message: 'm' })],
  ])('leaves a cause %j that a later version may write', (cause, expected) => {
    const json = { ...new StageflowError('SF_STAGE_FAILED', { stage: 'b', thrown: 'x.' }).toJSON(), cause };
    expect(revivedError(json).cause).toEqual(expected);
  });

  test.each(['SF_OF_A_LATER_VERSION', 'SHOP_QUOTA_SPENT', 'toString', '__proto__'])(
    'gives back an error of the unknown code %s',
    (code) => {
      const json = { ...new StageflowError('SF_STAGE_FAILED', { stage: 'b', thrown: 'x.' }, where).toJSON(), code, message: 'Odd.' };
      const back = revivedError({ ...json, hint: 'Mend it.', docs: 'docs/odd.md', retryable: true });
      expect(back).toMatchObject({ code, message: 'Odd.', hint: 'Mend it.', docs: 'docs/odd.md', retryable: true, path: where.path });
    },
  );

  test('gives back an error whose details are gone', () => {
    const error = new StageflowError('SF_OUTPUT_INVALID', { stage: 'b', issues: ['no'], received: '1' });
    const back = revivedError({ ...error.toJSON(), details: {} });
    expect(back).toMatchObject({ code: 'SF_OUTPUT_INVALID', message: error.message, hint: error.hint, details: {} });
  });
});
