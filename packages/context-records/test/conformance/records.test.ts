// Rows of the earlier systems' list about records of the context.
import {
  contextConflict,
  contextTruncated,
  type Enrichment,
  enrichment,
  isStale,
  mergeEnrichments,
  truncateConversation,
} from '@stageflow/context-records';
import { isStageflowError } from '@stageflow/core';
import { expect, test } from 'vitest';
import { emittedIn } from '../emitted-in.ts';

test('[199] what was left out is counted, and told in one event; nothing left out is no event', async () => {
  const messages = ['first', 'second', 'third'].map((content) => ({ role: 'user', content }));
  const emitted = await emittedIn((context) => {
    truncateConversation({ messages }, { maxMessages: 1, context });
    truncateConversation({ messages: [] }, { maxMessages: 1, context });
  });
  expect(emitted).toHaveLength(1);
  expect(emitted.map((event) => contextTruncated.is(event) && event.payload)).toEqual([
    { subject: 'conversation', limit: 'maxMessages', keptCount: 1, leftOutCount: 2, keptCharacters: 5, leftOutCharacters: 11 },
  ]);
});

test('[200] content has a checksum; it is stale only past its age, and never without one', () => {
  const document = enrichment('document', { blocks: [{ type: 'text', text: 'x' }] }, { id: 'd1', fetchedAt: 0, maxAgeMs: 1_000 });
  expect(document.checksum).toMatch(/^[0-9a-f]{64}$/);
  expect([isStale(document, 1_000), isStale(document, 1_001)]).toEqual([false, true]);
  expect(isStale({ ...document, maxAgeMs: undefined }, 1e15)).toBe(false);
});

test('[201] a conflict is resolved by keeping the old, keeping the new, merging, or an error; equal values are none', () => {
  const record = (data: unknown): Enrichment<'x', unknown> => enrichment('x', data, { fetchedAt: 0 });
  const [old, fresh] = [record({ tags: ['a', 'b'], deep: { one: 1 } }), record({ tags: ['b', 'c'], deep: { two: 2 } })];
  expect(mergeEnrichments(old, fresh, { strategy: 'keep-old' }).data).toEqual(old.data);
  expect(mergeEnrichments(old, fresh, { strategy: 'keep-new' }).data).toEqual(fresh.data);
  expect(mergeEnrichments(old, fresh, { strategy: 'merge' }).data).toEqual({ tags: ['a', 'b', 'c'], deep: { one: 1, two: 2 } });
  const lines = { strategy: 'merge', combine: (one: unknown, other: unknown) => `${one}\n${other}` } as const;
  expect(mergeEnrichments(record('one'), record('two'), lines).data).toBe('one\ntwo');
  expect(() => mergeEnrichments(old, fresh, { strategy: 'error' })).toThrow(
    expect.toSatisfy((error) => isStageflowError(error, contextConflict)),
  );
  expect(mergeEnrichments(old, record(old.data), { strategy: 'error' }).data).toEqual(old.data);
});
