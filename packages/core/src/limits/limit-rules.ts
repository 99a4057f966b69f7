import { StageflowError } from '../errors.ts';
import { brokenRules, longestTimerMs } from '../plan/policy-problems.ts';
import type { OverloadOptions } from './overload.ts';
import type { ResourceOptions } from './resource-pool.ts';

/** One option that must hold, with what it must be in words. */
type Rule = Parameters<typeof brokenRules>[0][number];

/** The least and the highest priority: their levels times the longest `ageingMs` are still exact numbers. */
const highestPriority = 1_000_000;

/** An option that must be an integer of at least `least`. */
export function integer(option: string, value: unknown, least: number): Rule {
  const holds = (given: unknown): boolean => Number.isSafeInteger(given) && (given as number) >= least;
  return { option, value, expected: `an integer of at least ${least}`, holds };
}

/** An option that must be a time that timers can keep. */
export function duration(option: string, value: unknown): Rule {
  return {
    option,
    value,
    expected: `a number of milliseconds above 0 and at most ${longestTimerMs}`,
    holds: (given) => typeof given === 'number' && given > 0 && given <= longestTimerMs,
  };
}

/** An option that must be a length of time, however long. */
export function age(option: string, value: unknown): Rule {
  const holds = (given: unknown): boolean => Number.isFinite(given) && (given as number) >= 0;
  return { option, value, expected: 'a number of milliseconds of at least 0', holds };
}

/** An option that must be a text that is not empty. */
export function text(option: string, value: unknown): Rule {
  return { option, value, expected: 'a text that is not empty', holds: (given) => typeof given === 'string' && given !== '' };
}

/** An option that must be one of these words. */
export function oneOf(option: string, value: unknown, words: readonly string[]): Rule {
  const expected = words.map((word) => `"${word}"`).join(', ');
  return { option, value, expected: `one of ${expected}`, holds: (given) => words.includes(given as string) };
}

function share(option: string, value: unknown): Rule {
  return {
    option,
    value,
    expected: 'a number above 0 and at most 1',
    holds: (given) => typeof given === 'number' && given > 0 && given <= 1,
  };
}

function object(option: string, value: unknown): Rule {
  return { option, value, expected: 'an object of options', holds: (given) => typeof given === 'object' && given !== null };
}

/** The rules of {@link OverloadOptions}; a mark that the queue cannot reach is a mistake, too. */
function overloadRules(overload: OverloadOptions | undefined, queue: ResourceOptions['queue']): Rule[] {
  const { limit, timeoutMs } = queue ?? {};
  const { atUtilization, atQueue, atWaitMs, clearRatio } = overload ?? {};
  const below = (option: string, value: number | undefined, words: string, isReached: (mark: number) => boolean): Rule => ({
    option,
    value,
    expected: words,
    holds: (given) => isReached(given as number),
  });
  return [
    object('overload', overload),
    share('overload.atUtilization', atUtilization),
    integer('overload.atQueue', atQueue, 1),
    below('overload.atQueue', atQueue, `at most the ${limit} that may wait`, (mark) => !(mark > (limit ?? mark))),
    duration('overload.atWaitMs', atWaitMs),
    below(
      'overload.atWaitMs',
      atWaitMs,
      `less than the ${timeoutMs} ms that waits may take`,
      (mark) => !(mark >= (timeoutMs ?? Number.NaN)),
    ),
    share('overload.clearRatio', clearRatio),
  ];
}

/** The rules of {@link ResourceOptions}. */
export function resourceRules({ capacity, perKey, queue, ageingMs, overload }: ResourceOptions): Rule[] {
  return [
    integer('capacity', capacity ?? null, 1),
    integer('perKey', perKey, 1),
    object('queue', queue),
    integer('queue.limit', queue?.limit, 0),
    duration('queue.timeoutMs', queue?.timeoutMs),
    duration('ageingMs', ageingMs),
    ...overloadRules(overload, queue),
  ];
}

/**
 * Refuses options that break a rule.
 *
 * @param at - The option that holds these.
 * @throws SF_OPTION_INVALID
 */
export function checkRules(rules: readonly Rule[], at: string | undefined): void {
  const [broken] = brokenRules(rules);
  if (broken === undefined) return;
  throw new StageflowError('SF_OPTION_INVALID', { ...broken, option: at === undefined ? broken.option : `${at}.${broken.option}` });
}

/** @throws SF_OPTION_INVALID */
export function checkPriority(priority: number): void {
  // The usual case makes no rule.
  if (priority === 0) return;
  const expected = `a number from -${highestPriority} to ${highestPriority}`;
  const holds = (given: unknown): boolean => typeof given === 'number' && Math.abs(given) <= highestPriority;
  checkRules([{ option: 'priority', value: priority, expected, holds }], undefined);
}
