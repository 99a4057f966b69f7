import { type CustomEvent, createRuntime, type RunEvent, stage } from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';
import { type ModelCall, modelCalled } from './model-called.ts';
import { openTelemetry } from './open-telemetry.ts';

test('a call of a model names provider, model and duration, and has no room for what was said', () => {
  stage('ask', {
    run: (_, { emit }) => {
      emit(modelCalled, { provider: 'p', model: 'm', durationMs: 1, inputTokens: 3 });
      // @ts-expect-error: without a duration there is no span.
      emit(modelCalled, { provider: 'p', model: 'm' });
      // @ts-expect-error: prompts are not recorded.
      emit(modelCalled, { provider: 'p', model: 'm', durationMs: 1, prompt: 'secret' });
    },
  });
});

test('its event can be told apart', () => {
  const event = {} as RunEvent;
  if (modelCalled.is(event)) expectTypeOf(event).toEqualTypeOf<CustomEvent<ModelCall>>();
});

test('one object is an interceptor and a sink', () => {
  const telemetry = openTelemetry();
  expectTypeOf(
    createRuntime({ pipelines: [], interceptors: [telemetry], sinks: [telemetry, { sink: telemetry, capacity: 1 }] }).sinks,
  ).not.toBeAny();
});
