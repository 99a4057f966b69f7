import { firstOf, pipeline, settled, skip, stage, work } from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { virtualClock } from '@stageflow/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';

/** Holds the thread until the host's own clock has moved on. */
function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** A chain of synchronous stages, each with `policy`. */
function chain(length: number, body: (at: number) => void, policy: object = {}) {
  return definePipeline({
    name: 'chain',
    stages: Array.from({ length }, (_, at) => ({
      name: `s${at}`,
      needs: at === 0 ? {} : { before: `s${at - 1}` },
      ...policy,
      run: () => {
        body(at);
        return at;
      },
    })),
    outputs: { last: `s${length - 1}` },
  });
}

describe('the synchronous path', () => {
  test('ends within the call of run() where it is short', async () => {
    let called = 0;
    // Fewer than the scheduler looks at the time for: however slow the machine, it does not yield.
    const result = chain(200, () => called++).run({});
    expect(called).toBe(200);
    expect((await result).outputs).toEqual({ last: 199 });
  });

  test('lets the host have a turn where it is long, and goes on after it', async () => {
    let called = 0;
    let calledAtHostTurn: number | undefined;
    const host = new MessageChannel();
    host.port1.onmessage = () => {
      calledAtHostTurn = called;
      host.port1.close();
    };
    host.port2.postMessage(undefined);
    const run = await chain(2_000, () => {
      called++;
      spin(0.02);
    }).run({});
    expect(run.outputs).toEqual({ last: 1_999 });
    expect(calledAtHostTurn).toBeGreaterThan(0);
    expect(calledAtHostTurn).toBeLessThan(2_000);
  });

  test('takes in what ends while the host has its turn, and goes on', async () => {
    const busy = chain(2_000, () => spin(0.02));
    const inTurn: string[] = [];
    const quick = stage('quick', { run: () => Promise.resolve() });
    const reader = stage('reader', { needs: { quick }, run: () => void inTurn.push('reader') });
    const spinning = Array.from({ length: 1_500 }, (_, at) => stage(`spin${at}`, { run: () => spin(0.02) }));
    const both = pipeline('both', { outputs: { reader, ...Object.fromEntries(spinning.map((each) => [each.name, each])) } });
    const runs = await Promise.all([both.run({}), busy.run({})]);
    expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(inTurn).toEqual(['reader']);
  });

  test('does not recurse through stages that have policies', async () => {
    const run = await chain(6_000, () => {}, { retry: { attempts: 2 } }).run({});
    expect(run.counts.completed).toBe(6_000);
  });

  test('stops at a deadline that passes while a stage holds the thread', async () => {
    const clock = virtualClock();
    const held = chain(3, () => clock.block(40));
    const run = await held.run({}, { clock, deadlineMs: 50 });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' } });
    expect([...run.stages.values()].map(({ status }) => status)).toEqual(['completed', 'completed', 'cancelled']);
    expect((await held.run({}, { clock, deadlineMs: 500 })).status).toBe('completed');
  });

  test('fails a run whose last stage held the thread past the deadline', async () => {
    const clock = virtualClock();
    const run = await chain(1, () => clock.block(60)).run({}, { clock, deadlineMs: 50 });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' } });
  });
});

describe('a turn for the host', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** The host's clock shows what this says, and not how fast the machine is. */
  function hostClock(): { nowMs: number } {
    const host = { nowMs: 1_000 };
    vi.spyOn(performance, 'now').mockImplementation(() => host.nowMs);
    return host;
  }

  /** Calls `callback` in the host's next turn. */
  function inHostTurn(callback: () => void): void {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      callback();
    };
    port2.postMessage(undefined);
  }

  test('is not given by stages that take no time, however many', async () => {
    hostClock();
    let called = 0;
    const result = chain(3_000, () => called++).run({});
    expect(called).toBe(3_000);
    expect((await result).status).toBe('completed');
  });

  test('is given by stages that take long, soon and again and again, whatever ends meanwhile', async () => {
    const host = hostClock();
    let called = 0;
    const atTurns: number[] = [];
    const look = (): void => {
      atTurns.push(called);
      if (called < 3_000) inHostTurn(look);
    };
    inHostTurn(look);
    const stages = Array.from({ length: 3_000 }, (_, at) =>
      stage(`s${at}`, {
        run: () => {
          called++;
          host.nowMs += 1;
        },
      }),
    );
    // It ends while the host has its turn, and must not take it away.
    const quick = stage('quick', { run: () => Promise.resolve() });
    const outputs = { quick, ...Object.fromEntries(stages.map((each) => [each.name, each])) };
    const run = await pipeline('p', { outputs }).run({});
    expect(run.counts.completed).toBe(3_001);
    const between = atTurns.map((at, turn) => at - (atTurns[turn - 1] ?? 0));
    expect(between.length).toBeGreaterThan(4);
    expect(Math.max(...between)).toBeLessThan(512);
  });

  test('does not cost a look at the time for each stage', async () => {
    const host = hostClock();
    const now = vi.mocked(performance.now);
    await chain(2_000, () => {
      host.nowMs += 0.001;
    }).run({}, { clock: virtualClock() });
    expect(now.mock.calls.length).toBeGreaterThan(0);
    expect(now.mock.calls.length).toBeLessThan(20);
  });

  test('is not counted as time of the stage that comes after it', async () => {
    const host = hostClock();
    const clock = virtualClock();
    let turnAt: number | undefined;
    inHostTurn(() => {
      turnAt = clock.monotonic();
      clock.block(40);
    });
    const run = await chain(600, () => {
      host.nowMs += 1;
    }).run({}, { clock });
    expect(turnAt).toBe(0);
    const reports = [...run.stages.values()];
    expect(reports.every(({ durationMs }) => durationMs === 0)).toBe(true);
    expect(new Set(reports.map(({ startedAfterMs }) => startedAfterMs))).toEqual(new Set([0, 40]));
  });
});

describe('a firstOf', () => {
  test('that was decided early counts once: its reader still waits for what else it needs', async () => {
    const clock = virtualClock();
    const first = stage('first', { run: () => 'first' });
    const second = stage('second', { run: () => clock.sleep(10).then(() => 'second') });
    const slow = stage('slow', { run: () => clock.sleep(20).then(() => 'slow') });
    const reader = stage('reader', {
      needs: { either: firstOf(first, second), slow },
      run: ({ either, slow }) => `${either}, ${slow} at ${clock.monotonic()}`,
    });
    const run = await clock.settle(pipeline('p', { outputs: { reader, second } }).run({}, { clock }));
    expect(run.outputs).toEqual({ reader: 'first, slow at 20', second: 'second' });
  });

  test('does not wait for those after the one that decides', async () => {
    const clock = virtualClock();
    const first = stage('first', { run: () => clock.sleep(5).then(() => 'first') });
    const second = stage('second', { run: () => clock.sleep(50).then(() => 'second') });
    const reader = stage('reader', { needs: { either: firstOf(first, second) }, run: () => clock.monotonic() });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock }));
    expect(run.outputs).toEqual({ reader: 5 });
  });
});

describe('times', () => {
  test('of a stage do not count what others did in the same turn before it started', async () => {
    const clock = virtualClock();
    const busy = (name: string) => stage(name, { run: async () => clock.block(50) });
    const outputs = { a: busy('a'), b: busy('b'), c: busy('c') };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock }));
    expect([...run.stages.values()].map(({ startedAfterMs }) => startedAfterMs)).toEqual([0, 50, 100]);
  });

  test('that are off leave attempts known, and nothing else', async () => {
    const clock = virtualClock();
    let calls = 0;
    const flaky = stage('flaky', {
      retry: { attempts: 3, baseMs: 1, jitter: 'none' },
      onFailure: 'skip',
      run: () => {
        calls++;
        throw new Error('no');
      },
    });
    const once = stage('once', {
      onFailure: 'skip',
      run: () => {
        throw new Error('no');
      },
    });
    const never = stage('never', { when: () => false, run: () => 1 });
    const run = await clock.settle(pipeline('p', { outputs: { flaky, once, never } }).run({}, { clock, timings: false }));
    expect([...run.stages.values()].map(({ stage: name, attempts }) => [name, attempts])).toEqual([
      ['flaky', 3],
      ['once', 1],
      ['never', 0],
    ]);
    expect(calls).toBe(3);
    expect(run.elapsedMs).toBe(0);
    expect(run.stages.get('once')).toMatchObject({ startedAt: undefined, durationMs: undefined, queuedMs: 0 });
  });

  test('in the queue are told of stages that waited for a slot, and of no others', async () => {
    const clock = virtualClock();
    const held = (name: string) => stage(name, { run: () => clock.sleep(10) });
    const outputs = { a: held('a'), b: held('b'), c: held('c') };
    const run = await clock.settle(pipeline('p', { outputs }).run({}, { clock, maxConcurrency: 2 }));
    expect([...run.stages.values()].map(({ queuedMs }) => queuedMs)).toEqual([0, 0, 10]);
  });
});

test('a stage that waits for a slot for its next attempt when the run stops is cancelled, and not called unsettled', async () => {
  const clock = virtualClock();
  const controller = new AbortController();
  const flaky = work('flaky', {
    retry: { attempts: 2, baseMs: 0, jitter: 'none' },
    run: () => Promise.reject(new Error('no')),
  });
  const holder = stage('holder', { run: (_, { signal }) => clock.sleep(100, signal) });
  const run = pipeline('p', { outputs: { flaky, holder } }).run({}, { clock, maxConcurrency: 1, signal: controller.signal });
  await clock.advance(10);
  controller.abort(new Error('enough'));
  const ended = await clock.settle(run);
  expect(ended).toMatchObject({ status: 'cancelled', unsettled: [] });
  expect([...ended.stages.values()].map(({ status, attempts }) => [status, attempts])).toEqual([
    ['cancelled', 1],
    ['cancelled', 1],
  ]);
});

describe('a run that stops', () => {
  const clock = virtualClock();
  const skipping = stage('skipping', { run: () => skip('nothing') });
  const hanging = stage('hanging', { run: (_, { signal }) => clock.sleep(1_000, signal) });

  test('cancels what stands behind a cancel and a chosen skip, and skips what takes the cancel into account', async () => {
    const behindBoth = stage('behindBoth', { needs: { skipping, hanging }, run: () => 1 });
    const settling = stage('settling', { needs: { skipping, hanging: settled(hanging) }, run: () => 1 });
    const free = stage('free', { needs: { hanging }, run: () => 1 });
    const run = pipeline('p', { outputs: { behindBoth, settling, free } }).run({}, { clock, deadlineMs: 5 });
    const { stages } = await clock.settle(run);
    expect([...stages.values()].map(({ stage: name, status }) => [name, status])).toEqual([
      ['skipping', 'skipped'],
      ['hanging', 'cancelled'],
      ['behindBoth', 'cancelled'],
      ['settling', 'skipped'],
      ['free', 'cancelled'],
    ]);
  });
});
