import { firstOf, optional, pipeline, settled, skip, stage } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const no = (): Promise<never> => Promise.reject(new Error('no'));
const skipping = stage('skipping', { run: () => skip('nothing') });

describe('a stage that waits for several', () => {
  test('is skipped for the one that failed first, whatever ends after it', async () => {
    const clock = virtualClock();
    const failing = stage('failing', { run: no });
    const slow = stage('slow', { run: () => clock.sleep(20) });
    const skippingLater = stage('skipping later', { run: () => clock.sleep(10).then(() => skip('nothing')) });
    const behind = stage('behind', { needs: { failing, slow }, run: () => 1 });
    const either = stage('either', { needs: { it: optional(firstOf(skipping, skippingLater)) }, run: () => 2 });
    const made = pipeline('p', { outputs: { either }, also: { behind } });
    const run = await clock.settle(made.run({}, { clock, failureMode: 'continue' }));
    expect(run.outputs).toEqual({ either: 2 });
    expect(run.stages.get('behind')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'failing' } });
  });

  test('is told of a failure by firstOf, whether or not that is the last thing it waits for', async () => {
    for (const slowMs of [5, 20]) {
      const clock = virtualClock();
      const failing = stage('failing', { run: () => clock.sleep(10).then(no) });
      const slow = stage('slow', { run: () => clock.sleep(slowMs) });
      const reader = stage('reader', { needs: { either: firstOf(skipping, failing), slow }, run: () => 1 });
      const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, failureMode: 'continue' }));
      expect(run.stages.get('reader')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'failing' } });
    }
  });

  test('is skipped by a firstOf of nothing but skips, with the reason', async () => {
    const alsoSkipping = stage('also skipping', { run: () => skip('nothing') });
    const reader = stage('reader', { needs: { either: firstOf(skipping, alsoSkipping) }, run: () => 1 });
    const run = await pipeline('p', { outputs: { reader } }).run({});
    expect(run.stages.get('reader')?.outcome).toEqual({ status: 'skipped', reason: '"also skipping" was skipped' });
  });
});

describe('the time a stage is in the queue', () => {
  const busy = (limits: object) => {
    const clock = virtualClock();
    const made = pipeline('p', {
      outputs: { first: stage('first', { run: () => clock.block(50) }), second: stage('second', { run: () => 2 }) },
    });
    return made.run({}, { clock, ...limits });
  };
  const queued = async (limits: object) => [...(await busy(limits)).stages.values()].map(({ queuedMs }) => queuedMs);

  test('is told of only where there is a limit', async () => {
    expect(await queued({ maxConcurrency: 1 })).toEqual([0, 50]);
    expect(await queued({})).toEqual([0, 0]);
    expect(await queued({ maxConcurrency: 1, timings: false })).toEqual([0, 0]);
  });

  test('is that of all attempts together', async () => {
    const clock = virtualClock();
    const flaky = stage('flaky', {
      retry: { attempts: 2, baseMs: 0, jitter: 'none' },
      run: (_, { attempt }) => (attempt === 1 ? no() : attempt),
    });
    const holder = (name: string) => stage(name, { run: () => clock.sleep(10) });
    const outputs = { a: holder('a'), flaky, b: holder('b') };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock, maxConcurrency: 1 }));
    expect(run.outputs.flaky).toBe(2);
    expect([...run.stages.values()].map(({ queuedMs }) => queuedMs)).toEqual([0, 20, 10]);
  });
});

describe('a run that is stopped', () => {
  test('by a failure while nothing else is under way ends at once, and leaves no timer', async () => {
    const clock = virtualClock();
    const failing = stage('failing', { run: no });
    const reader = stage('reader', { needs: { failing }, run: () => 1 });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock, graceMs: 1_000, deadlineMs: 5_000 }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 0, counts: { failed: 1, skipped: 1 } });
    expect(clock.pending).toBe(0);
  });

  test('waits for what settles in the grace, and leaves no timer', async () => {
    const clock = virtualClock();
    const failing = stage('failing', { run: () => clock.sleep(10).then(no) });
    const slow = stage('slow', { run: () => clock.sleep(30).then(() => 'done') });
    const outputs = { failing: settled(failing), plain: failing, slow };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock, graceMs: 1_000 }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 30, unsettled: [], outputs: { slow: 'done' } });
    expect(clock.pending).toBe(0);
  });

  test('keeps its first reason', async () => {
    const clock = virtualClock();
    const failing = (name: string, ms: number) => stage(name, { run: () => clock.sleep(ms).then(no) });
    const outputs = { second: failing('second', 20), first: failing('first', 10) };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock, deadlineMs: 15 }));
    expect(run).toMatchObject({ status: 'failed', error: { path: 'first' }, errors: [{ path: 'second' }, { path: 'first' }] });
  });
});
