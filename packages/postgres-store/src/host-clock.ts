import type { Clock, Timer } from '@stageflow/core/ports';

/** A timer that can let the process end before it is due. */
export interface HostTimer extends Timer {
  unref?(): void;
}

/** The clock of the host. */
export const hostClock: Clock & { schedule(callback: () => void, delayMs: number): HostTimer } = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(callback, delayMs) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout), unref: () => void timeout.unref() };
  },
};
