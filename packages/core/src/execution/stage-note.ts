/** What there is to say of one stage beyond how it ended. Of most stages, nothing. */
export class StageNote {
  /** Calls of its function, where that is known not to be one. */
  attempts: number | undefined = undefined;
  /** Milliseconds in a queue. */
  queuedMs = 0;
  /** Calls that had not settled when they were given up. */
  unsettled = 0;
  /** Whether an interceptor had its value already. */
  cached = false;
  /** Whether it ended in an earlier activation. */
  restored = false;
  /** The path of the guard inside it that blocked. */
  blockedBy: string | undefined = undefined;
}
