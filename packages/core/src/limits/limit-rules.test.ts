import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { type ResourceOptions, resourcePool } from './resource-pool.ts';

const clock = virtualClock();

/** What is said about the options of a pool, or nothing. */
function complaint(options: unknown, option?: string): string | undefined {
  try {
    resourcePool(options as ResourceOptions, { clock, option });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the options of a resource', () => {
  test.each<ResourceOptions>([
    { capacity: 1 },
    { capacity: 1, perKey: 1, queue: {}, ageingMs: 0.5, overload: {} },
    { capacity: 2, queue: { limit: 0, timeoutMs: 2_147_483_647 } },
    { capacity: 2, queue: { limit: 5, timeoutMs: 10 }, overload: { atQueue: 5, atWaitMs: 9, atUtilization: 1, clearRatio: 1 } },
    { capacity: 2, overload: { atQueue: 5, atWaitMs: 9 } },
  ])('may be %o', (options) => {
    expect(complaint(options)).toBeUndefined();
  });

  test.each([
    ['capacity', {}, 'must be an integer of at least 1, received null.'],
    ['capacity', { capacity: 0 }, 'must be an integer of at least 1, received the number 0.'],
    ['capacity', { capacity: Number.POSITIVE_INFINITY }, 'must be an integer of at least 1, received the number Infinity.'],
    ['perKey', { capacity: 1, perKey: 1.5 }, 'must be an integer of at least 1, received the number 1.5.'],
    ['queue', { capacity: 1, queue: 5 }, 'must be an object of options, received the number 5.'],
    ['queue', { capacity: 1, queue: null }, 'must be an object of options, received null.'],
    ['queue.limit', { capacity: 1, queue: { limit: -1 } }, 'must be an integer of at least 0, received the number -1.'],
    ['queue.timeoutMs', { capacity: 1, queue: { timeoutMs: 0 } }, 'must be a number of milliseconds above 0 and at most 2147483647'],
    ['queue.timeoutMs', { capacity: 1, queue: { timeoutMs: '5' } }, 'must be a number of milliseconds above 0 and at most 2147483647'],
    ['ageingMs', { capacity: 1, ageingMs: 2 ** 31 }, 'must be a number of milliseconds above 0 and at most 2147483647'],
    ['overload', { capacity: 1, overload: true }, 'must be an object of options, received the boolean true.'],
    [
      'overload.atUtilization',
      { capacity: 1, overload: { atUtilization: 0 } },
      'must be a number above 0 and at most 1, received the number 0.',
    ],
    [
      'overload.atUtilization',
      { capacity: 1, overload: { atUtilization: 80 } },
      'must be a number above 0 and at most 1, received the number 80.',
    ],
    ['overload.atUtilization', { capacity: 1, overload: { atUtilization: '1' } }, 'must be a number above 0 and at most 1'],
    ['overload.atQueue', { capacity: 1, overload: { atQueue: 0 } }, 'must be an integer of at least 1, received the number 0.'],
    [
      'overload.atQueue',
      { capacity: 1, queue: { limit: 4 }, overload: { atQueue: 5 } },
      'must be at most the 4 that may wait, received the number 5.',
    ],
    ['overload.atWaitMs', { capacity: 1, overload: { atWaitMs: Number.NaN } }, 'must be a number of milliseconds above 0'],
    [
      'overload.atWaitMs',
      { capacity: 1, queue: { timeoutMs: 10 }, overload: { atWaitMs: 10 } },
      'must be less than the 10 ms that waits may take, received the number 10.',
    ],
    [
      'overload.clearRatio',
      { capacity: 1, overload: { clearRatio: 1.1 } },
      'must be a number above 0 and at most 1, received the number 1.1.',
    ],
  ])('cannot have such a "%s": %o', (option, options, words) => {
    expect(complaint(options)).toContain(`Option "${option}" ${words}`);
  });

  test('are named in full where they are part of others', () => {
    expect(complaint({ capacity: -1 }, 'limits.resources.model')).toContain('Option "limits.resources.model.capacity" must be');
  });
});
