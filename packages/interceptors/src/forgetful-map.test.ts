import { expect, test, vi } from 'vitest';
import { ForgetfulMap } from './forgetful-map.ts';

test('keeps everything while there are few keys, whatever could be forgotten', () => {
  const map = new ForgetfulMap<number>();
  for (let at = 0; at < 1_000; at++) map.set(`k${at}`, at, () => true);
  expect([map.size, map.get('k0'), map.get('k999'), map.get('other')]).toEqual([1_000, 0, 999, undefined]);
});

test('forgets what can be forgotten when there are many, and nothing else', () => {
  const map = new ForgetfulMap<number>();
  for (let at = 0; at <= 1_000; at++) map.set(`k${at}`, at, (value) => value % 100 !== 0);
  expect(map.entries().map(([, value]) => value)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000]);
});

test('never holds more than so many that can be forgotten, however many come', () => {
  const map = new ForgetfulMap<number>();
  let most = 0;
  for (let at = 0; at < 20_000; at++) {
    map.set(`k${at}`, at, () => true);
    most = Math.max(most, map.size);
  }
  expect(most).toBe(1_000);
});

test('does not look at everything each time where nothing can be forgotten', () => {
  const map = new ForgetfulMap<number>();
  const canForget = vi.fn(() => false);
  for (let at = 0; at < 8_000; at++) map.set(`k${at}`, at, canForget);
  expect(map.size).toBe(8_000);
  // At 1,000, 2,000 and 4,000.
  expect(canForget).toHaveBeenCalledTimes(7_000);
});
