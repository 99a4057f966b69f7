import {
  block,
  cancel,
  type Guard,
  type GuardValues,
  guard,
  type Input,
  inputs,
  optional,
  pass,
  review,
  type Stage,
  skip,
  stage,
  transform,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, limit } = inputs<{ text: string; limit: number }>();
const reply = stage('reply', { needs: { text }, run: ({ text }) => ({ text }) });
type Text = Input<'text', string, string>;
type Limit = Input<'limit', number, number>;

describe('guard()', () => {
  test('yields its subject, whatever the subject is', () => {
    const safeText = guard('safe text', { subject: text, check: ({ subject }) => (subject === '' ? block('empty') : pass()) });
    const safeReply = guard('safe reply', { subject: reply, check: async () => pass() });
    expectTypeOf(safeText).toEqualTypeOf<Guard<string, Text, never, { readonly subject: string }>>();
    expectTypeOf(safeReply).toEqualTypeOf<Guard<{ text: string }, Text, never, { readonly subject: { text: string } }>>();
  });

  test('sees the subject and what else it needs', () => {
    const safe = guard('safe', {
      subject: reply,
      needs: { limit },
      when: ({ subject, limit }) => subject.text.length > limit,
      check: (values) => {
        expectTypeOf(values).toEqualTypeOf<{ readonly subject: { text: string }; readonly limit: number }>();
        expectTypeOf(values).toEqualTypeOf<GuardValues<typeof reply, { readonly limit: typeof limit }>>();
        return pass();
      },
    });
    expectTypeOf(safe).toEqualTypeOf<
      Guard<{ text: string }, Text | Limit, 'may skip', { readonly subject: { text: string }; readonly limit: number }>
    >();
  });

  test('may hand on another value of the same type', () => {
    guard('safe', { subject: reply, check: ({ subject }) => transform({ text: subject.text.trim() }) });
    guard('safe', {
      subject: reply,
      // @ts-expect-error readers of the guard expect the type of its subject
      check: ({ subject }) => transform(subject.text.length),
    });
  });

  test('may ask for a review, or stop the run', () => {
    guard('safe', { subject: reply, check: ({ subject }) => (subject.text === '' ? review({ ask: 'ok?' }) : cancel('no')) });
  });

  test('has no other answers: no value, no boolean, no skip, nothing', () => {
    guard('bad', {
      subject: text,
      // @ts-expect-error true is no verdict
      check: ({ subject }) => subject === '',
    });
    guard('bad', {
      subject: text,
      // @ts-expect-error one way returns nothing
      check: ({ subject }) => (subject === '' ? block('empty') : undefined),
    });
    guard('bad', {
      subject: text,
      // @ts-expect-error a guard that may be skipped says so by `when`
      check: () => skip('not today'),
    });
  });

  test('keeps the key `subject` to itself', () => {
    guard('bad', {
      subject: text,
      needs: {
        // @ts-expect-error the subject is given above
        subject: reply,
      },
      check: () => pass(),
    });
  });

  test('must have a subject', () => {
    // @ts-expect-error there is nothing to judge
    guard('bad', { check: () => pass() });
  });

  test('is a stage, to be read as one', () => {
    const safe = guard('safe', { subject: text, check: () => pass() });
    expectTypeOf(safe).toExtend<Stage<string, Text, never>>();
    optional(safe);
  });

  test('has no contract of its own', () => {
    guard('bad', {
      subject: text,
      // @ts-expect-error the producer of the subject has it
      output: undefined as never,
      check: () => pass(),
    });
  });
});
