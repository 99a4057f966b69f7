import {
  cancel,
  fail,
  type Input,
  inputs,
  type NoNeeds,
  pipeline,
  retryLater,
  type Service,
  type Stage,
  type StageContext,
  services,
  skip,
  stage,
  suspend,
  type ValuesOf,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { text, count } = inputs<{ text: string; count: number }>();
const { model } = services<{ model: { ask(text: string): Promise<string> } }>();
type Text = Input<'text', string, string>;
type Count = Input<'count', number, number>;
type Any = ReturnType<typeof JSON.parse>;
/** What a stage without needs receives. */
type Nothing = ValuesOf<NoNeeds>;

describe('what a stage yields', () => {
  test('is what its function returns, awaited', () => {
    expectTypeOf(stage('s', { needs: { text }, run: ({ text }) => text.length })).toEqualTypeOf<
      Stage<number, Text, never, { readonly text: string }>
    >();
    expectTypeOf(stage('s', { needs: { text }, run: async ({ text }) => ({ n: text.length }) })).toEqualTypeOf<
      Stage<{ n: number }, Text, never, { readonly text: string }>
    >();
  });

  test('is awaited to the end, and so is every member of a union', () => {
    const nested = stage('s', { run: () => null as never as Promise<Promise<number>> });
    const mixed = stage('s', { run: () => null as never as Promise<number> | Promise<string> | boolean });
    const thenable = stage('s', { run: () => null as never as PromiseLike<number> });
    const query = stage('s', { run: () => null as never as { then(resolve: (rows: string[]) => void): void } });
    expectTypeOf(nested).toEqualTypeOf<Stage<number, never, never, Nothing>>();
    expectTypeOf(mixed).toEqualTypeOf<Stage<number | string | boolean, never, never, Nothing>>();
    expectTypeOf(thenable).toEqualTypeOf<Stage<number, never, never, Nothing>>();
    expectTypeOf(query).toEqualTypeOf<Stage<string[], never, never, Nothing>>();
  });

  test('has no control values in it', () => {
    const choosy = stage('s', {
      needs: { count },
      run: async ({ count }) => {
        if (count === 0) return skip('none');
        if (count === 1) return cancel('enough');
        if (count === 2) return fail(new Error('bad'));
        if (count === 3) return retryLater(new Error('busy'), { afterMs: 10 });
        if (count === 4) return suspend({ question: 'go on?' });
        return { count };
      },
    });
    expectTypeOf(choosy).toEqualTypeOf<Stage<{ count: number }, Count, 'may skip', { readonly count: number }>>();
  });

  test('may be a control value in one branch and a promise in the other', () => {
    const load = (text: string) => Promise.resolve({ name: text });
    const profile = stage('profile', { needs: { text }, run: ({ text }) => (text === '' ? skip('anonymous') : load(text)) });
    expectTypeOf(profile).toEqualTypeOf<Stage<{ name: string }, Text, 'may skip', { readonly text: string }>>();
  });

  test('keeps any, unknown, undefined, void and never apart', () => {
    expectTypeOf(stage('s', { run: () => null as Any })).toEqualTypeOf<Stage<Any, never, never, Nothing>>();
    expectTypeOf(stage('s', { run: async () => null as Any })).toEqualTypeOf<Stage<Any, never, never, Nothing>>();
    expectTypeOf(stage('s', { run: async () => null as unknown })).toEqualTypeOf<Stage<unknown, never, never, Nothing>>();
    expectTypeOf(stage('s', { run: () => null as never as string | undefined })).toEqualTypeOf<
      Stage<string | undefined, never, never, Nothing>
    >();
    expectTypeOf(stage('s', { run: () => {} })).toEqualTypeOf<Stage<void, never, never, Nothing>>();
    expectTypeOf(
      stage('s', {
        run: (): never => {
          throw new Error('always');
        },
      }),
    ).toEqualTypeOf<Stage<never, never, never, Nothing>>();
  });

  test('reaches readers as any, unknown and undefined', () => {
    const loose = stage('loose', { run: () => null as Any });
    const unsure = stage('unsure', { run: () => null as unknown });
    const maybe = stage('maybe', { run: () => null as never as string | undefined });
    stage('reader', {
      needs: { loose, unsure, maybe },
      run: (values) => {
        expectTypeOf(values).toEqualTypeOf<{ readonly loose: Any; readonly unsure: unknown; readonly maybe: string | undefined }>();
      },
    });
  });
});

describe('what a stage receives', () => {
  const size = stage('size', { needs: { text }, run: ({ text }) => text.length });

  test('has the keys of `needs`, whatever the sources are named', () => {
    stage('reader', {
      needs: { words: text, letters: size, model },
      run: ({ words, letters, model }, context) => {
        expectTypeOf(words).toEqualTypeOf<string>();
        expectTypeOf(letters).toEqualTypeOf<number>();
        expectTypeOf(model.ask).returns.resolves.toEqualTypeOf<string>();
        expectTypeOf(context).toEqualTypeOf<StageContext>();
      },
    });
  });

  test('is not there where it is not needed', () => {
    stage('reader', {
      needs: { text },
      run: ({
        text,
        // @ts-expect-error `size` is not among the needs
        size,
      }) => [text, size],
    });
  });

  test('is read only', () => {
    stage('reader', {
      needs: { text },
      run: (values) => {
        // @ts-expect-error values cannot be replaced
        values.text = '';
      },
    });
  });

  test('is an empty record where nothing is needed', () => {
    stage('alone', {
      run: (values) => {
        expectTypeOf(values).toEqualTypeOf<Nothing>();
      },
    });
  });

  test('is a record of one type where the needs are made in a loop', () => {
    const shards = Array.from({ length: 3 }, (_, index) => stage(`shard ${index}`, { needs: { text }, run: ({ text }) => text.length }));
    const sum = stage('sum', {
      needs: Object.fromEntries(shards.map((shard) => [shard.name, shard])),
      run: (values) => {
        expectTypeOf(values).toEqualTypeOf<{ readonly [name: string]: number }>();
        return Object.values(values).reduce((all, one) => all + one, 0);
      },
    });
    expectTypeOf(sum).toEqualTypeOf<Stage<number, Text, never, { readonly [name: string]: number }>>();
  });

  test('can mix what is named with what is made in a loop', () => {
    const shards: Record<string, typeof size> = {};
    const all = stage('all', { needs: { ...shards, size }, run: (values) => values['size'] });
    expectTypeOf(all).toExtend<Stage<number | undefined, Text, never>>();
  });
});

describe('what a stage demands', () => {
  const size = stage('size', { needs: { text }, run: ({ text }) => text.length });

  test('is the union of what all it reads demands, at any distance', () => {
    const asked = stage('asked', { needs: { size, model }, run: ({ size, model }) => model.ask(String(size)) });
    const last = stage('last', { needs: { asked, count }, run: ({ asked, count }) => asked.repeat(count) });
    expectTypeOf(last).toEqualTypeOf<
      Stage<
        string,
        Text | Count | Service<'model', { ask(text: string): Promise<string> }>,
        never,
        { readonly asked: string; readonly count: number }
      >
    >();
  });

  test('has in it what comes before it, and what decides whether it runs', () => {
    const counted = stage('counted', { needs: { count }, run: ({ count }) => count });
    expectTypeOf(stage('s', { after: [size, counted], run: () => 1 })).toEqualTypeOf<Stage<number, Text | Count, never, Nothing>>();
  });

  test('is nothing where it reads nothing', () => {
    expectTypeOf(stage('s', { run: () => 1 })).toEqualTypeOf<Stage<number, never, never, Nothing>>();
  });
});

describe('`when` as a predicate', () => {
  test('sees the values, whether it stands before or after `needs`', () => {
    stage('after', { needs: { count }, when: ({ count }) => count > 1, run: ({ count }) => count });
    stage('before', { when: ({ count }) => count > 1, needs: { count }, run: ({ count }) => count });
  });

  test('answers at once', () => {
    stage('s', {
      needs: { count },
      // @ts-expect-error a promise is not an answer
      when: async ({ count }) => count > 1,
      run: ({ count }) => count,
    });
  });

  test('has no value that the stage does not need', () => {
    stage('s', {
      needs: { count },
      // @ts-expect-error `text` is not among the needs
      when: ({ text }) => text === '',
      run: ({ count }) => count,
    });
  });
});

describe('the options of a stage', () => {
  test('may be forwarded where they may be undefined', () => {
    const timeoutMs = null as never as number | undefined;
    stage('s', {
      kind: undefined,
      needs: undefined,
      after: undefined,
      when: undefined,
      output: undefined,
      onFailure: undefined,
      timeoutMs,
      retry: undefined,
      run: () => 1,
    });
  });

  test('are no others than there are', () => {
    stage('s', {
      // @ts-expect-error there is no such option
      retries: 3,
      run: () => 1,
    });
    stage('s', {
      // @ts-expect-error it is called timeoutMs
      timeout: 3,
      run: () => 1,
    });
  });

  test('name the kinds that are labels, not those that have constructors', () => {
    stage('s', { kind: 'agent', run: () => 1 });
    stage('s', {
      // @ts-expect-error guard() makes guards
      kind: 'guard',
      run: () => 1,
    });
  });
});

describe('types of stages in signatures', () => {
  test('a stage is a Stage, whatever it receives', () => {
    const size: Stage<number> = stage('size', { needs: { text }, run: ({ text }) => text.length });
    expectTypeOf(size).toExtend<Stage>();
  });

  test('a stage that yields more, demands less and never skips stands for one that yields less, demands more and may skip', () => {
    const exact = stage('exact', { run: () => ({ a: 1, b: 2 }) });
    expectTypeOf(exact).toExtend<Stage<{ a: number }, Text, 'may skip'>>();
    expectTypeOf<Stage<{ a: number }, Text, 'may skip'>>().not.toExtend<typeof exact>();
  });

  test('what a stage receives is checked where it is called with values', () => {
    const size = stage('size', { needs: { text, count }, run: ({ text, count }) => text.length + count });
    const call = <Out, Values>(
      stage: Stage<Out, never, never, Values> | Stage<Out, Text | Count, never, Values>,
      values: NoInfer<Values>,
    ) => ({ stage, values });
    call(size, { text: '', count: 1 });
    call(size, {
      text: '',
      // @ts-expect-error `count` is a number
      count: '1',
    });
  });

  test('a pipeline of an annotated stage takes any input and needs no services', () => {
    const size: Stage<number> = stage('size', { needs: { text }, run: ({ text }) => text.length });
    void pipeline('p', { outputs: { size } }).run({ text: '' });
  });

  test('a factory keeps the type of what it is given', () => {
    const load = <T>(name: string, fetch: () => Promise<T>) => stage(name, { run: fetch });
    const loaded = load('user', async () => ({ name: 'a' }));
    stage('reader', {
      needs: { loaded },
      run: ({ loaded }) => {
        expectTypeOf(loaded).toEqualTypeOf<{ name: string }>();
      },
    });
  });
});
