import { map, subpipeline } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { skip } from '../control.ts';
import { settled } from '../edge.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { FailureMode } from '../plan/draft.ts';
import { type Stage, stage } from '../stage.ts';

const { text } = inputs<{ text: string }>();
const no = (): Promise<never> => Promise.reject(new Error('no'));
const it = stage('it', { run: () => 1 });
const skipping = stage('skipping', { run: () => skip('nothing') });
const failing = stage('failing', { run: no });
const alsoFailing = stage('also failing', { run: no });
const blocking = guard('blocking', { subject: text, check: () => block('a secret') }) as Stage;

/** A run whose output is whole, whatever runs beside it. */
function besides(also: readonly Stage[], failureMode: FailureMode, output: Stage = it) {
  const named = Object.fromEntries(also.map((each) => [each.name, each]));
  return pipeline('p', { outputs: { output }, also: named }).run({ text: 'hi' } as never, { failureMode });
}

describe('a run that goes on after failures', () => {
  test.each<[string, readonly Stage[], FailureMode, object]>([
    ['a failure', [failing], 'continue', { status: 'failed', error: { path: 'failing' } }],
    ['a failure', [failing], 'best-effort', { status: 'completed', degraded: true }],
    ['two failures', [alsoFailing, failing], 'continue', { status: 'failed', error: { path: 'also failing' } }],
    ['a block', [blocking], 'continue', { status: 'blocked', reason: 'a secret', blockedBy: 'blocking' }],
    ['a block', [blocking], 'best-effort', { status: 'blocked', reason: 'a secret', blockedBy: 'blocking' }],
    ['a failure and a block', [failing, blocking], 'continue', { status: 'failed', error: { path: 'failing' } }],
    ['a failure and a block', [blocking, failing], 'best-effort', { status: 'failed', error: { path: 'failing' } }],
    ['a chosen skip', [skipping], 'best-effort', { status: 'completed', degraded: false }],
    ['a chosen skip', [skipping], 'continue', { status: 'completed', degraded: false }],
    ['nothing bad', [], 'best-effort', { status: 'completed', degraded: false }],
  ])('ends, with %s of %j under %s, as %j', async (_, also, failureMode, expected) => {
    expect(await besides(also, failureMode)).toMatchObject({ ...expected, outputs: { output: 1 } });
  });

  test('is failed under best-effort where an output is missing, and completed where it was skipped by choice', async () => {
    expect(await besides([failing], 'best-effort', alsoFailing)).toMatchObject({ status: 'failed', outputs: {} });
    const run = await besides([failing], 'best-effort', skipping as Stage);
    expect(run).toMatchObject({ status: 'completed', degraded: true });
    expect(run.outputs).toEqual({ output: undefined });
  });

  test('takes no notice of a failure or block that is handled', async () => {
    const outputs = { failing: settled(failing), blocking: settled(blocking) };
    const run = await pipeline('p', { outputs }).run({ text: 'hi' } as never);
    expect(run).toMatchObject({ status: 'completed', degraded: false, counts: { failed: 1, blocked: 1 } });
  });
});

describe('a report', () => {
  const timed = (options: object = {}) => {
    const clock = virtualClock({ now: 5_000, monotonic: 77 });
    const first = stage('first', { version: '2', run: () => clock.sleep(10).then(() => skip('nothing')) });
    const second = stage('second', { kind: 'agent', after: [first], run: () => clock.sleep(20) });
    const reader = stage('reader', { needs: { first }, run: () => 1 });
    return clock.settle(pipeline('p', { outputs: { second, reader } }).run({}, { clock, ...options }));
  };

  test('says when the stage started and how long it took', async () => {
    const { stages } = await timed();
    expect(stages.get('first')).toMatchObject({ version: '2', kind: 'transform', startedAt: 5_000, startedAfterMs: 0, durationMs: 10 });
    expect(stages.get('second')).toMatchObject({ kind: 'agent', startedAt: 5_010, startedAfterMs: 10, durationMs: 20, queuedMs: 0 });
  });

  test('has no times of a stage that did not start', async () => {
    const report = (await timed()).stages.get('reader');
    expect(report).toMatchObject({
      status: 'skipped',
      attempts: 0,
      startedAt: undefined,
      startedAfterMs: undefined,
      durationMs: undefined,
    });
  });

  test('has no times where timings are off, and still the attempts', async () => {
    const { stages } = await timed({ timings: false });
    const found = [...stages.values()].map(({ attempts, startedAt, startedAfterMs, durationMs }) => [
      attempts,
      startedAt,
      startedAfterMs,
      durationMs,
    ]);
    expect(found).toEqual([
      [1, undefined, undefined, undefined],
      [1, undefined, undefined, undefined],
      [0, undefined, undefined, undefined],
    ]);
  });

  test('calls unsettled what had not settled, and nothing else; the run names those in the order of the plan', async () => {
    const clock = virtualClock();
    const hanging = (name: string, graceMs: number) => stage(name, { timeoutMs: 5, graceMs, run: () => new Promise(() => {}) });
    const outputs = { late: settled(hanging('late', 20)), early: settled(hanging('early', 10)), it };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock }));
    expect(run.unsettled).toEqual(['late', 'early']);
    expect([...run.stages.values()].map(({ stage, unsettled }) => [stage, unsettled])).toEqual([
      ['late', true],
      ['early', true],
      ['it', false],
    ]);
  });
});

test('errors are listed in the order of the plan, not of time', async () => {
  const clock = virtualClock();
  const failingAfter = (name: string, ms: number) => stage(name, { run: () => clock.sleep(ms).then(no) });
  const outputs = { slow: settled(failingAfter('slow', 20)), quick: settled(failingAfter('quick', 5)) };
  const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock }));
  expect(run.errors.map(({ path }) => path)).toEqual(['slow', 'quick']);
});

describe('what stands in a region', () => {
  const source = stage('source', { run: () => [1, 2, 3] });

  test('is counted, reported and listed by its path, after the region', async () => {
    const items = map('items', source, (item) =>
      stage('half', { needs: { item }, run: ({ item }) => (item === 2 ? no() : item === 3 ? skip('nothing') : item) }),
    );
    const run = await pipeline('p', { outputs: { items: settled(items) } }).run({});
    expect(run.counts).toEqual({ completed: 2, skipped: 1, failed: 2, blocked: 0, cancelled: 0 });
    expect([...run.stages.keys()]).toEqual(['source', 'items', 'items[0]/half', 'items[1]/half', 'items[2]/half']);
    expect(run.stages.get('items[1]/half')).toMatchObject({ stage: 'half', status: 'failed', cached: false });
  });

  test('has each of its failures among the errors once, in the order of the plan', async () => {
    const items = map('items', source, (item) => stage('half', { needs: { item }, run: ({ item }) => (item === 2 ? no() : item) }));
    const last = stage('last', { needs: { items: settled(items) }, run: no });
    const run = await pipeline('p', { outputs: { last } }).run({});
    expect(run.errors.map(({ path }) => path)).toEqual(['items[1]/half', 'last']);
  });

  test('is named among the unsettled by its path', async () => {
    const clock = virtualClock();
    const items = map('items', source, (item) =>
      stage('half', {
        needs: { item },
        timeoutMs: 5,
        graceMs: 5,
        onFailure: 'skip',
        run: ({ item }) => (item === 2 ? new Promise(() => {}) : item),
      }),
    );
    const run = await clock.settle(pipeline('p', { outputs: { items, it } }).run({}, { clock }));
    expect(run).toMatchObject({ status: 'completed', outputs: { items: [1, 3] }, unsettled: ['items[1]/half'] });
  });

  test.each<[string, Stage, object]>([
    ['completes', it, { status: 'completed', outputs: { nested: { of: 1 } } }],
    ['skips its output', skipping as Stage, { status: 'completed', outputs: { nested: { of: undefined } } }],
    ['fails', failing, { status: 'failed', error: { path: 'nested/failing' }, outputs: {} }],
    ['is blocked', blocking, { status: 'blocked', reason: 'a secret', blockedBy: 'nested/blocking', outputs: {} }],
  ])('and is a pipeline that %s decides how the region ends', async (_, of, expected) => {
    const child = pipeline('child', { outputs: { of } });
    const sources = of === blocking ? { text } : {};
    const nested = subpipeline('nested', child as never, sources as never) as unknown as Stage;
    expect(await pipeline('p', { outputs: { nested } }).run({ text: 'hi' } as never)).toMatchObject(expected);
  });
});
