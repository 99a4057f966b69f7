import { StageflowError } from '@stageflow/core';

/** The longest delay that timers of the platform keep, milliseconds. */
const longestTimerMs = 2_147_483_647;

/** @throws SF_OPTION_INVALID unless `holds`. */
export function demand(holds: boolean, option: string, expected: string, value: unknown): void {
  if (holds) return;
  const received = typeof value === 'number' || typeof value === 'string' ? JSON.stringify(value) : typeof value;
  throw new StageflowError('SF_OPTION_INVALID', { option, expected, received: typeof value === 'number' ? String(value) : received });
}

/** @throws SF_OPTION_INVALID unless `value` is an integer of at least `least`. */
export function demandCount(option: string, value: number, least = 1): void {
  demand(Number.isSafeInteger(value) && value >= least, option, `an integer of at least ${least}`, value);
}

/** @throws SF_OPTION_INVALID unless `value` is a time that a timer can keep. */
export function demandDuration(option: string, value: number): void {
  demand(value > 0 && value <= longestTimerMs, option, `a number of milliseconds above 0 and at most ${longestTimerMs}`, value);
}
