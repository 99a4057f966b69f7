import type { Clock } from '@stageflow/core/ports';

/** A clock that is so far ahead of the host's. Whatever a process that is dead holds a lease of has run out by it. */
export function clockAhead(byMs: number): Clock {
  return {
    now: () => Date.now() + byMs,
    monotonic: () => performance.now(),
    schedule(callback, delayMs) {
      const timer = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
