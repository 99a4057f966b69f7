import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStage, traceOf } from '@stageflow/testing';
import { counting, reply } from './pipeline.ts';

test('a text of somebody who is signed in is counted under their name', async () => {
  const run = await counting.run({ text: 'to be or not to be', userId: '7' });
  assert.equal(run.status, 'completed', traceOf(run));
  assert.equal(run.outputs.reply, 'user 7 wrote 6 words.');
});

test('without a profile the reply is there all the same', async () => {
  const run = await counting.run({ text: 'hello' });
  assert.equal(run.stages.get('profile')?.status, 'skipped', traceOf(run));
  assert.equal(run.outputs.reply, 'Somebody wrote 1 words.');
});

test('one stage by itself', async () => {
  const outcome = await runStage(reply, { words: [], profile: undefined });
  assert.equal(outcome.status === 'completed' && outcome.output, 'Somebody wrote 0 words.');
});
