import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runStage } from '@stageflow/testing';
import { openHost } from './host.ts';
import { approval, refunds } from './pipeline.ts';

function newFile(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'refunds-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'refunds.sqlite');
}

test('a large refund waits for a person, and is paid once by the process that goes on with it', async (context) => {
  const file = newFile(context);
  const first = openHost(file);
  const asked = await first.runtime.run(refunds, { refund: { order: 'A-1', amount: 250 } });
  assert.equal(asked.status, 'suspended');
  assert.equal(first.payments.size, 0);
  await first.close();

  const second = openHost(file);
  const [wait] = await second.runtime.waits();
  assert.ok(wait);
  await second.runtime.decide(wait.waitId, { approved: true, by: 'Grace' });
  const run = await second.runtime.resume(wait.runId);
  assert.equal(run.status, 'completed');
  assert.equal(run.outputs['payment'], 'paid 250, approved by Grace');
  assert.deepEqual([...second.payments.values()], [250]);
  assert.deepEqual(await second.runtime.waits(), []);
  await second.close();
});

test('a small refund asks nobody', async () => {
  const outcome = await runStage(approval, { refund: { order: 'A-1', amount: 50 } });
  assert.deepEqual(outcome.status === 'completed' && outcome.output, { approved: true, by: 'the rules' });
});
