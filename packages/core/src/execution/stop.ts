import type { StageflowError } from '../errors.ts';

/** Why a run starts nothing new. */
export interface Stop {
  readonly status: 'failed' | 'blocked' | 'cancelled';
  readonly reason: string;
  readonly stage: string | undefined;
  readonly error: StageflowError | undefined;
  /** What signals abort with. */
  readonly signalReason: unknown;
}
