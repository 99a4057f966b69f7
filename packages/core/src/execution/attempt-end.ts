import type { Asked } from '../control.ts';
import type { StageflowError } from '../errors.ts';
import type { StageOutcome } from '../outcome.ts';
import type { Scope } from './scope.ts';
import type { Stop } from './stop.ts';

/** How one attempt failed. */
export interface FailedAttempt {
  readonly ended: 'failed';
  readonly error: StageflowError;
  /** What the stage threw, where it did: what classifiers see. */
  readonly thrown: unknown;
  readonly afterMs?: number | undefined;
  /** `false`: no policy makes this worth another attempt. */
  readonly retryable?: boolean;
  /** Whether its call had not settled when it was given up. */
  readonly unsettled?: boolean;
}

/** How one attempt ended. */
export type AttemptEnd =
  | FailedAttempt
  | { readonly ended: 'completed'; readonly value: unknown; readonly cached?: boolean }
  | { readonly ended: 'blocked' | 'skipped' | 'cancels the run'; readonly reason: string }
  /** It waits for an answer. */
  | { readonly ended: 'suspended'; readonly type: 'answer' | 'review'; readonly asked: Asked }
  /** It obeyed the signal of its scope. */
  | { readonly ended: 'aborted' };

/** The same in the words of interceptors. */
export function outcomeOfAttempt(end: AttemptEnd, { stopped }: Scope): StageOutcome {
  switch (end.ended) {
    case 'completed':
      return { status: 'completed', output: end.value };
    case 'failed':
      return { status: 'failed', error: end.error };
    case 'blocked':
    case 'skipped':
      return { status: end.ended, reason: end.reason };
    case 'cancels the run':
      return { status: 'cancelled', reason: end.reason };
    case 'suspended':
      return { status: 'suspended', reason: `it waits for ${end.type === 'review' ? 'a review' : 'an answer'}` };
    case 'aborted':
      return { status: 'cancelled', reason: (stopped as Stop).reason };
  }
}
