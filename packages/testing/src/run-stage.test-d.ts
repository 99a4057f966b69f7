import { guard, inputs, optional, pass, type RunOptions, type StageOutcome, services, settled, skip, stage } from '@stageflow/core';
import { runStage, type StageRun } from '@stageflow/testing';
import { expectTypeOf, test } from 'vitest';

const { text, count } = inputs<{ text: string; count: number }>();
const { model } = services<{ model: { ask(text: string): Promise<string> } }>();
const profile = stage('profile', { needs: { text }, run: ({ text }) => (text === '' ? skip('anonymous') : { name: text }) });
const answer = stage('answer', {
  needs: { text, profile: optional(profile), charge: settled(profile), model },
  run: ({ text, profile }) => [text, profile?.name ?? ''].length,
});
const safe = guard('safe', { subject: text, needs: { count }, check: () => pass() });
const greet = stage('greet', { needs: { text }, run: ({ text }) => text });
const constant = stage('constant', { run: () => 1 });

const charge: StageOutcome<{ name: string }> = { status: 'completed', output: { name: 'Ada' } };
const asks = { ask: async (text: string) => text };

test('runStage() resolves to the outcome of what the stage yields', () => {
  expectTypeOf(runStage(answer, { text: 'hi', profile: undefined, charge, model: asks })).resolves.toEqualTypeOf<StageRun<number>>();
  expectTypeOf(runStage(profile, { text: 'hi' })).resolves.toEqualTypeOf<StageRun<{ name: string }>>();
  expectTypeOf(runStage(constant, {})).resolves.toEqualTypeOf<StageRun<number>>();
  expectTypeOf<StageRun<number>>().toExtend<StageOutcome<number>>();
});

test('runStage() narrows by status', async () => {
  const outcome = await runStage(greet, { text: 'hi' });
  if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<string>();
  // @ts-expect-error an outcome that is not known to be completed has no output
  outcome.output;
});

test('runStage() takes the values of the stage, of a guard its subject too', () => {
  expectTypeOf(runStage(safe, { subject: 'hi', count: 1 })).resolves.toEqualTypeOf<StageRun<string>>();
  expectTypeOf(runStage(greet, { text: 'hi' }, {} as RunOptions)).resolves.toEqualTypeOf<StageRun<string>>();
});

test('runStage() refuses a wrong, a missing and an unknown value where it stands', () => {
  // @ts-expect-error a number is no text
  void runStage(greet, { text: 1 });
  // @ts-expect-error the text is missing
  void runStage(greet, {});
  void runStage(greet, {
    text: 'hi',
    // @ts-expect-error greet needs no count
    count: 1,
  });
  void runStage(answer, {
    text: 'hi',
    // @ts-expect-error a profile has a name
    profile: {},
    charge,
    model: asks,
  });
  // @ts-expect-error the subject is missing
  void runStage(safe, { count: 1 });
  // @ts-expect-error an input is no stage
  void runStage(text, {});
});
