import { isStageflowError } from '@stageflow/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emittedIn } from '../test/emitted-in.ts';
import { type Enrichment, enrichment, isIntact } from './enrichment.ts';
import { contextConflict, recordInvalid } from './errors.ts';
import { contextConflicted } from './events.ts';
import { type MergeStrategy, mergeEnrichments } from './merge-enrichments.ts';
import type { Profile } from './profile.ts';

const old: Enrichment<'profile'> = enrichment<'profile', Profile>(
  'profile',
  { displayName: 'Ada', goals: ['sleep'], preferences: { tone: 'brief', units: { length: 'm' } } },
  { id: 'u1', version: 3, fetchedAt: 1_000, maxAgeMs: 500 },
);
const fresh: Enrichment<'profile'> = enrichment<'profile', Profile>(
  'profile',
  { goals: ['sleep', 'run'], preferences: { tone: 'warm', units: { weight: 'kg' } } },
  { id: 'u1', version: 2, fetchedAt: 2_000 },
);

describe('mergeEnrichments', () => {
  test('keeps the old one, or the new one, whatever their versions are', () => {
    expect(mergeEnrichments(old, fresh, { strategy: 'keep-old' })).toBe(old);
    expect(mergeEnrichments(old, fresh, { strategy: 'keep-new' })).toBe(fresh);
  });

  test('makes one of both, as old as the older and as strict as the stricter', () => {
    const merged = mergeEnrichments(old, fresh, { strategy: 'merge' });
    expect(merged).toEqual({
      ...old,
      data: { displayName: 'Ada', goals: ['sleep', 'run'], preferences: { tone: 'warm', units: { length: 'm', weight: 'kg' } } },
      checksum: merged.checksum,
    });
    expect(isIntact(merged)).toBe(true);
  });

  test('makes one of both as `combine` says', () => {
    const merged = mergeEnrichments(old, fresh, { strategy: 'merge', combine: (one) => ({ ...one, displayName: 'both' }) });
    expect(merged.data.displayName).toBe('both');
    expect(isIntact(merged)).toBe(true);
  });

  test('throws a typed error for the strategy error, and only where they differ', () => {
    const thrown = caught(() => mergeEnrichments(old, fresh, { strategy: 'error' }));
    expect(isStageflowError(thrown, contextConflict) && thrown.message).toBe(
      'Two enrichments of profile "u1" differ: the old one has version 3, the new one has version 2.',
    );
    expect(mergeEnrichments(old, { ...old, fetchedAt: 5_000 }, { strategy: 'error' }).fetchedAt).toBe(5_000);
  });

  test('keeps the one that was fetched later where both say the same', () => {
    const later = { ...old, fetchedAt: 5_000 };
    expect(mergeEnrichments(old, later, { strategy: 'keep-old' })).toBe(later);
    expect(mergeEnrichments(later, old, { strategy: 'keep-new' })).toBe(later);
  });

  test('refuses two that are not about the same thing, and a strategy that is none', () => {
    const message = (act: () => unknown) => {
      const thrown = caught(act);
      return isStageflowError(thrown, recordInvalid) ? thrown.message : thrown;
    };
    expect(message(() => mergeEnrichments(old, { ...fresh, id: undefined }, { strategy: 'merge' }))).toBe(
      'The enrichment to merge in must be of profile "u1", received profile.',
    );
    const strategy = 'newest' as MergeStrategy;
    expect(message(() => mergeEnrichments(old, fresh, { strategy }))).toBe(
      '"strategy" must be keep-old, keep-new, merge or error, received newest.',
    );
  });

  test('emits one event for each conflict, before it decides, and none where both say the same', async () => {
    const strategies: readonly MergeStrategy[] = ['keep-old', 'keep-new', 'merge', 'error'];
    const emitted = await emittedIn((context) => {
      for (const strategy of strategies) {
        caught(() => mergeEnrichments(old, fresh, { strategy, context }));
        mergeEnrichments(old, old, { strategy, context });
      }
    });
    expect(emitted.map((event) => (contextConflicted.is(event) ? event.payload : event))).toEqual(
      strategies.map((strategy) => ({
        kind: 'profile',
        id: 'u1',
        strategy,
        oldVersion: 3,
        newVersion: 2,
        oldChecksum: old.checksum,
        newChecksum: fresh.checksum,
      })),
    );
  });

  test('makes a member called __proto__ no prototype', () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"admin":true}}');
    const one: Enrichment<'x', unknown> = enrichment('x', { a: 1 }, { fetchedAt: 0 });
    const other: Enrichment<'x', unknown> = enrichment('x', hostile, { fetchedAt: 0 });
    const { data } = mergeEnrichments(one, other, { strategy: 'merge' });
    expect(JSON.stringify(data)).toBe('{"a":1,"__proto__":{"admin":true}}');
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });
});

describe('the laws of merging hold for', () => {
  const records = fc
    .record({ data: fc.jsonValue({ maxDepth: 3 }), version: fc.option(fc.nat(9), { nil: undefined }), fetchedAt: fc.nat(9) })
    .map(({ data, ...options }): Enrichment<'x', unknown> => enrichment('x', data, options));
  const merged = (one: Enrichment<'x', unknown>, other: Enrichment<'x', unknown>) => mergeEnrichments(one, other, { strategy: 'merge' });

  test('one with itself: nothing changes', () => {
    fc.assert(
      fc.property(records, fc.constantFrom<MergeStrategy>('keep-old', 'keep-new', 'merge', 'error'), (one, strategy) => {
        expect(mergeEnrichments(one, one, { strategy })).toBe(one);
      }),
    );
  });

  test('what was merged in already: it adds nothing, from either side', () => {
    fc.assert(
      fc.property(records, records, (one, other) => {
        const both = merged(one, other);
        expect(merged(one, both).checksum).toBe(both.checksum);
        expect(merged(both, both).checksum).toBe(both.checksum);
      }),
    );
  });

  test('any two: the result is intact, no newer than either, and has the greater version', () => {
    fc.assert(
      fc.property(records, records, (one, other) => {
        const both = merged(one, other);
        expect(isIntact(both)).toBe(true);
        if (one.checksum === other.checksum) return;
        expect(both.fetchedAt).toBe(Math.min(one.fetchedAt, other.fetchedAt));
        expect(both.version ?? -1).toBe(Math.max(one.version ?? -1, other.version ?? -1));
      }),
    );
  });
});

function caught(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
