import {
  cancel,
  fail,
  guard,
  type Input,
  inputs,
  type Pipeline,
  pass,
  pipeline,
  type RunInput,
  type RunOptions,
  type RunOutputs,
  type RunServices,
  type Service,
  type StageflowError,
  services,
  skip,
  stage,
  work,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, userId, count } = inputs<{ text: string; userId?: string; count: number }>();
const { model } = services<{ model: { ask(text: string): Promise<string> } }>();
const profile = stage('profile', { needs: { userId }, run: ({ userId }) => (userId === undefined ? skip('anonymous') : { name: userId }) });
const answer = stage('answer', { needs: { text }, run: async ({ text }) => ({ text }) });
const asked = stage('asked', { needs: { text, model }, run: ({ text, model }) => model.ask(text) });
const safe = guard('safe', { subject: answer, check: () => pass() });
const chat = pipeline('chat', { outputs: { answer, profile } });
const asking = pipeline('asking', { outputs: { asked } });

describe('pipeline()', () => {
  test('demands what its stages read, and yields its outputs', () => {
    expectTypeOf(chat).toEqualTypeOf<
      Pipeline<
        Input<'text', string, string> | Input<'userId', string | undefined, string | undefined>,
        { readonly answer: { text: string }; readonly profile: { name: string } | undefined }
      >
    >();
  });

  test('demands also what runs for its effect reads, and yields none of it', () => {
    const save = work('save', { needs: { answer, count }, run: () => {} });
    const saving = pipeline('saving', { outputs: { answer }, also: { save } });
    expectTypeOf(saving.run).parameter(0).toEqualTypeOf<{ readonly text: string; readonly count: number }>();
    expectTypeOf<RunOutputs<{ readonly answer: typeof answer }>>().toEqualTypeOf<{ readonly answer: { text: string } }>();
  });

  test('takes records of sources', () => {
    // @ts-expect-error { answer }
    pipeline('bad', { outputs: answer });
    // @ts-expect-error { answer }
    pipeline('bad', { outputs: [answer] });
    // @ts-expect-error { answer }
    pipeline('bad', { outputs: { answer }, also: [answer] });
  });

  test('takes no option that it does not have', () => {
    pipeline('bad', {
      outputs: { answer },
      // @ts-expect-error there is no such option
      stages: [answer],
    });
  });
});

describe('pipeline.run()', () => {
  test('takes what is demanded; what admits undefined may be left out', () => {
    expectTypeOf(chat.run).parameter(0).toEqualTypeOf<{ readonly text: string; readonly userId?: string | undefined }>();
    expectTypeOf<RunInput<Input<'a', string, Date> | Input<'b', unknown, number>>>().toEqualTypeOf<{
      readonly a: string;
      readonly b: unknown;
    }>();
    void chat.run({ text: '' });
    void chat.run({ text: '', userId: undefined });
  });

  test('refuses a missing, misspelt, mistyped or unread input at its place', () => {
    // @ts-expect-error `text` is missing
    void chat.run({});
    void chat.run({
      // @ts-expect-error it is called `text`
      txt: '',
    });
    void chat.run({
      // @ts-expect-error it is a string
      text: 1,
    });
    void chat.run({
      text: '',
      // @ts-expect-error no stage of this pipeline reads it
      count: 1,
    });
  });

  test('takes services where some stage reads one, and only there', () => {
    expectTypeOf(chat.run).parameter(1).toEqualTypeOf<RunOptions | undefined>();
    void asking.run({ text: '' }, { services: { model: { ask: async (text) => text } } });
    // @ts-expect-error `services` is missing
    void asking.run({ text: '' });
    void chat.run(
      { text: '' },
      {
        // @ts-expect-error no stage of this pipeline reads a service
        services: {},
      },
    );
    void asking.run(
      { text: '' },
      {
        services: {
          model: {
            // @ts-expect-error it must answer with text
            ask: async () => 1,
          },
        },
      },
    );
    type Two = RunServices<Service<'a', string> | Service<'b', number> | Input<'c', string, string>>;
    expectTypeOf<Two>().toEqualTypeOf<{ readonly a: string; readonly b: number }>();
  });

  test('resolves to whole outputs where the run completed, and to those that exist elsewhere', async () => {
    const run = await chat.run({ text: '' });
    expectTypeOf(run.outputs.answer).toEqualTypeOf<{ text: string } | undefined>();
    // @ts-expect-error the run may not have completed
    run.outputs.answer.text;
    // @ts-expect-error not every ended run has a reason
    run.reason;
    if (run.status === 'completed') {
      expectTypeOf(run.outputs).toEqualTypeOf<{ readonly answer: { text: string }; readonly profile: { name: string } | undefined }>();
      expectTypeOf(run.degraded).toEqualTypeOf<boolean>();
    } else {
      expectTypeOf(run.outputs).toEqualTypeOf<
        Partial<{ readonly answer: { text: string }; readonly profile: { name: string } | undefined }>
      >();
    }
    if (run.status === 'failed') expectTypeOf(run.error).toEqualTypeOf<StageflowError>();
    if (run.status === 'blocked') expectTypeOf(run.blockedBy).toEqualTypeOf<string>();
    if (run.status === 'cancelled') expectTypeOf(run.reason).toEqualTypeOf<string>();
  });

  test('has whole outputs at once in the form that throws', async () => {
    const run = await chat.runOrThrow({ text: '' });
    expectTypeOf(run.status).toEqualTypeOf<'completed'>();
    expectTypeOf(run.outputs.answer).toEqualTypeOf<{ text: string }>();
    // @ts-expect-error `text` is missing
    void chat.runOrThrow({});
  });
});

describe('pipeline.with()', () => {
  test('takes a function over the same values that yields the same, at once or later', () => {
    expectTypeOf(chat.with(answer, ({ text }, { signal }) => ({ text: `${text} ${signal.aborted}` }))).toEqualTypeOf<typeof chat>();
    chat.with(answer, async () => ({ text: '' }));
    // @ts-expect-error readers expect an object with `text`
    chat.with(answer, () => 1);
    chat.with(
      answer,
      // @ts-expect-error `userId` is not among the values of `answer`
      ({ userId }) => ({ text: userId }),
    );
  });

  test('takes a function that ends as the stage may: skip() only where the stage may skip', () => {
    chat.with(answer, () => fail(new Error('down')));
    chat.with(answer, async ({ text }) => (text === '' ? cancel('enough') : { text }));
    chat.with(profile, () => skip('anonymous'));
    // @ts-expect-error readers of `answer` do not expect a skip
    chat.with(answer, () => skip('no'));
  });

  test('takes another stage that yields the same and demands no more', () => {
    chat.with(answer, stage('offline', { needs: { userId }, run: ({ userId }) => ({ text: userId ?? '' }) }));
    // @ts-expect-error it yields something else
    chat.with(answer, stage('offline', { run: () => 1 }));
    // @ts-expect-error it may skip
    chat.with(answer, stage('offline', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : { text }) }));
    // @ts-expect-error no stage of the pipeline reads `count`: nobody would give it
    chat.with(answer, stage('offline', { needs: { count }, run: ({ count }) => ({ text: String(count) }) }));
  });

  test('takes a verdict in place of a guard', () => {
    const guarded = pipeline('guarded', { outputs: { safe } });
    guarded.with(safe, ({ subject }) => (subject.text === '' ? cancel('empty') : pass()));
    // @ts-expect-error a value is no verdict
    guarded.with(safe, ({ subject }) => subject);
  });
});

describe('pipeline.configure()', () => {
  test('takes policies by name', () => {
    expectTypeOf(chat.configure({ answer: { timeoutMs: 1, retry: { attempts: 2 } } })).toEqualTypeOf<typeof chat>();
    chat.configure({
      answer: {
        // @ts-expect-error it is called timeoutMs
        timeout: 1,
      },
    });
  });
});
