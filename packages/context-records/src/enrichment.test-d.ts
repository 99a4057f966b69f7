import { contextConflicted, type Enrichment, enrichment, mergeEnrichments, type Profile } from '@stageflow/context-records';
import { type RunEvent, stage } from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';

declare const event: RunEvent;

test('what an enrichment holds follows from its kind, and kinds of the host hold what they are given', () => {
  const profile = enrichment('profile', { displayName: 'Ada' }, { fetchedAt: 0 });
  expectTypeOf(profile).toExtend<Enrichment<'profile', Profile>>();
  expectTypeOf(profile.data.displayName).toEqualTypeOf<string>();
  expectTypeOf(enrichment('shop.cart', { total: 3 }, { fetchedAt: 0 }).data).toEqualTypeOf<{ total: number }>();
  // @ts-expect-error a document has blocks
  enrichment('document', { title: 'No blocks' }, { fetchedAt: 0 });
  // @ts-expect-error it has to say when it was fetched
  enrichment('profile', {}, {});
});

test('only enrichments of one kind merge, and the strategies are four words', () => {
  const profile: Enrichment<'profile'> = enrichment('profile', {}, { fetchedAt: 0 });
  const memory: Enrichment<'memory'> = enrichment('memory', {}, { fetchedAt: 0 });
  expectTypeOf(mergeEnrichments(profile, profile, { strategy: 'merge' })).toEqualTypeOf<Enrichment<'profile', Profile>>();
  // @ts-expect-error a memory is no profile
  mergeEnrichments(profile, memory, { strategy: 'merge' });
  // @ts-expect-error no strategy of that name
  mergeEnrichments(profile, profile, { strategy: 'newest' });
});

test('the context of a stage is what events are emitted through, and their payload is typed', () => {
  stage('profile', {
    run: (_, context) => {
      const record: Enrichment<'profile'> = enrichment('profile', {}, { fetchedAt: context.now() });
      return mergeEnrichments(record, record, { strategy: 'keep-new', context });
    },
  });
  if (contextConflicted.is(event)) expectTypeOf(event.payload.oldChecksum).toEqualTypeOf<string>();
});
