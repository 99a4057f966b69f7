import { createRuntime, guard, inputs, pass, pipeline, stage, work } from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';

const { model, text } = inputs<{ model: 'small' | 'large'; text: string }>();

test('the function that names a key knows the values of its stage', () => {
  stage('ask', {
    needs: { model, text },
    resource: {
      name: 'llm',
      key: (values, { tenantId }) => {
        expectTypeOf(values).toEqualTypeOf<{ readonly model: 'small' | 'large'; readonly text: string }>();
        expectTypeOf(tenantId).toEqualTypeOf<string | undefined>();
        return values.model;
      },
    },
    run: ({ text }) => text.length,
  });
  guard('safe', { subject: text, resource: ['db', { name: 'llm', key: ({ subject }) => subject }], check: () => pass() });
  work('save', {
    needs: { text },
    // @ts-expect-error it reads only what the stage needs
    resource: { name: 'db', key: ({ model }) => model },
    run: () => 1,
  });
});

test('a resource does not change what a stage yields', () => {
  const plain = stage('ask', { needs: { text }, run: ({ text }) => text.length });
  const limited = stage('ask', { needs: { text }, resource: 'llm', run: ({ text }) => text.length });
  expectTypeOf(limited).toEqualTypeOf<typeof plain>();
});

test('priority and parent are for runs of a runtime', () => {
  const chat = pipeline('chat', { outputs: { ask: stage('ask', { needs: { text }, run: ({ text }) => text }) } });
  const runtime = createRuntime({ pipelines: [chat], limits: { runs: { capacity: 5 } } });
  const parent = runtime.start(chat, { text: 'hi' }, { priority: 1 });
  void runtime.run(chat, { text: 'hi' }, { parent });
  void runtime.run(chat, { text: 'hi' }, { parent: parent.runId });
  // @ts-expect-error a run of its own has no parent
  void chat.run({ text: 'hi' }, { parent });
  // @ts-expect-error nobody waits
  void chat.run({ text: 'hi' }, { priority: 1 });
});
