import { createHash } from 'node:crypto';
import { isStageflowError } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { checksumOf, enrichment, isIntact, isStale } from './enrichment.ts';
import { recordInvalid } from './errors.ts';

describe('enrichment', () => {
  test('is a plain record with the SHA-256 of its data', () => {
    const record = enrichment('profile', { displayName: 'Ada' }, { id: 'u1', version: 3, fetchedAt: 1_000, maxAgeMs: 60_000 });
    expect(record).toEqual({
      kind: 'profile',
      id: 'u1',
      data: { displayName: 'Ada' },
      version: 3,
      checksum: createHash('sha256').update('{"displayName":"Ada"}').digest('hex'),
      fetchedAt: 1_000,
      maxAgeMs: 60_000,
    });
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });

  test('refuses data that are not plain and options that are not what they have to be, and says which', () => {
    const refusal = (make: () => unknown): unknown => {
      try {
        return make();
      } catch (error) {
        return isStageflowError(error, recordInvalid) ? error.message : error;
      }
    };
    const memory = { topics: ['tea'] };
    expect(refusal(() => enrichment('memory', memory, { fetchedAt: Number.NaN }))).toBe(
      '"fetchedAt" of an enrichment must be a time in epoch milliseconds, received NaN.',
    );
    expect(refusal(() => enrichment('memory', memory, { fetchedAt: 0, version: 1.5 }))).toBe(
      '"version" of an enrichment must be a whole number of at least 0, received 1.5.',
    );
    expect(refusal(() => enrichment('memory', memory, { fetchedAt: 0, maxAgeMs: -1 }))).toBe(
      '"maxAgeMs" of an enrichment must be at least 0 milliseconds, received -1.',
    );
    expect(refusal(() => enrichment('shop.cart', { since: new Date(0) }, { fetchedAt: 0 }))).toContain('"since" in the data of a record');
    expect(refusal(() => enrichment('memory', memory, { fetchedAt: 0, version: 0, maxAgeMs: 0 }))).toMatchObject({ version: 0 });
  });
});

describe('isStale', () => {
  test('is true past the age that is allowed, and not at it', () => {
    const record = enrichment('memory', {}, { fetchedAt: 1_000, maxAgeMs: 500 });
    expect([1_000, 1_500, 1_501].map((now) => isStale(record, now))).toEqual([false, false, true]);
  });

  test('is never true without an age, or before the record was made', () => {
    expect(isStale(enrichment('memory', {}, { fetchedAt: 0 }), Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(isStale(enrichment('memory', {}, { fetchedAt: 9_000, maxAgeMs: 0 }), 1_000)).toBe(false);
  });
});

test('isIntact sees data that were changed, and does not see the order of members', () => {
  const record = enrichment('profile', { userId: 'u1', displayName: 'Ada' }, { fetchedAt: 0 });
  expect(isIntact(record)).toBe(true);
  expect(isIntact({ ...record, data: { displayName: 'Ada', userId: 'u1' } })).toBe(true);
  expect(isIntact({ ...record, data: { displayName: 'Eve', userId: 'u1' } })).toBe(false);
  expect(checksumOf(record.data)).toBe(record.checksum);
});
