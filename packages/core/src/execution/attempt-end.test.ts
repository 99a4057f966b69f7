import { virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { cancel, skip, suspend } from '../control.ts';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { block, guard, review } from '../guard.ts';
import { inputs } from '../inputs.ts';
import type { Interceptor } from '../interceptor.ts';
import type { StageOutcome } from '../outcome.ts';
import { pipeline } from '../pipeline.ts';
import { createRuntime } from '../runtime.ts';
import { type Stage, stage } from '../stage.ts';

const { text } = inputs<{ text: string }>();

/** What an attempt interceptor sees of one stage, and how its run ends. */
async function seen(one: Stage, abort = false) {
  const clock = virtualClock();
  const outcomes: StageOutcome[] = [];
  const look: Interceptor = {
    name: 'look',
    attempt: async (_, next) => {
      const outcome = await next();
      outcomes.push(outcome);
      return outcome;
    },
  };
  const made = pipeline('p', { outputs: { one } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), interceptors: [look], clock, services: {} });
  const controller = new AbortController();
  const running = runtime.run(made, { text: 'hi' } as never, { signal: controller.signal });
  await clock.advance(10);
  if (abort) controller.abort(new Error('enough'));
  const { status } = await clock.settle(running);
  return { outcomes, status };
}

const judged = (check: () => ReturnType<typeof block> | ReturnType<typeof review>) => guard('one', { subject: text, check });

test.each<[string, Stage, object, string]>([
  ['a value', stage('one', { run: () => 1 }), { status: 'completed', output: 1 }, 'completed'],
  ['a skip', stage('one', { run: () => skip('nothing') }), { status: 'skipped', reason: 'nothing' }, 'completed'],
  [
    'a throw',
    stage('one', { run: () => Promise.reject(new Error('no')) }),
    { status: 'failed', error: { code: 'SF_STAGE_FAILED' } },
    'failed',
  ],
  ['a cancel', stage('one', { run: () => cancel('enough') }), { status: 'cancelled', reason: 'enough' }, 'cancelled'],
  ['a block', judged(() => block('no')), { status: 'blocked', reason: 'no' }, 'blocked'],
  ['a wait', stage('one', { run: () => suspend('?') }), { status: 'suspended', reason: 'it waits for an answer' }, 'suspended'],
  ['a review', judged(() => review({ why: 'large' })), { status: 'suspended', reason: 'it waits for a review' }, 'suspended'],
])('an interceptor of attempts is told of %s', async (_, one, outcome, status) => {
  const ended = await seen(one);
  expect(ended).toMatchObject({ outcomes: [outcome], status });
});

test('an interceptor of attempts is told why its run was stopped', async () => {
  const obedient = stage('one', {
    run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  expect(await seen(obedient, true)).toEqual({ outcomes: [{ status: 'cancelled', reason: 'enough' }], status: 'cancelled' });
});
