import { expect, test } from 'vitest';
import { bulkhead } from './bulkhead.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { memoryRateLimiter } from './memory-rate-limiter.ts';
import { rateLimit } from './rate-limit.ts';

const limit = { calls: 1, perMs: 1 };
const limiter = memoryRateLimiter();

test.each<[() => unknown, string]>([
  [() => bulkhead({ name: 1 as never, capacity: 1 }), 'Option "name of bulkhead()" must be a string that is not empty, received 1.'],
  [() => circuitBreaker({ name: '' }), 'Option "name of circuitBreaker()" must be a string that is not empty, received "".'],
  [
    () => bulkhead({ name: 'a', capacity: null as never }),
    'Option "capacity of bulkhead()" must be an integer of at least 1, received null.',
  ],
  [() => circuitBreaker({ name: 'a', ratio: 2 }), 'Option "ratio of circuitBreaker()" must be a number from 0 to 1, received 2.'],
  [
    () => circuitBreaker({ name: 'a', openMs: 2 ** 31 }),
    'Option "openMs of circuitBreaker()" must be a number of milliseconds above 0 and at most 2147483647, received 2147483648.',
  ],
  [() => circuitBreaker({ name: 'a', key: {} as never }), 'Option "key of circuitBreaker()" must be a function, received object.'],
  [
    () => rateLimit({ name: 'a', limiter: {} as never, limit }),
    'Option "limiter of rateLimit()" must be an object with take(), received object.',
  ],
  [
    () => rateLimit({ name: 'a', limiter, limit, onLimit: 'drop' as never }),
    'Option "onLimit of rateLimit()" must be one of "wait", "fail", received "drop".',
  ],
])('%# an option that cannot be used is refused in words', (make, message) => {
  expect(make).toThrowError(expect.objectContaining({ code: 'SF_OPTION_INVALID', message }));
});

test('the longest time that a timer keeps, and the whole of a share, can be used', () => {
  expect(() => circuitBreaker({ name: 'a', openMs: 2 ** 31 - 1, ratio: 1 })).not.toThrow();
});
