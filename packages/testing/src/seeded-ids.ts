import { seededRandom } from './seeded-random.ts';

/**
 * A source of ids that are unique and the same in each test run: the `makeId` of a run or of a runtime.
 *
 * @param seed - Text is a prefix that ids count from: `run-1`, `run-2`. A number seeds UUIDs of version 7 (RFC 9562)
 *   that sort in the order they were made, for code that checks the form of an id.
 * @example
 * ```ts
 * const run = await chat.run({ text: 'hi' }, { makeId: seededIds('run') });
 * console.log(run.runId); // 'run-1'
 * ```
 */
export function seededIds(seed: number | string): () => string {
  let made = 0;
  if (typeof seed === 'string') return () => `${seed}-${++made}`;
  const random = seededRandom(seed);
  const digits = (count: number): string => Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('');
  return () => {
    const time = (++made).toString(16).padStart(12, '0');
    const variant = (8 + Math.floor(random() * 4)).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(3)}-${variant}${digits(3)}-${digits(12)}`;
  };
}
