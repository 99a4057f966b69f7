import {
  block,
  defineEvent,
  guard,
  inputs,
  pipeline,
  type RunEvent,
  type RunIdentity,
  type Schema,
  settled,
  skip,
  stage,
} from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { recordingSink } from './recording-sink.ts';
import { eventLine, traceOf } from './trace.ts';
import { virtualClock } from './virtual-clock.ts';

const anything: Schema<never, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const priced = defineEvent('cart.priced', anything);
const { text } = inputs<{ text: string }>();

describe('traceOf()', () => {
  test('prints what happened when, and how each stage ended', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    let calls = 0;
    const flaky = stage('flaky', {
      needs: { text },
      retry: { attempts: 2, baseMs: 100, jitter: 'none' },
      run: async (_values, context) => {
        context.progress(0.5, 'half way');
        await clock.sleep(50, context.signal);
        if (++calls === 1) throw new TypeError('no route');
        context.emit(priced, { total: 12 });
        context.defer(() => {
          throw new Error('left open');
        });
        return calls;
      },
    });
    const absent = stage('absent', { needs: { flaky }, run: () => skip('nothing to add') });
    const behind = stage('behind', { needs: { absent }, run: () => 1 });
    const safe = guard('safe', { subject: flaky, check: () => block('too loud') });
    const notice = stage('notice', { needs: { safe: settled(safe) }, run: ({ safe }) => safe.status });
    const cut = stage('cut', { needs: { safe }, run: () => 1 });
    const shop = pipeline('shop', { outputs: { notice }, also: { behind, cut } });
    const run = await clock.settle(shop.run({ text: '' }, { clock, sinks: [sink], failureMode: 'continue', maxConcurrency: 1 }));

    expect(traceOf(sink)).toMatchInlineSnapshot(`
      "run shop
            0 ms  created with 6 stages
            0 ms  started
            0 ms    flaky started
            0 ms    flaky progressed to 50 %: half way
           50 ms    flaky attempt 1 failed, next in 100 ms: SF_STAGE_FAILED Stage "flaky" failed: TypeError: no route.
          150 ms    flaky progressed to 50 %: half way
          200 ms    flaky emitted cart.priced {"total":12}
          200 ms    flaky completed in 200 ms
          200 ms    safe started
          200 ms    safe blocked in 0 ms: too loud
          200 ms    absent started
          200 ms    absent skipped: nothing to add
          200 ms    notice started
          200 ms    notice completed in 0 ms
          200 ms    cut skipped: "safe" blocked (root cause: safe)
          200 ms    behind skipped: "absent" was skipped
          200 ms    flaky cleanup failed: SF_CLEANUP_FAILED A cleanup of stage "flaky" failed: left open.
          200 ms  blocked by safe in 200 ms: 2 completed, 3 skipped, 1 blocked; too loud"
    `);
    expect(traceOf(sink.events)).toBe(traceOf(sink));
    expect(traceOf(run)).toMatchInlineSnapshot(`
      "run shop
            0 ms    flaky completed in 200 ms, 2 attempts
          200 ms    safe blocked in 0 ms: too loud
          200 ms    notice completed in 0 ms
          200 ms    absent skipped in 0 ms: nothing to add
               -    behind skipped: "absent" was skipped
               -    cut skipped: "safe" blocked (root cause: safe)
          200 ms  blocked by safe in 200 ms: 2 completed, 3 skipped, 1 blocked; too loud"
    `);
  });

  test('prints how runs end otherwise', async () => {
    const clock = virtualClock();
    const failing = stage('failing', {
      run: () => {
        throw new Error('broken');
      },
    });
    const deaf = stage('deaf', { run: () => new Promise(() => {}) });
    const failed = await clock.settle(pipeline('fails', { outputs: { deaf, failing }, graceMs: 20 }).run({}, { clock }));
    expect(traceOf(failed)).toMatchInlineSnapshot(`
      "run fails
            0 ms    deaf cancelled in 20 ms, unsettled: stage "failing" failed
            0 ms    failing failed in 0 ms: SF_STAGE_FAILED Stage "failing" failed: broken.
           20 ms  failed in 20 ms: 1 failed, 1 cancelled; unsettled: deaf; SF_STAGE_FAILED Stage "failing" failed: broken."
    `);
    const blocking = guard('blocking', { subject: text, check: () => block('no') });
    expect(traceOf(await pipeline('blocks', { outputs: { blocking } }).run({ text: '' }, { clock }))).toMatchInlineSnapshot(`
      "run blocks
            0 ms    blocking blocked in 0 ms: no
            0 ms  blocked by blocking in 0 ms: 1 blocked; no"
    `);
    const degraded = pipeline('degrades', {
      outputs: { other: stage('other', { run: () => 1 }) },
      also: { failing },
      failureMode: 'best-effort',
    });
    expect(traceOf(await degraded.run({}, { clock }))).toMatchInlineSnapshot(`
      "run degrades
            0 ms    other completed in 0 ms
            0 ms    failing failed in 0 ms: SF_STAGE_FAILED Stage "failing" failed: broken.
            0 ms  completed, degraded, in 0 ms: 1 completed, 1 failed"
    `);
    expect(traceOf(await degraded.run({}, { clock, signal: AbortSignal.abort('enough') }))).toMatchInlineSnapshot(`
      "run degrades
               -    other cancelled: enough
               -    failing cancelled: enough
            0 ms  cancelled in 0 ms: 2 cancelled; enough"
    `);
    expect(traceOf([])).toBe('no events');
  });

  test('is the same for each run on a virtual clock', async () => {
    const wait = stage('wait', { needs: { text }, run: (_values, { now }) => typeof now });
    const waits = pipeline('waits', { outputs: { wait } });
    const traces = await Promise.all(
      [0, 5].map(async (now) => {
        const sink = recordingSink();
        await waits.run({ text: '' }, { clock: virtualClock({ now }), sinks: [sink] });
        return traceOf(sink);
      }),
    );
    expect(traces[0]).toBe(traces[1]);
  });

  test('keeps the runs of one sink apart', async () => {
    const sink = recordingSink();
    const clock = virtualClock();
    const slow = stage('slow', { needs: { text }, run: ({ text }, { signal }) => clock.sleep(Number(text), signal) });
    const waits = pipeline('waits', { outputs: { slow } });
    await clock.settle(Promise.all(['20', '10'].map((text) => waits.run({ text }, { clock, sinks: [sink] }))));
    expect(
      traceOf(sink)
        .split('\n')
        .filter((line) => /^run|slow completed/.test(line))
        .map((line) => line.trim()),
    ).toEqual(['run waits', '20 ms    slow completed in 20 ms', 'run waits', '10 ms    slow completed in 10 ms']);
  });
});

describe('eventLine()', () => {
  const run = {
    runId: 'r',
    pipeline: 'p',
    epoch: 1,
    seq: 1,
    at: 0,
    elapsedMs: 1_234.5678,
    tenantId: undefined,
    traceId: undefined,
    correlationId: undefined,
    parentRunId: undefined,
  };
  const staged = { ...run, stage: 'child', path: 'outer/child', attempt: 2 };
  const error = { code: 'SF_STAGE_TIMEOUT', message: 'Too slow.', retryable: true };
  const counts = { completed: 1, skipped: 0, failed: 0, blocked: 0, cancelled: 2 };
  const ended = { ...run, durationMs: 5, counts, unsettled: ['child'] };

  test.each<[RunEvent, string]>([
    [{ ...run, type: 'run.created', version: 1, stageCount: 1, identity: {} as RunIdentity }, 'created with 1 stage'],
    [{ ...run, type: 'run.snapshotted', statuses: { a: 'running', b: 'waiting' } }, 'joined late: a running, b waiting'],
    [{ ...run, type: 'run.stopping', status: 'failed', reason: 'it broke' }, 'stopping as failed: it broke'],
    [{ ...ended, type: 'run.completed', degraded: true }, 'completed, degraded, in 5 ms: 1 completed, 2 cancelled; unsettled: child'],
    [{ ...ended, unsettled: [], type: 'run.failed', error }, 'failed in 5 ms: 1 completed, 2 cancelled; SF_STAGE_TIMEOUT Too slow.'],
    [
      { ...ended, unsettled: [], type: 'run.blocked', reason: 'no', blockedBy: 'safe' },
      'blocked by safe in 5 ms: 1 completed, 2 cancelled; no',
    ],
    [
      { ...ended, unsettled: [], type: 'run.cancelled', reason: 'enough', cancelledBy: 'child' },
      'cancelled by child in 5 ms: 1 completed, 2 cancelled; enough',
    ],
    [{ ...run, type: 'events.dropped', sink: 'slow', count: 3 }, '3 events dropped by sink slow'],
  ])('of a run: %j', (event, fact) => {
    expect(eventLine(event)).toBe(`1234.57 ms  ${fact}`);
  });

  test.each<[RunEvent, string]>([
    [{ ...staged, type: 'stage.started', kind: 'work', queuedMs: 7 }, 'started after 7 ms in the queue'],
    [
      { ...staged, type: 'stage.failed', kind: 'work', durationMs: 7, error, handled: true },
      'failed in 7 ms, handled: SF_STAGE_TIMEOUT Too slow.',
    ],
    [{ ...staged, type: 'stage.failed', kind: 'work', durationMs: 7, error, handled: false }, 'failed in 7 ms: SF_STAGE_TIMEOUT Too slow.'],
    [{ ...staged, type: 'stage.blocked', kind: 'guard', durationMs: 7, reason: 'no', handled: false }, 'blocked in 7 ms: no'],
    [{ ...staged, type: 'stage.cancelled', kind: 'work', reason: 'enough' }, 'cancelled: enough'],
    [{ ...staged, type: 'stage.progressed', fraction: 1 / 3, message: undefined }, 'progressed to 33.33 %'],
    [{ ...staged, type: 'attempt.failed', error, retryInMs: undefined }, 'attempt 2 failed: SF_STAGE_TIMEOUT Too slow.'],
    [{ ...staged, type: 'attempt.abandoned', graceMs: 10 }, 'attempt 2 abandoned: it ignored its signal for 10 ms'],
    [{ ...staged, type: 'attempt.arrived_late', settledAs: 'rejected' }, 'attempt 2 rejected late'],
    [{ ...staged, type: 'guard.failed_open', error }, 'failed open: SF_STAGE_TIMEOUT Too slow.'],
    [{ ...staged, type: 'stream.opened', readers: 1 }, 'streams to 1 reader'],
    [{ ...staged, type: 'stream.chunk', index: 3, chunk: 'Hel' }, 'chunk 3: "Hel"'],
    [{ ...staged, type: 'stream.overflowed', reader: 'speech' }, 'gave more than speech had room for'],
    [{ ...staged, type: 'stream.closed', chunks: 2, blockedMs: 0, readers: [] }, 'stream closed after 2 chunks'],
    [{ ...staged, type: 'stage.paused' } as never, 'stage.paused'],
  ])('of a stage, indented under its parent: %j', (event, fact) => {
    expect(eventLine(event)).toBe(`1234.57 ms      outer/child ${fact}`);
  });
});
