import {
  type EndedOutcome,
  type Guard,
  type Input,
  inputs,
  type Pipeline,
  pass,
  pipeline,
  type Route,
  type Schema,
  type Stage,
  type StageContext,
  services,
  skip,
  stage,
} from '@stageflow/core';
import { compose, flow } from '@stageflow/core/flow';
import { describe, expectTypeOf, test } from 'vitest';

const { text, userId, count } = inputs<{ text: string; userId?: string; count: number }>();
const { limit } = services<{ limit: number }>();
const base = flow('chat', { text, userId, limit })
  .stage('profile', { needs: ['userId'], run: ({ userId }) => (userId === undefined ? skip('anonymous') : { name: userId }) })
  .route('intent', { needs: ['text'], run: ({ text }) => (text.startsWith('buy') ? 'order' : 'question') })
  .stage('length', { needs: ['text'], run: async ({ text }) => text.length });
type Text = Input<'text', string, string>;

describe('flow.stage()', () => {
  test('types what a function receives by the names it needs', () => {
    base.stage('x', {
      needs: ['text', 'limit', 'intent', 'profile'],
      run: (values, context) => {
        expectTypeOf(values).toEqualTypeOf<{
          readonly text: string;
          readonly limit: number;
          readonly intent: 'order' | 'question';
          readonly profile: { name: string };
        }>();
        expectTypeOf(context).toEqualTypeOf<StageContext>();
      },
    });
    base.stage('x', {
      needs: [{ optional: 'profile' }, { settled: 'length' }, { firstOf: ['profile', 'length'], as: 'either' }],
      when: ({ either, length }) => either !== 0 && length.status === 'completed',
      run: (values) => {
        expectTypeOf(values).toEqualTypeOf<{
          readonly profile: { name: string } | undefined;
          readonly length: EndedOutcome<number>;
          readonly either: { name: string } | number;
        }>();
      },
    });
    base.stage('x', { run: (values) => expectTypeOf(values).toEqualTypeOf<Record<never, never>>() });
  });

  test('refuses a name that was not added before, at its place', () => {
    // @ts-expect-error it is called `text`
    base.stage('x', { needs: ['txt'], run: () => 1 });
    base.stage('x', {
      needs: [
        'text',
        // @ts-expect-error it is called `profile`
        { optional: 'profle' },
      ],
      run: () => 1,
    });
    base.stage('x', {
      needs: [
        // @ts-expect-error an input is there or not: only stages can be optional
        { optional: 'text' },
      ],
      run: () => 1,
    });
    base.stage('x', {
      needs: [
        // @ts-expect-error there is no such stage
        { firstOf: ['profile', 'other'], as: 'it' },
      ],
      run: () => 1,
    });
    base.stage('x', {
      needs: ['text'],
      // @ts-expect-error `profile` was not named
      run: ({ profile }) => profile,
    });
    base.stage('x', {
      // @ts-expect-error a list, not a name
      needs: 'text',
      run: () => 1,
    });
    base.stage('x', {
      // @ts-expect-error inputs are there from the beginning: only stages can be waited for
      after: ['text'],
      run: () => 1,
    });
    base.stage('x', { after: ['intent', 'profile'], run: () => 1 });
  });

  test('refuses a name that is taken', () => {
    // @ts-expect-error a stage has it
    base.stage('profile', { run: () => 1 });
    // @ts-expect-error an input has it
    base.stage('text', { run: () => 1 });
  });

  test('refuses arms that the route does not have, and conditions on what is no route', () => {
    base.stage('x', { when: { route: 'intent', is: ['order', 'question'] }, run: () => 1 });
    base.stage('x', {
      when: {
        route: 'intent',
        // @ts-expect-error it is called `order`
        is: ['oder'],
      },
      run: () => 1,
    });
    base.stage('x', {
      when: {
        route: 'profile',
        // @ts-expect-error a plain stage has no arms
        is: ['order'],
      },
      run: () => 1,
    });
    base.stage('x', {
      when: {
        // @ts-expect-error there is no such stage
        route: 'intnt',
        is: ['order'],
      },
      run: () => 1,
    });
  });

  test('refuses options that a stage does not have', () => {
    base.stage('x', {
      // @ts-expect-error it is called `retry`
      retries: 3,
      run: () => 1,
    });
    base.work('x', { idempotencyKey: () => 'k', run: () => 1 });
    base.stage('x', {
      // @ts-expect-error only work has one
      idempotencyKey: () => 'k',
      run: () => 1,
    });
  });
});

describe('flow.stages', () => {
  const full = base
    .stage('plain', { needs: ['text'], after: ['profile'], run: ({ text }) => text })
    .stage('gated', { needs: ['text'], when: { route: 'intent', is: ['order'] }, run: () => 1 })
    .stage('asked', { needs: ['text'], when: ({ text }) => text !== '', run: () => 1 })
    .stage('behind', { needs: ['profile'], run: () => 1 })
    .stage('tolerant', { needs: [{ optional: 'profile' }], run: () => 1 })
    .stage('lenient', { onFailure: 'skip', run: () => 1 })
    .stage('checked', { output: {} as Schema<string, Date>, run: () => '' })
    .work('save', { needs: ['checked'], run: ({ checked }) => checked.getTime() })
    .guard('safe', { subject: 'text', needs: ['limit'], check: ({ subject, limit }) => (subject.length < limit ? pass() : pass()) });
  const { stages } = full;

  test('are typed as those defined by reference', () => {
    const anywhere = stage('plain', { needs: { text }, after: [], run: ({ text }) => text });
    expectTypeOf(stages.length).toEqualTypeOf<Stage<number, Text, never, { readonly text: string }>>();
    expectTypeOf(flow('p', { text }).stage('plain', { needs: ['text'], run: ({ text }) => text }).stages.plain).toEqualTypeOf<
      typeof anywhere
    >();
    expectTypeOf(stages.intent).toEqualTypeOf<Route<'order' | 'question', Text, never, { readonly text: string }>>();
    expectTypeOf(stages.safe).toEqualTypeOf<
      Guard<string, Text | typeof limit, never, { readonly limit: number; readonly subject: string }>
    >();
    expectTypeOf(stages.checked).toEqualTypeOf<Stage<Date, never, never, Record<never, never>>>();
    expectTypeOf(stages.save['~types'].out).toEqualTypeOf<number>();
  });

  test('demand what they and those they name read, and may skip where one of these may', () => {
    expectTypeOf(stages.plain['~types'].in).toEqualTypeOf<Text | typeof userId>();
    expectTypeOf(stages.gated['~types'].in).toEqualTypeOf<Text>();
    expectTypeOf(stages.plain['~types'].skips).toEqualTypeOf<never>();
    expectTypeOf(stages.gated['~types'].skips).toEqualTypeOf<'may skip'>();
    expectTypeOf(stages.asked['~types'].skips).toEqualTypeOf<'may skip'>();
    expectTypeOf(stages.behind['~types'].skips).toEqualTypeOf<'may skip'>();
    expectTypeOf(stages.tolerant['~types'].skips).toEqualTypeOf<never>();
    expectTypeOf(stages.lenient['~types'].skips).toEqualTypeOf<'may skip'>();
  });
});

describe('flow.guard() and flow.route()', () => {
  test('refuse what is no verdict, and what is no string', () => {
    // @ts-expect-error a string is no verdict
    base.guard('safe', { subject: 'text', check: ({ subject }) => subject });
    // @ts-expect-error there is no such source
    base.guard('safe', { subject: 'txt', check: () => pass() });
    // @ts-expect-error a number names no way
    base.route('way', { needs: ['text'], run: ({ text }) => text.length });
  });
});

describe('flow.build()', () => {
  test('gives the pipeline of the same stages defined by reference', () => {
    const length = stage('length', { needs: { text }, run: async ({ text }) => text.length });
    const profile = stage('profile', { needs: { userId }, run: ({ userId }) => (userId === undefined ? skip('no') : { name: userId }) });
    const byReference = pipeline('p', { outputs: { length, profile, text } });
    expectTypeOf(base.build({ outputs: ['length', 'profile', 'text'] })).toEqualTypeOf<typeof byReference>();
    expectTypeOf(base.build({ outputs: ['length'], also: ['profile'] })).toEqualTypeOf<
      Pipeline<Text | typeof userId, { readonly length: number }>
    >();
    void base.build({ outputs: ['length'] }).run({ text: '' });
    // @ts-expect-error `text` is missing
    void base.build({ outputs: ['length'] }).run({});
  });

  test('refuses outputs that do not exist', () => {
    // @ts-expect-error it is called `length`
    base.build({ outputs: ['lenght'] });
    // @ts-expect-error an input does not run
    base.build({ outputs: ['length'], also: ['text'] });
  });
});

describe('compose()', () => {
  test('knows the names of both', () => {
    const both = compose(base, flow('p', { count }).stage('double', { needs: ['count'], run: ({ count }) => 2 * count }));
    both.stage('x', {
      needs: ['length', 'double', 'count', 'text'],
      run: (values) => {
        expectTypeOf(values).toEqualTypeOf<{
          readonly length: number;
          readonly double: number;
          readonly count: number;
          readonly text: string;
        }>();
      },
    });
    // @ts-expect-error neither has it
    both.stage('x', { needs: ['other'], run: () => 1 });
    expectTypeOf(both.build({ outputs: ['double'] }).run)
      .parameter(0)
      .toEqualTypeOf<{ readonly count: number }>();
  });
});
