import { describe, expectTypeOf, test } from 'vitest';
import { defineError } from './define-error.ts';
import { type AnyErrorCode, isStageflowError, StageflowError } from './errors.ts';

const quotaSpent = defineError('SHOP_QUOTA_SPENT', {
  message: ({ customer }: { customer: string }) => customer,
  hint: ({ customer }) => customer,
});

describe('errors', () => {
  test('of the table carry the details of their code', () => {
    const error = new StageflowError('SF_PLAN_EMPTY', { pipeline: 'p' });
    expectTypeOf(error.code).toEqualTypeOf<'SF_PLAN_EMPTY'>();
    expectTypeOf(error.details).toEqualTypeOf<{ readonly pipeline: string }>();
    // @ts-expect-error: it has no such details
    new StageflowError('SF_PLAN_EMPTY', { stage: 'p' });
    // @ts-expect-error: there is no such code
    new StageflowError('SF_PLAN_EMPTI', { pipeline: 'p' });
  });

  test('that were defined carry theirs', () => {
    const error = new StageflowError(quotaSpent, { customer: 'acme' });
    expectTypeOf(error.code).toEqualTypeOf<'SHOP_QUOTA_SPENT'>();
    expectTypeOf(error.details).toEqualTypeOf<{ customer: string }>();
    expectTypeOf(error).toExtend<StageflowError>();
    // @ts-expect-error: it has no such details
    new StageflowError(quotaSpent, { customers: 'acme' });
  });

  test('are narrowed by a code or a definition', () => {
    const error: unknown = undefined;
    if (isStageflowError(error, 'SF_PLAN_EMPTY')) expectTypeOf(error.details).toEqualTypeOf<{ readonly pipeline: string }>();
    if (isStageflowError(error, quotaSpent)) expectTypeOf(error.details).toEqualTypeOf<{ customer: string }>();
    if (isStageflowError(error)) {
      expectTypeOf(error.code).toEqualTypeOf<AnyErrorCode>();
      expectTypeOf(error.details).toEqualTypeOf<unknown>();
    }
  });
});
