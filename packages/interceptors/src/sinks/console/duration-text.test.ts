import { expect, test } from 'vitest';
import { durationText } from './duration-text.ts';

test.each([
  [0, '0ms'],
  [0.4, '0ms'],
  [12.6, '13ms'],
  [999.4, '999ms'],
  [999.5, '1.0s'],
  [1_250, '1.3s'],
  [59_949, '59.9s'],
  [59_950, '1m 00s'],
  [125_000, '2m 05s'],
  [3_599_400, '59m 59s'],
  [3_599_500, '1h 00m'],
  [12_000_000, '3h 20m'],
])('%d milliseconds are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
