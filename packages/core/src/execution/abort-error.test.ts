import { expect, test } from 'vitest';
import { isAbort } from './abort-error.ts';

const reason = new Error('enough');
const unreadable = new Proxy(
  {},
  {
    get() {
      throw new Error('get');
    },
  },
);

test.each<[string, unknown, boolean]>([
  ['the reason itself', reason, true],
  ['what the platform throws', new DOMException('aborted', 'AbortError'), true],
  ['an error caused by the reason', new Error('request failed', { cause: reason }), true],
  ['another error', new Error('no'), false],
  ['a timeout of the platform', new DOMException('too slow', 'TimeoutError'), false],
  ['a string', 'AbortError', false],
  ['null', null, false],
])('isAbort() of %s is %s', (_, error, expected) => {
  expect(isAbort(error, reason)).toBe(expected);
});

test('isAbort() knows a reason that is no object', () => {
  expect([isAbort('enough', 'enough'), isAbort('other', 'enough')]).toEqual([true, false]);
});

test('isAbort() of an object whose members cannot be read is false', () => {
  expect(isAbort(unreadable, reason)).toBe(false);
});

test('isAbort() of what has no cause is false where the signal has no reason', () => {
  const thrown = ['no', 7, null, {}, new Error('no')];
  expect(thrown.map((error) => isAbort(error, undefined))).toEqual(thrown.map(() => false));
  expect(isAbort(new DOMException('aborted', 'AbortError'), undefined)).toBe(true);
  expect(isAbort(undefined, undefined)).toBe(true);
});
