import {
  block,
  type Feedback,
  guard,
  guarded,
  type Input,
  inputs,
  type Local,
  pass,
  type Region,
  skip,
  stage,
  transform,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text } = inputs<{ text: string }>();
type Text = Input<'text', string, string>;

describe('guarded()', () => {
  test('gives its body the feedback, and yields what the guard lets pass', () => {
    const reply = guarded('reply', (feedback) => {
      expectTypeOf(feedback).toEqualTypeOf<Local<'reply', Feedback | undefined>>();
      const draft = stage('draft', { needs: { text, feedback }, run: ({ text, feedback }) => `${text} ${feedback?.reason}`.length });
      return guard('short', { subject: draft, check: ({ subject }) => (subject < 9 ? pass() : block('too long')) });
    });
    expectTypeOf(reply).toEqualTypeOf<Region<number, Text, never>>();
  });

  test('yields what the guard makes of the draft', () => {
    const reply = guarded('reply', (feedback) => {
      const draft = stage('draft', { needs: { feedback }, run: () => 1 });
      return guard('clamped', { subject: draft, check: ({ subject }) => (subject > 0 ? pass() : transform(0)) });
    });
    expectTypeOf(reply).toEqualTypeOf<Region<number, never, never>>();
  });

  test('may skip where the draft may', () => {
    const reply = guarded('reply', (feedback) => {
      const draft = stage('draft', { needs: { feedback, text }, run: ({ text }) => (text === '' ? skip('empty') : text) });
      return guard('any', { subject: draft, check: () => pass() });
    });
    expectTypeOf(reply).toEqualTypeOf<Region<string, Text, 'may skip'>>();
  });

  test('refuses a body that yields no guard', () => {
    // @ts-expect-error who judges the draft?
    guarded('reply', (feedback) => stage('draft', { needs: { feedback }, run: () => 1 }));
  });
});
