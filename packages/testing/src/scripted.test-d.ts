import { cancel, fail, guard, inputs, optional, pass, pipeline, retryLater, type Skippable, skip, stage, transform } from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';
import { type Script, type ScriptedStep, scripted } from '@stageflow/testing';

const { text } = inputs<{ text: string }>();
const profile = stage('profile', { needs: { text }, run: ({ text }) => (text === '' ? skip('anonymous') : { name: text }) });
const answer = stage('answer', { needs: { text, profile: optional(profile) }, run: ({ text }) => text });
const safe = guard('safe', { subject: answer, check: () => pass() });
const chat = pipeline('chat', { outputs: { safe } });

test('scripted() has the values and the output of its stage', () => {
  const script = scripted(answer, [{ returns: 'hi' }, { runs: ({ text, profile }) => `${text} ${profile?.name}`, times: 2 }]);
  expectTypeOf(script).toEqualTypeOf<Script<string, { readonly text: string; readonly profile: { name: string } | undefined }>>();
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
  expectTypeOf<ScriptedStep<string, Skippable, unknown>>().not.toBeAny();
});
