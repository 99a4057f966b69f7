import { type Authentication, allow, authOf, authorization, deny, onBehalfOf, type Policy } from '@stageflow/auth';
import { pipeline, type Runtime, stage } from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';

declare const auth: Authentication;
declare const runtime: Runtime;

test('a policy has to say what it decides', () => {
  expectTypeOf<() => ReturnType<typeof allow>>().toExtend<Policy>();
  authorization({ policy: async ({ auth }) => (auth.roles.includes('admin') ? allow() : deny('no.')) });
  // @ts-expect-error true is no decision
  authorization({ policy: () => true });
  // @ts-expect-error a path that says nothing
  authorization({ policy: ({ auth }) => (auth.roles.includes('admin') ? allow() : undefined) });
});

test('what identify() and onBehalfOf() give fits runs and resumes', async () => {
  const one = stage('one', { run: (_, context) => [authOf(context).userId, onBehalfOf(context).userId] });
  const p = pipeline('p', { outputs: { one } });
  const run = await runtime.run(p, {}, await auth.identify(new Headers().get('authorization')));
  if (run.status === 'completed') expectTypeOf(run.outputs.one).toEqualTypeOf<string[]>();
  await runtime.resume('r', await auth.identify(undefined));
});
