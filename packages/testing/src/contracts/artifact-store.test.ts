import { memoryArtifactStore } from '@stageflow/core';
import { artifactStoreContract } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

describe('the memory store', () => {
  test.each(artifactStoreContract)('$name', ({ run }) => run(memoryArtifactStore()));
});

test('names of cases are unique', () => {
  const names = artifactStoreContract.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
