import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { messageOf, mistakesIn, mistakesPage, thrownByEach } from './mistakes.mjs';

const page = readFileSync(mistakesPage, 'utf8');
const mistakes = mistakesIn(page);

describe('the page of common mistakes', () => {
  let thrown: readonly unknown[] = [];
  let thrownMended: readonly unknown[] = [];
  beforeAll(async () => {
    thrown = await thrownByEach(mistakes.map(({ mistake }) => mistake));
    thrownMended = await thrownByEach(mistakes.map(({ mend }) => mend));
  }, 60_000);

  test('has at least twenty mistakes, and each heading is one', () => {
    expect(mistakes.length).toBeGreaterThanOrEqual(20);
    expect(mistakes.map(({ title }) => title)).toEqual(Array.from(page.matchAll(/^## (.+)$/gm), ([, title]) => title));
  });

  test.each(mistakes.map(({ title }, index) => [title, index] as const))('says what happens with: %s', (_, index) => {
    const error = thrown[index];
    expect(error).toBeInstanceOf(Error);
    expect(messageOf(error), 'to write the page anew: pnpm run mistakes:update').toBe(mistakes[index]?.message);
  });

  test.each(mistakes.map(({ title }, index) => [title, index] as const))('mends: %s', (_, index) => {
    expect(thrownMended[index]).toBeUndefined();
    expect(mistakes[index]?.mend).not.toBe(mistakes[index]?.mistake);
  });

  test('sees a module that throws nothing, and one that throws something else', async () => {
    const [nothing, other] = await thrownByEach(['const fine = 1;', "throw new TypeError('no');"]);
    expect(nothing).toBeUndefined();
    expect(messageOf(other)).toBe('TypeError: no\n');
  });
});
