import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { cancel } from '../control.ts';
import { settled } from '../edge.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { type Stage, stage } from '../stage.ts';

const { text } = inputs<{ text: string }>();

/** Runs `stopper` beside a stage that waits for its signal, and says what that aborted with. */
async function beside(stopper: (clock: ReturnType<typeof virtualClock>) => unknown, failureMode?: 'continue') {
  const clock = virtualClock();
  let reason: unknown;
  const other = stage('other', {
    run: (_, { signal }) =>
      clock.sleep(50, signal).catch((error) => {
        reason = error;
        throw error;
      }),
  });
  const outputs = { stopper: stopper(clock) as Stage, other };
  const run = await clock.settle(pipeline('p', { outputs }).run({ text: 'hi' } as never, { clock, failureMode, runId: 'r' }));
  return { run, reason, other: run.stages.get('other')?.outcome };
}

const after = (ms: number, end: () => unknown) => (clock: ReturnType<typeof virtualClock>) =>
  stage('stopper', { run: () => clock.sleep(ms).then(end) });
const blockAfter = (ms: number) => (clock: ReturnType<typeof virtualClock>) =>
  guard('stopper', { subject: text, check: () => clock.sleep(ms).then(() => block('a secret')) });
const no = (): never => {
  throw new Error('no');
};

describe('a failure that nothing handles', () => {
  test('aborts the others with the error, and says why they were cancelled', async () => {
    const { run, reason, other } = await beside(after(10, no));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 10 });
    expect(reason).toBe(run.errors[0]);
    expect(other).toEqual({ status: 'cancelled', reason: 'stage "stopper" failed' });
  });

  test('lets the others go on where it is handled, or the run continues', async () => {
    const handled = await beside((clock) => settled(after(10, no)(clock)));
    expect([handled.run.status, handled.other?.status]).toEqual(['completed', 'completed']);
    const going = await beside(after(10, no), 'continue');
    expect([going.run.status, going.other?.status]).toEqual(['failed', 'completed']);
  });

  test('of a stage that says a failure is a skip is its reason to be skipped, and still one of the errors', async () => {
    const it = stage('it', { onFailure: 'skip', run: no });
    const run = await pipeline('p', { outputs: { it } }).run({});
    expect(run.stages.get('it')?.outcome).toEqual({ status: 'skipped', reason: 'it failed: Stage "it" failed: no.' });
    expect(run).toMatchObject({ status: 'completed', errors: [{ code: 'SF_STAGE_FAILED', path: 'it' }] });
  });
});

describe('a block that nothing handles', () => {
  test('aborts the others with the guard and its reason', async () => {
    const { run, reason, other } = await beside(blockAfter(10));
    expect(run).toMatchObject({ status: 'blocked', reason: 'a secret', blockedBy: 'stopper', elapsedMs: 10 });
    expect(reason).toMatchObject({ code: 'SF_RUN_BLOCKED', details: { stage: 'stopper', reason: 'a secret' }, path: 'stopper' });
    expect(other).toEqual({ status: 'cancelled', reason: 'a secret' });
  });

  test('aborts the others with the error where the guard could not judge', async () => {
    const { run, reason } = await beside((clock) => guard('stopper', { subject: text, check: () => clock.sleep(10).then(no) }));
    expect(run.status).toBe('blocked');
    expect(reason).toMatchObject({ code: 'SF_GUARD_FAILED' });
    expect(reason).toBe(run.errors[0]);
  });

  test('lets the others go on where it is handled, or the run continues', async () => {
    const handled = await beside((clock) => settled(blockAfter(10)(clock)));
    expect([handled.run.status, handled.other?.status]).toEqual(['completed', 'completed']);
    const going = await beside(blockAfter(10), 'continue');
    expect(going.run).toMatchObject({ status: 'blocked', reason: 'a secret', blockedBy: 'stopper', elapsedMs: 50 });
    expect(going.other?.status).toBe('completed');
  });
});

describe('a stage that cancels the run', () => {
  test('aborts the others with its reason, and is cancelled for it at once', async () => {
    const clock = virtualClock();
    const told: unknown[] = [];
    const sinks = [{ name: 'told', emit: (event: object) => void told.push(event) }];
    let reason: unknown;
    const stopper = stage('stopper', { run: () => clock.sleep(10).then(() => cancel('enough')) });
    const lingering = stage('lingering', {
      run: async (_, { signal }) => {
        await clock.sleep(40);
        reason = signal.reason;
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { stopper, lingering } }).run({}, { clock, sinks }));
    expect(reason).toMatchObject({ code: 'SF_RUN_CANCELLED', details: { reason: 'enough' }, path: 'stopper' });
    expect(run.stages.get('stopper')?.outcome).toEqual({ status: 'cancelled', reason: 'enough' });
    expect(told).toContainEqual(expect.objectContaining({ type: 'stage.cancelled', stage: 'stopper', elapsedMs: 10 }));
    expect(run.elapsedMs).toBe(40);
  });
});
