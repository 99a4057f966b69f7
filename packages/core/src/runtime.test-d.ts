import { createRuntime, inputs, pipeline, type Run, type RunHandle, services, stage } from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

interface Model {
  ask(text: string): Promise<string>;
}

const { text, count } = inputs<{ text: string; count: number }>();
const { model } = services<{ model: Model }>();
const { store } = services<{ store: { put(key: string): void } }>();
const plain = pipeline('plain', { outputs: { size: stage('size', { needs: { text }, run: ({ text }) => text.length }) } });
const asking = pipeline('asking', {
  outputs: { asked: stage('asked', { needs: { text, model }, run: ({ text, model }) => model.ask(text) }) },
});
const storing = pipeline('storing', {
  outputs: { put: stage('put', { needs: { count, store }, run: ({ count, store }) => store.put(String(count)) }) },
});
const fake: Model = { ask: async (text) => text };

describe('createRuntime()', () => {
  test('takes the services that all of its pipelines read together', () => {
    createRuntime({ pipelines: [asking, storing, plain], services: { model: fake, store: { put: () => {} } } });
    createRuntime({
      pipelines: [asking, storing],
      // @ts-expect-error `store` is missing
      services: { model: fake },
    });
    // @ts-expect-error `services` is missing
    createRuntime({ pipelines: [asking] });
  });

  test('needs none where no pipeline reads one, and may be given more', () => {
    createRuntime({ pipelines: [plain] });
    createRuntime({ pipelines: [] });
    createRuntime({ pipelines: [plain], services: { model: fake } });
  });

  test('refuses a service of another type at its place', () => {
    createRuntime({
      pipelines: [asking],
      services: {
        // @ts-expect-error a model asks
        model: { tell: () => {} },
      },
    });
  });

  test('takes no option that it does not have', () => {
    createRuntime({
      pipelines: [plain],
      // @ts-expect-error it is called sinks
      sink: [],
    });
  });
});

describe('runtime.run() and runtime.start()', () => {
  const runtime = createRuntime({ pipelines: [plain, asking], services: { model: fake } });

  test('take the input of the pipeline they are given', () => {
    void runtime.run(plain, { text: '' });
    void runtime.start(asking, { text: '' });
    // @ts-expect-error `text` is missing
    void runtime.run(plain, {});
    runtime.start(plain, {
      // @ts-expect-error it is a string
      text: 1,
    });
  });

  test('need no services: the runtime has them', () => {
    expectTypeOf(runtime.run(asking, { text: '' })).resolves.toEqualTypeOf<Run<{ readonly asked: string }>>();
  });

  test('yield the outputs of that pipeline', () => {
    expectTypeOf(runtime.start(plain, { text: '' })).toEqualTypeOf<RunHandle<{ readonly size: number }>>();
    expectTypeOf(runtime.start(plain, { text: '' }).result).resolves.toEqualTypeOf<Run<{ readonly size: number }>>();
  });
});
