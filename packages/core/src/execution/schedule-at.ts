import type { Clock, Timer } from '../ports/clock.ts';

/** The longest that a timer of the platform can be set for. */
const longestTimerMs = 2_147_483_647;

/**
 * Calls back at a time of the wall clock, however far away; after a tick where it has passed.
 *
 * @param at - Epoch milliseconds.
 */
export function scheduleAt(clock: Clock, at: number, callback: () => void): Timer {
  let timer: Timer;
  const set = (): void => {
    const leftMs = Math.max(0, at - clock.now());
    timer = clock.schedule(() => (at <= clock.now() ? callback() : set()), Math.min(leftMs, longestTimerMs));
  };
  set();
  return { cancel: () => timer.cancel() };
}
