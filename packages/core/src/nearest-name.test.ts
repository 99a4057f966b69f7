import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

test.each([
  ['answr', ['profile', 'answer', 'audit'], 'answer'],
  ['answer', ['answer', 'answers'], 'answer'],
  ['anwser', ['answer'], 'answer'],
  ['a', ['b'], 'b'],
  ['profile', ['answer'], undefined],
  ['ab', ['abcdef'], undefined],
  ['', ['a'], 'a'],
  ['x', [], undefined],
])('nearestName(%j, %j) is %j', (name, candidates, expected) => {
  expect(nearestName(name, candidates)).toBe(expected);
});

test('the first of two that are equally near is taken', () => {
  expect(nearestName('cat', ['bat', 'hat'])).toBe('bat');
});

test('a name without end costs no more than a look at its length', () => {
  const started = performance.now();
  expect(nearestName('x'.repeat(1_000_000), ['answer', 'profile'])).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(1_000);
});
