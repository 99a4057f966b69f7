import { StageflowError } from '@stageflow/core';

/** The longest delay that timers of the platform keep: 2^31 - 1 milliseconds. */
const longestTimerMs = 2_147_483_647;

/** @throws SF_OPTION_INVALID unless it is milliseconds that a timer can wait. */
export function checkTimer(option: string, value: number): void {
  check(option, value, `a number of milliseconds above 0 and at most ${longestTimerMs}`, value > 0 && value <= longestTimerMs);
}

/** @throws SF_OPTION_INVALID unless it is a finite number above 0. */
export function checkPositive(option: string, value: number, unit: string): void {
  check(option, value, `a number of ${unit} above 0`, value > 0 && Number.isFinite(value));
}

function check(option: string, value: unknown, expected: string, holds: boolean): void {
  if (typeof value === 'number' && holds) return;
  throw new StageflowError('SF_OPTION_INVALID', { option, expected, received: `the ${typeof value} ${String(value)}` });
}
