import type { RunEvent } from '@stageflow/core';
import { analyticsSink } from '@stageflow/interceptors/sinks';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventOf } from '../../test/events.ts';

const topics = ['pipeline.completed', 'stage.answer.failed', 'stage.a.b.failed', 'auth.denied', 'authx'];

/** Which of these topics a sink takes that is given the patterns. */
function taken(patterns: readonly string[], candidates: readonly string[] = topics): readonly string[] {
  return candidates.filter((name) => {
    const sink = analyticsSink({ topics: patterns, export: () => {}, deadLetter: () => {} });
    void sink.emit({ ...eventOf(1), name } as RunEvent);
    return sink.counters.received === 1;
  });
}

test.each([
  [[], topics],
  [['pipeline.completed'], ['pipeline.completed']],
  [['pipeline'], []],
  [['stage.*.failed'], ['stage.answer.failed', 'stage.a.b.failed']],
  [
    ['auth.*', 'pipeline.*'],
    ['pipeline.completed', 'auth.denied'],
  ],
  [['auth*'], ['auth.denied', 'authx']],
  [['*'], topics],
  [['*a*e*d'], ['stage.answer.failed', 'stage.a.b.failed', 'auth.denied']],
  [['!stage.*'], ['pipeline.completed', 'auth.denied', 'authx']],
  [['*.failed', '!*.b.*'], ['stage.answer.failed']],
  [['!*.b.*', '*.failed'], ['stage.answer.failed']],
])('topics %j take %j', (patterns, expected) => {
  expect(taken(patterns)).toEqual(expected);
});

test('what a star stands for never overlaps with what is written', () => {
  expect(taken(['ab*ba'], ['aba', 'abba', 'ab-ba'])).toEqual(['abba', 'ab-ba']);
  expect(taken(['a*bc*c'], ['abc', 'abcc'])).toEqual(['abcc']);
});

test('a pattern matches as the expression that it stands for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (glob, topic) => {
      const expression = new RegExp(
        `^${glob
          .split('*')
          .map((part) => part.replaceAll('.', '\\.'))
          .join('.*')}$`,
      );
      expect(taken([glob], [topic]).length === 1).toBe(expression.test(topic));
    }),
  );
});

test('a pattern of many stars takes no time', () => {
  const started = performance.now();
  expect(taken([`${'*a'.repeat(50)}*b`], ['a'.repeat(100_000)])).toEqual([]);
  expect(performance.now() - started).toBeLessThan(1_000);
});

test.each([[''], ['!'], [7 as unknown as string]])('%j is no topic', (topic) => {
  expect(() => taken([topic])).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
});
