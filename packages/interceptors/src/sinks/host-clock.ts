import type { Clock } from '@stageflow/core/ports';

/** The clock of the host. Its timers keep the process alive: an event that waits for its batch is still to be exported. */
export const hostClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(callback, delayMs) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
