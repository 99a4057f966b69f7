import { memoryIdempotencyStore } from '@stageflow/core';
import { expect, test } from 'vitest';
import { recordingLogger } from '../test/recording-logger.ts';
import { defaultInterceptors } from './default-interceptors.ts';

test('the list is there to be seen, and what is not given is not in it', () => {
  const [logger, idempotencyStore] = [recordingLogger(), memoryIdempotencyStore()];
  const names = (options?: Parameters<typeof defaultInterceptors>[0]) => defaultInterceptors(options).map(({ name }) => name);
  expect(names({ logger, idempotencyStore })).toEqual(['logging', 'idempotency']);
  expect(names({ logger })).toEqual(['logging']);
  expect(names({ idempotencyStore })).toEqual(['idempotency']);
  expect(names()).toEqual([]);
});
