import type { Stop } from './stop.ts';

/** A stage that has started and is more than one call: attempts with limits, or a region. */
export interface Execution {
  /** Begins, or begins again after a wait. */
  start(): void;
  /** The scope stops: aborts what is under way. */
  stop(stop: Stop): void;
  /** The patience of the scope is over: nothing of this may count or emit any more. */
  close(): void;
  /** It is not wanted any more: aborts what is under way, and ends as skipped. */
  withdraw(reason: string): void;
  /** Whether it counts among the calls that a limit lets be under way. */
  readonly holdsSlot: boolean;
  /** Whether a function of the host is under way. */
  readonly isCalling: boolean;
}
