import {
  block,
  cached,
  createRuntime,
  guard,
  type Interceptor,
  inputs,
  memoryRunStore,
  optional,
  pipeline,
  type RunEvent,
  type RunOptions,
  skip,
  stage,
  suspend,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { WideEvent, WideRunEvent, WideStageEvent } from './wide-event.ts';
import { wideEvents } from './wide-events.ts';

/** What is written of one run. */
async function recordsOf(run: (options: RunOptions) => Promise<unknown>, options: RunOptions = {}) {
  const clock = virtualClock({ now: 1_000 });
  const records: WideEvent[] = [];
  await clock.settle(run({ clock, runId: 'r', sinks: [wideEvents({ write: (record) => void records.push(record) })], ...options }));
  await clock.advance(0);
  return { records, of: (path: string) => stageOf(records, path), run: runOf(records), clock };
}

function stageOf(records: readonly WideEvent[], path: string): WideStageEvent | undefined {
  return records.find((record): record is WideStageEvent => record.type === 'stage.wide' && record.path === path);
}

function runOf(records: readonly WideEvent[], runId = 'r'): WideRunEvent | undefined {
  return records.find((record): record is WideRunEvent => record.type === 'run.wide' && record.runId === runId);
}

describe('a record of a stage', () => {
  test('says all that is known of it, once', async () => {
    const clock = virtualClock({ now: 1_000 });
    let calls = 0;
    const slow = stage('slow', {
      kind: 'agent',
      retry: { attempts: 3, baseMs: 100, jitter: 'none' },
      run: () => clock.sleep(10).then(() => (++calls < 3 ? Promise.reject(new Error('busy')) : 1)),
    });
    const late = stage('late', { run: () => 1 });
    const p = pipeline('p', { outputs: { slow, late }, maxConcurrency: 1 });
    const { of } = await recordsOf(({ clock: _, ...options }) =>
      clock.settle(p.run({}, { ...options, clock, tenantId: 't', traceId: 'tr' })),
    );
    expect(of('slow')).toMatchObject({
      type: 'stage.wide',
      runId: 'r',
      pipeline: 'p',
      epoch: 1,
      tenantId: 't',
      traceId: 'tr',
      stage: 'slow',
      kind: 'agent',
      status: 'completed',
      cached: false,
      attempts: 3,
      failedAttempts: [
        { attempt: 1, code: 'SF_STAGE_FAILED', retryInMs: 100 },
        { attempt: 2, code: 'SF_STAGE_FAILED', retryInMs: 200 },
      ],
      durationMs: 330,
      startedAt: 1_000,
      endedAt: 1_330,
    });
    expect(of('late')).toMatchObject({ status: 'completed', queuedMs: 10, attempts: 1, failedAttempts: [] });
  });

  test('tells skipped, failed, blocked, cancelled and cached apart', async () => {
    const { text } = inputs<{ text: string }>();
    const skipped = stage('skipped', { run: () => skip('nothing new') });
    const failed = stage('failed', { onFailure: 'fail', run: () => Promise.reject(new Error('no')) });
    const behind = stage('behind', { needs: { failed }, run: () => 1 });
    const known = stage('known', { run: () => 1 });
    const blocked = guard('blocked', { subject: text, check: () => block('not that') });
    const reader = stage('reader', { needs: { skipped: optional(skipped) }, run: () => 1 });
    const memo: Interceptor = { name: 'memo', only: { stages: ['known'] }, stage: async () => cached(2) };
    const p = pipeline('p', { outputs: { reader, behind, known, blocked }, failureMode: 'continue' });
    const { records, of, run } = await recordsOf((options) => p.run({ text: 'x' }, { ...options, interceptors: [memo] }));
    expect(of('skipped')).toMatchObject({ status: 'skipped', reason: 'nothing new', rootCause: undefined, attempts: 1 });
    expect(of('failed')).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED' }, handled: false });
    expect(of('behind')).toMatchObject({
      status: 'skipped',
      rootCause: 'failed',
      attempts: 0,
      durationMs: undefined,
      startedAt: undefined,
    });
    expect(of('known')).toMatchObject({ status: 'completed', cached: true, attempts: 0 });
    expect(of('blocked')).toMatchObject({ status: 'blocked', reason: 'not that', handled: false });
    expect(records.length).toBe(7);
    expect(run).toMatchObject({ status: 'failed', cached: 1, counts: { completed: 2, skipped: 2, failed: 1, blocked: 1 } });
  });
});

describe('a record of a run', () => {
  const ok = stage('ok', { run: () => 1 });
  const ill = stage('ill', { run: () => Promise.reject(new Error('no')) });

  test('says who it was for, and sums its stages up', async () => {
    const p = pipeline('p', { outputs: { ok } });
    const { run } = await recordsOf((options) => p.run({}, { ...options, userId: 'u', metadata: { secret: 1 } }));
    expect(run).toMatchObject({ status: 'completed', degraded: false, identity: { userId: 'u', runId: 'r' }, attempts: 1, dropped: 0 });
    expect(run?.identity).not.toHaveProperty('metadata');
    expect(run?.children).toBeUndefined();
  });

  test('says that it is degraded, blocked by whom, cancelled by whom', async () => {
    const best = pipeline('p', { outputs: { ok }, also: { ill }, failureMode: 'best-effort' });
    expect((await recordsOf((options) => best.run({}, options))).run).toMatchObject({ status: 'completed', degraded: true });
    const { text } = inputs<{ text: string }>();
    const judge = pipeline('p', { outputs: { judge: guard('judge', { subject: text, check: () => block('no') }) } });
    expect((await recordsOf((options) => judge.run({ text: '' }, options))).run).toMatchObject({
      status: 'blocked',
      blockedBy: 'judge',
      reason: 'no',
    });
    const p = pipeline('p', { outputs: { ok } });
    expect((await recordsOf((options) => p.run({}, { ...options, signal: AbortSignal.abort() }))).run).toMatchObject({
      status: 'cancelled',
    });
  });

  test('of a suspended run comes with those of the stages that wait, and once more when it has gone on', async () => {
    const records: WideEvent[] = [];
    const ask = stage('ask', { kind: 'agent', run: (_, { answer }) => answer(z.string()) ?? suspend('?') });
    const p = pipeline('p', { outputs: { ask } });
    const runtime = createRuntime({
      pipelines: [p],
      store: memoryRunStore(),
      sinks: [wideEvents({ write: (record) => void records.push(record) })],
    });
    const run = await runtime.run(p, {}, { runId: 'r' });
    if (run.status !== 'suspended') throw new Error(run.status);
    await runtime.decide(run.waits[0]?.waitId as string, 'yes');
    await runtime.resume('r');
    await runtime.close();
    expect(records.map(({ type, status, epoch }) => `${type} ${status} ${epoch}`)).toEqual([
      'stage.wide suspended 1',
      'run.wide suspended 1',
      'stage.wide completed 2',
      'run.wide completed 2',
    ]);
    expect(records[0]).toMatchObject({ kind: 'agent' });
    expect(records[1]).toMatchObject({ waits: [expect.any(String)] });
  });

  test('says how many events were lost, and is made of what is left', async () => {
    const sink = recordingSink();
    await pipeline('p', { outputs: { ok } }).run({}, { runId: 'r', sinks: [sink] });
    const records: WideEvent[] = [];
    const wide = wideEvents({ write: (record) => void records.push(record) });
    const last = sink.events.at(-1) as RunEvent;
    const ended = sink.of('stage.completed')[0] as RunEvent;
    for (const event of [{ ...last, type: 'events.dropped', sink: 's', count: 3 } as RunEvent, ended, last]) await wide.emit(event);
    expect(records).toMatchObject([
      { status: 'completed', durationMs: undefined, kind: 'transform' },
      { dropped: 3, identity: undefined },
    ]);
  });
});

describe('child runs', () => {
  /** A runtime whose stage takes as long as it is told to. */
  function host() {
    const clock = virtualClock();
    const records: WideEvent[] = [];
    const wide = wideEvents({ write: (record) => void records.push(record) });
    const { ms } = inputs<{ ms: number }>();
    const rest = stage('rest', {
      needs: { ms },
      run: ({ ms }, { signal }) => clock.sleep(ms, signal).then(() => (ms === 7 ? Promise.reject(new Error('no')) : ms)),
    });
    const nap = pipeline('nap', { outputs: { rest } });
    return { clock, records, wide, nap, runtime: createRuntime({ pipelines: [nap], clock, sinks: [wide] }) };
  }

  test('are counted by their parent, with how they ended and how long they took', async () => {
    const { clock, records, wide, nap, runtime } = host();
    const parent = runtime.start(nap, { ms: 100 }, { runId: 'parent' });
    const children = [20, 30, 7].map((ms) => runtime.start(nap, { ms }, { parent }));
    await clock.advance(10);
    expect(wide.childRunsOf('parent')).toMatchObject({ started: 3, running: 2, peak: 3, byStatus: { failed: 1, completed: 0 } });
    await clock.settle(Promise.all([parent, ...children].map(({ result }) => result)));
    await runtime.close();
    const expected = { started: 3, running: 0, peak: 3, byStatus: { completed: 2, failed: 1 }, durationMs: { sum: 57, max: 30 } };
    expect(runOf(records, 'parent')?.children).toMatchObject(expected);
    expect(wide.childRuns).toMatchObject(expected);
    expect(runOf(records, children[0]?.runId)).toMatchObject({ parentRunId: 'parent', children: undefined });
    expect(records.filter(({ parentRunId }) => parentRunId === 'parent').length).toBe(6);
  });

  test('are forgotten when their parent and all of them have ended', async () => {
    const { clock, wide, nap, runtime } = host();
    const parent = runtime.start(nap, { ms: 10 }, { runId: 'parent' });
    const child = runtime.start(nap, { ms: 50 }, { parent });
    await clock.settle(parent.result);
    await clock.advance(1);
    expect(wide.childRunsOf('parent')).toMatchObject({ running: 1 });
    await clock.settle(child.result);
    await clock.advance(1);
    expect(wide.childRunsOf('parent')).toBeUndefined();
    expect(wide.childRuns).toMatchObject({ started: 1, running: 0 });
  });
});

test('a writer that takes its time gets one record after the other', async () => {
  const clock = virtualClock();
  const order: string[] = [];
  const write = async (record: WideEvent) => {
    order.push(`begin ${record.type}`);
    await clock.sleep(5);
    order.push(`end ${record.type}`);
  };
  const ask = (name: string) => stage(name, { run: () => suspend('?') });
  const p = pipeline('p', { outputs: { a: ask('a'), b: ask('b') } });
  const runtime = createRuntime({ pipelines: [p], clock, store: memoryRunStore(), sinks: [wideEvents({ write, name: 'mine' })] });
  await clock.settle(runtime.run(p, {}));
  await clock.settle(runtime.close());
  expect(order).toEqual([1, 2, 3].flatMap((at) => ['begin', 'end'].map((word) => `${word} ${at === 3 ? 'run' : 'stage'}.wide`)));
  expect(runtime.sinks['mine']).toMatchObject({ dropped: 0 });
});

test('a writer that throws changes nothing, and is counted', async () => {
  const p = pipeline('p', { outputs: { ok: stage('ok', { run: () => 1 }) } });
  const refuse = () => {
    throw new Error('no');
  };
  const runtime = createRuntime({ pipelines: [p], sinks: [wideEvents({ write: refuse })] });
  expect((await runtime.run(p, {})).status).toBe('completed');
  await runtime.close();
  expect(runtime.sinks['wide-events']).toMatchObject({ failed: 2 });
});
