import { StageflowError } from '@stageflow/core';

/** The longest delay that timers of the platform keep: 2^31 - 1 milliseconds, about 24.8 days. */
export const longestTimerMs = 2_147_483_647;

/** What an option must be, in words, and whether a value is. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

export const aCount: Rule = { expected: 'an integer of at least 1', holds: isIntegerFrom(1) };
export const aLength: Rule = { expected: 'an integer of at least 0', holds: isIntegerFrom(0) };
export const aShare: Rule = { expected: 'a number from 0 to 1', holds: isWithin(0, 1) };
export const aDuration: Rule = {
  expected: `a number of milliseconds above 0 and at most ${longestTimerMs}`,
  holds: (value) => value !== 0 && isWithin(0, longestTimerMs)(value),
};
export const aPositiveNumber: Rule = {
  expected: 'a finite number above 0',
  holds: (value) => value !== 0 && isWithin(0, Number.MAX_VALUE)(value),
};
export const aName: Rule = { expected: 'a string that is not empty', holds: (value) => typeof value === 'string' && value !== '' };
export const aFunction: Rule = { expected: 'a function', holds: (value) => typeof value === 'function' };

export function oneOf(...words: readonly string[]): Rule {
  return { expected: `one of ${words.map((word) => `"${word}"`).join(', ')}`, holds: (value) => words.includes(value as string) };
}

export function anObjectWith(member: string): Rule {
  return {
    expected: `an object with ${member}()`,
    holds: (value) => typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[member] === 'function',
  };
}

/**
 * Refuses values that break their rule, by the names of their options.
 *
 * @param subject - Whose options they are: `circuitBreaker()`.
 * @throws SF_OPTION_INVALID
 */
export function checkOptions(subject: string, options: Readonly<Record<string, readonly [value: unknown, rule: Rule]>>): void {
  for (const [name, [value, { expected, holds }]] of Object.entries(options)) {
    if (holds(value)) continue;
    throw new StageflowError('SF_OPTION_INVALID', { option: `${name} of ${subject}`, expected, received: inWords(value) });
  }
}

function isIntegerFrom(least: number): (value: unknown) => boolean {
  return (value) => Number.isSafeInteger(value) && (value as number) >= least;
}

function isWithin(least: number, most: number): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && value >= least && value <= most;
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || value === null ? String(value) : typeof value;
}
