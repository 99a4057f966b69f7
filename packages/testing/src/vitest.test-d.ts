import type { Run } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { expect, test } from 'vitest';
import '@stageflow/testing/vitest';

declare const run: Run;

test('matchers know the fields of each event and each outcome', () => {
  const sink = recordingSink();
  expect(sink).toHaveEmitted('attempt.failed', { stage: 'answer', retryInMs: expect.any(Number) });
  // @ts-expect-error a completed stage has no retryInMs
  expect(sink).toHaveEmitted('stage.completed', { retryInMs: 1 });
  // @ts-expect-error there is no such event
  expect(sink).toHaveEmitted('stage.finished');
  expect(sink).toHaveEmittedInOrder(['run.started', { type: 'stage.completed', stage: 'answer' }]);
  // @ts-expect-error an attempt is a number
  expect(sink).toHaveEmittedInOrder([{ type: 'stage.completed', attempt: 'first' }]);
  expect(run).toHaveOutcome('answer', 'skipped', { reason: 'anonymous' });
  // @ts-expect-error a skipped stage has no output
  expect(run).toHaveOutcome('answer', 'skipped', { output: 1 });
  // @ts-expect-error there is no such status
  expect(run).toHaveStatus('done');
});
