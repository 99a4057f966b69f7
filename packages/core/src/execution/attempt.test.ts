import { expect, test } from 'vitest';
import { Attempt } from './attempt.ts';
import { systemClock } from './system-clock.ts';

const clock = systemClock();

test.each([true, false])('the first reason an attempt is aborted with stays, its signal read before: %s', (readBefore) => {
  const attempt = new Attempt(1, clock);
  if (readBefore) expect(attempt.signal.aborted).toBe(false);
  attempt.abort('too slow');
  attempt.abort('the run stops');
  expect(attempt.signal).toMatchObject({ aborted: true, reason: 'too slow' });
});

test('an attempt that was not aborted has a signal that is not', () => {
  expect(new Attempt(1, clock).signal.aborted).toBe(false);
});

test('a heartbeat is kept with the time it came at', () => {
  let now = 5;
  const attempt = new Attempt(1, { ...clock, monotonic: () => now });
  attempt.startClock();
  now = 9;
  expect(attempt).toMatchObject({ startedMono: 5, lastSignMono: 5 });
  attempt.heartbeat();
  expect(attempt).toMatchObject({ startedMono: 5, lastSignMono: 9 });
});
