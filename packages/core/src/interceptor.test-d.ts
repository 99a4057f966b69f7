import {
  type Cached,
  cached,
  createRuntime,
  type InterceptedStage,
  type Interceptor,
  pipeline,
  type Run,
  type StageOutcome,
  stage,
} from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';

test('an interceptor is written without a type of its own, and every position is optional', () => {
  const none = { name: 'none' } satisfies Interceptor;
  const timed: Interceptor = {
    name: 'timed',
    only: { kinds: ['work', 'map'], stages: ['save'], tags: ['slow'] },
    async run(run, next) {
      expectTypeOf(run.stages).toEqualTypeOf<readonly string[]>();
      expectTypeOf(next).toEqualTypeOf<() => Promise<Run>>();
      return next();
    },
    async stage(stage, next) {
      expectTypeOf(stage).toEqualTypeOf<InterceptedStage>();
      expectTypeOf(stage.values).toEqualTypeOf<Readonly<Record<string, unknown>>>();
      const outcome = await next();
      expectTypeOf(outcome).toEqualTypeOf<StageOutcome>();
      return outcome;
    },
    attempt: (_, next) => next(),
  };
  const one = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });
  void one.run({}, { interceptors: [none, timed] });
  createRuntime({ pipelines: [one], interceptors: [timed] });
});

test('what an interceptor gives back is an outcome or cached()', () => {
  expectTypeOf(cached(7)).toEqualTypeOf<Cached<number>>();
  const wrong: Interceptor = {
    name: 'wrong',
    // @ts-expect-error a value is no outcome: it goes through cached()
    stage: async () => 7,
    // @ts-expect-error an outcome cannot be forgotten
    attempt: async (_, next) => {
      await next();
    },
    // @ts-expect-error a run cannot be cached
    run: async () => cached(7),
  };
  void wrong;
});

test('an interceptor has a name, and its scope knows the kinds', () => {
  // @ts-expect-error the name is missing
  const nameless: Interceptor = { stage: (_, next) => next() };
  // @ts-expect-error there is no such kind
  const misplaced: Interceptor = { name: 'x', only: { kinds: ['tool'] } };
  void [nameless, misplaced];
});
