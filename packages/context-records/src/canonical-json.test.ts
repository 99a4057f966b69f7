import { isStageflowError } from '@stageflow/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { recordInvalid } from './errors.ts';

function refusal(data: unknown): string | undefined {
  try {
    canonicalJson(data);
  } catch (error) {
    if (isStageflowError(error, recordInvalid)) return error.message;
    throw error;
  }
  return undefined;
}

describe('canonicalJson', () => {
  test('is JSON that reads back as the data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        expect(JSON.parse(canonicalJson(data))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
    );
  });

  test('does not see the order of members, and sees the order of items', () => {
    expect(canonicalJson({ b: 1, a: { d: 2, c: 3 } })).toBe(canonicalJson({ a: { c: 3, d: 2 }, b: 1 }));
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });

  test('leaves out members that are undefined', () => {
    expect(canonicalJson({ a: 1, b: undefined })).toBe('{"a":1}');
  });

  test('refuses what is not plain, with its place', () => {
    const own: Record<string, unknown> = {};
    own['me'] = own;
    const must = 'in the data of a record must be plain data, as JSON has it, received';
    expect(refusal({ at: [new Date(0)] })).toBe(`"at[0]" ${must} an instance of Date.`);
    expect(refusal({ score: Number.NaN })).toBe(`"score" ${must} NaN.`);
    expect(refusal({ load: () => 1 })).toBe(`"load" ${must} a function.`);
    expect(refusal({ deep: { count: 1n } })).toBe(`"deep.count" ${must} a bigint.`);
    expect(refusal(own)).toBe(`"me" ${must} a value that holds itself.`);
    expect(refusal(Symbol.iterator)).toBe('The data of a record must be plain data, as JSON has it, received a symbol.');
  });

  test('takes one value that stands in two places', () => {
    const shared = { a: 1 };
    expect(refusal({ one: shared, other: shared })).toBeUndefined();
  });
});
