// A pipeline as a user has it, and its test as a user writes it: all of this package together.
import { block, guard, inputs, optional, pass, pipeline, services, skip, stage, work } from '@stageflow/core';
import { injectFaults, recordingSink, runStage, scripted, seededIds, seededRandom, traceOf, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import '@stageflow/testing/vitest';

const { text, userId } = inputs<{ text: string; userId?: string }>();
const { model } = services<{ model: { ask(prompt: string, signal: AbortSignal): Promise<string> } }>();

const safe = guard('safe', { subject: text, check: ({ subject }) => (subject.includes('ignore') ? block('prompt injection') : pass()) });
const profile = stage('profile', {
  kind: 'enrich',
  needs: { userId },
  timeoutMs: 500,
  retry: { attempts: 3, baseMs: 100 },
  run: async ({ userId }) => (userId === undefined ? skip('anonymous') : { name: `user ${userId}` }),
});
const answer = stage('answer', {
  kind: 'agent',
  needs: { text: safe, profile: optional(profile), model },
  run: ({ text, profile, model }, { signal }) => model.ask(`${profile?.name ?? 'someone'}: ${text}`, signal),
});
const audit = work('audit', { needs: { answer }, run: ({ answer }) => `saved ${answer}` });
const chat = pipeline('chat', { outputs: { answer }, also: { audit }, deadlineMs: 10_000 });

describe('chat', () => {
  test('answers although the profile fails once and is slow', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const profiles = scripted(profile, [{ throws: new Error('503') }, { returns: { name: 'Ada' }, afterMs: 200 }], { clock });
    const answers = scripted(answer, [{ returns: 'hello' }]);

    const scriptedChat = chat.with(profile, profiles).with(answer, answers);
    const run = await clock.settle(
      scriptedChat.run(
        { text: 'hi', userId: 'u1' },
        { clock, sinks: [sink], random: seededRandom(1), makeId: seededIds('run'), services: { model: { ask: async () => '' } } },
      ),
    );

    expect(run).toHaveCompleted();
    expect(run).toHaveOutcome('answer', 'completed', { output: 'hello' });
    expect(run.runId).toBe('run-1');
    expect(answers.calls).toMatchObject([{ values: { text: 'hi', profile: { name: 'Ada' } }, attempt: 1 }]);
    expect(sink).toHaveEmitted('attempt.failed', { stage: 'profile', attempt: 1 });
    expect(sink).toHaveEmittedInOrder([
      'run.created',
      { type: 'stage.completed', stage: 'profile' },
      { type: 'stage.started', stage: 'answer' },
    ]);
    expect(sink).toHaveGapFreeSeq();
    profiles.assertUsedUp();
    answers.assertUsedUp();
    expect(traceOf(sink)).toMatchInlineSnapshot(`
      "run chat
            0 ms  created with 4 stages
            0 ms  started
            0 ms    safe started
            0 ms    safe completed in 0 ms
            0 ms    profile started
            0 ms    profile attempt 1 failed, next in 70.38 ms: SF_STAGE_FAILED Stage "profile" failed: 503.
       270.38 ms    profile completed in 270.38 ms
       270.38 ms    answer started
       270.38 ms    answer completed in 0 ms
       270.38 ms    audit started
       270.38 ms    audit completed in 0 ms
       270.38 ms  completed in 270.38 ms: 4 completed"
    `);
    expect(traceOf(run)).toMatchInlineSnapshot(`
      "run chat
            0 ms    safe completed in 0 ms
            0 ms    profile completed in 270.38 ms, 2 attempts
       270.38 ms    answer completed in 0 ms
       270.38 ms    audit completed in 0 ms
       270.38 ms  completed in 270.38 ms: 4 completed"
    `);
  });

  test('gives up when the model hangs, at its deadline', async () => {
    const clock = virtualClock();
    const faults = injectFaults(chat, { faults: [{ stage: answer, kind: 'hang' }] });
    const run = await clock.settle(faults.pipeline.run({ text: 'hi' }, { clock, services: { model: { ask: async () => 'hello' } } }));
    faults.assertFired();
    expect(run).toHaveStatus('failed');
    expect(run).toHaveOutcome('answer', 'cancelled');
    expect(run).toHaveOutcome('audit', 'cancelled');
    expect(run.elapsedMs).toBe(10_000);
  });

  test('asks in the name of the user', async () => {
    const ask = async (prompt: string): Promise<string> => `you asked "${prompt}"`;
    const outcome = await runStage(answer, { text: 'hi', profile: undefined, model: { ask } });
    expect(outcome).toEqual({ status: 'completed', output: 'you asked "someone: hi"' });
  });
});
