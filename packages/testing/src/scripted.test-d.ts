import { cancel, fail, guard, inputs, optional, pass, pipeline, retryLater, skip, stage, transform } from '@stageflow/core';
import { type Script, scripted } from '@stageflow/testing';
import { expectTypeOf, test } from 'vitest';

const { text } = inputs<{ text: string }>();
const profile = stage('profile', { needs: { text }, run: ({ text }) => (text === '' ? skip('anonymous') : { name: text }) });
const answer = stage('answer', { needs: { text, profile: optional(profile) }, run: ({ text }) => text });
const safe = guard('safe', { subject: answer, check: () => pass() });
const chat = pipeline('chat', { outputs: { safe } });

test('scripted() has the values and the output of its stage', () => {
  const script = scripted(answer, [{ returns: 'hi' }, { runs: ({ text, profile }) => `${text} ${profile?.name}`, times: 2 }]);
  expectTypeOf(script).toEqualTypeOf<Script<typeof answer>>();
  expectTypeOf(script.calls[0]?.values.profile?.name).toEqualTypeOf<string | undefined>();
  expectTypeOf(chat.with(answer, script)).toEqualTypeOf(chat);
});

test('scripted() takes control values, and verdicts for guards', () => {
  void chat.with(
    answer,
    scripted(answer, [{ returns: cancel('enough') }, { returns: fail('no') }, { returns: retryLater('busy', { afterMs: 5 }) }]),
  );
  void chat.with(safe, scripted(safe, [{ returns: pass() }, { returns: transform('clean') }]));
  // @ts-expect-error the guard yields text
  void scripted(safe, [{ returns: transform(1) }]);
  // @ts-expect-error a guard gives a verdict, not a value
  void scripted(safe, [{ returns: 'clean' }]);
});

test('scripted() lets only a stage skip that may', () => {
  void scripted(profile, [{ returns: skip('anonymous') }]);
  // @ts-expect-error answer is never skipped by its own choice
  void scripted(answer, [{ returns: skip('no') }]);
});

test('scripted() refuses a wrong output where it stands', () => {
  void scripted(profile, [
    { returns: { name: 'Ada' } },
    // @ts-expect-error a profile has a name
    { returns: { nom: 'Ada' } },
  ]);
  void scripted(answer, [
    // @ts-expect-error a number is no answer
    { runs: () => 1 },
    // @ts-expect-error a step must say how it ends
    { afterMs: 10 },
  ]);
  void scripted(answer, [
    // @ts-expect-error answer has no such need
    { runs: ({ other }) => other },
  ]);
});
