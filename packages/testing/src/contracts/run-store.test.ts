import { memoryRunStore } from '@stageflow/core';
import { runStoreContract } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

describe('the memory store', () => {
  test.each(runStoreContract)('$name', ({ run }) => run(memoryRunStore()));
});

test('names of cases are unique', () => {
  const names = runStoreContract.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
