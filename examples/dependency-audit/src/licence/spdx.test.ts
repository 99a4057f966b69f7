import { describe, expect, test } from 'vitest';
import { isAcceptable, parseLicence } from './spdx.ts';

const allows = (text: string, ...allowed: string[]): boolean | undefined => {
  const expression = parseLicence(text);
  return expression && isAcceptable(expression, (licence) => allowed.includes(licence));
};

describe('parseLicence() and isAcceptable()', () => {
  test.each([
    ['MIT', ['MIT'], true],
    ['MIT', ['ISC'], false],
    ['MIT OR GPL-3.0-only', ['MIT'], true],
    ['GPL-3.0-only or MIT', ['MIT'], true],
    ['MIT AND GPL-3.0-only', ['MIT'], false],
    ['MIT AND ISC', ['MIT', 'ISC'], true],
    ['(MIT AND (ISC OR GPL-2.0+))', ['MIT', 'GPL-2.0+'], true],
    ['GPL-2.0-only WITH Classpath-exception-2.0', ['GPL-2.0-only WITH Classpath-exception-2.0'], true],
    ['GPL-2.0-only WITH Classpath-exception-2.0', ['Classpath-exception-2.0'], false],
    ['LicenseRef-our-own', ['LicenseRef-our-own'], true],
  ])('decides %s where %j are allowed: %s', (text, allowed, expected) => {
    expect(allows(text, ...allowed)).toBe(expected);
  });

  test('lets AND bind closer than OR', () => {
    expect(allows('MIT OR ISC AND GPL-3.0-only', 'MIT')).toBe(true);
    expect(allows('(MIT OR ISC) AND GPL-3.0-only', 'MIT')).toBe(false);
  });

  test.each(['', 'SEE LICENSE IN LICENSE.md', 'Apache 2.0', 'MIT OR', 'AND MIT', '(MIT', 'MIT)', 'MIT WITH', 'MIT*', '('.repeat(5_000)])(
    'takes %j for no expression',
    (text) => {
      expect(parseLicence(text)).toBeUndefined();
    },
  );
});
