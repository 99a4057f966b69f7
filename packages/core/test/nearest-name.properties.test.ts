import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestName } from '../src/nearest-name.ts';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

/** Few letters, so that names are often near each other. */
const word = (minLength: number) =>
  fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength, maxLength: 9 }).map((letters) => letters.join(''));

/** The distance by its definition: the fewest insertions, deletions, substitutions and swaps of neighbours, none within another. */
function distance(left: string, right: string): number {
  const known = new Map<number, number>();
  const between = (row: number, column: number): number => {
    if (row === 0 || column === 0) return row + column;
    const key = row * 100 + column;
    const found = known.get(key);
    if (found !== undefined) return found;
    const isSame = left[row - 1] === right[column - 1];
    const ways = [between(row - 1, column) + 1, between(row, column - 1) + 1, between(row - 1, column - 1) + (isSame ? 0 : 1)];
    const isSwap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
    if (isSwap) ways.push(between(row - 2, column - 2) + 1);
    const least = Math.min(...ways);
    known.set(key, least);
    return least;
  };
  return between(left.length, right.length);
}

test('is the first of the closest candidates that are within a third of the longer name', () => {
  let found = 0;
  let none = 0;
  const check = (name: string, candidates: readonly string[]): void => {
    const near = candidates.filter((each) => distance(name, each) <= Math.max(1, Math.floor(Math.max(name.length, each.length) / 3)));
    const least = Math.min(...near.map((each) => distance(name, each)));
    const expected = near.find((each) => distance(name, each) === least);
    expect(nearestName(name, candidates)).toBe(expected);
    if (expected === undefined) none++;
    else found++;
  };
  fc.assert(fc.property(word(0), fc.array(word(0), { maxLength: 8 }), check), { numRuns, seed });
  expect(Math.min(found, none)).toBeGreaterThan(numRuns / 20);
});

test('is what was meant, after any one slip of the finger', () => {
  const slips: readonly ((text: string, at: number) => string)[] = [
    (text, at) => text.slice(0, at) + text.slice(at + 1),
    (text, at) => `${text.slice(0, at)}x${text.slice(at)}`,
    (text, at) => `${text.slice(0, at)}x${text.slice(at + 1)}`,
    (text, at) => text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2),
  ];
  const far = ['completely', 'different', 'otherwise'];
  const check = (meant: string, slip: (text: string, at: number) => string, where: number): void => {
    const at = where % (meant.length - 1);
    expect(nearestName(slip(meant, at), [...far, meant])).toBe(meant);
  };
  fc.assert(fc.property(word(2), fc.constantFrom(...slips), fc.nat(), check), { numRuns, seed });
});
