import type { RunEvent } from '@stageflow/core';
import { expect, test } from 'vitest';
import { levelOf } from './event-level.ts';

test('an event of a later version of core is worth a line', () => {
  expect(levelOf({ type: 'run.archived' } as unknown as RunEvent)).toBe('info');
});
