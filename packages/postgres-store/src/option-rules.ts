import { StageflowError } from '@stageflow/core';

/** The longest that is kept, milliseconds: a sum with it is still a number of which no millisecond is lost. */
const longestMs = 2 ** 52;

/** The longest delay that timers of the platform keep, milliseconds. */
const longestTimerMs = 2_147_483_647;

/** @throws SF_OPTION_INVALID unless it is above 0. */
export function wholeMs(option: string, ms: number): number {
  if (ms > 0) return Math.ceil(Math.min(ms, longestMs));
  throw new StageflowError('SF_OPTION_INVALID', { option, expected: 'a number of milliseconds above 0', received: String(ms) });
}

/** What a timer can keep of it. @throws SF_OPTION_INVALID unless it is above 0. */
export function timerMs(option: string, ms: number): number {
  return Math.min(wholeMs(option, ms), longestTimerMs);
}

/** @throws SF_OPTION_INVALID unless it is an integer of at least 1. */
export function demandCount(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new StageflowError('SF_OPTION_INVALID', { option, expected: 'an integer of at least 1', received: String(value) });
}
