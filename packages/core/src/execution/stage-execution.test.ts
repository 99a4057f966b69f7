import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { cancel, fail, retryLater, skip, suspend } from '../control.ts';
import { optional, settled } from '../edge.ts';
import { guard, pass, review } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import type { Schema } from '../schema.ts';
import { type Stage, type StagePolicy, stage } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';
import { work } from '../work.ts';
import type { RunOptions } from './start-run.ts';

interface Observed {
  readonly run: Run;
  readonly clock: VirtualClock;
  readonly sink: ReturnType<typeof recordingSink>;
  /** The events of the stage from its start, in short, with their time. */
  readonly story: string[];
}

/** Runs a pipeline of one stage, by virtual time. */
async function observe(it: Stage, { clock = virtualClock(), ...options }: RunOptions & { clock?: VirtualClock } = {}): Promise<Observed> {
  const sink = recordingSink();
  const made = pipeline('p', { outputs: { it } });
  const run = await clock.settle(
    made.run({ text: 'hi' } as never, { clock, random: () => 0.5, sinks: [sink], ...options } as never) as Promise<Run>,
  );
  const story = sink.about('it').map((event) => `${event.elapsedMs} ${event.type}`);
  return { run, clock, sink, story };
}

function doing(policy: StagePolicy, run: (context: StageContext, clock: VirtualClock) => unknown, clock: VirtualClock = virtualClock()) {
  return { it: stage('it', { ...policy, run: (_, context) => run(context, clock) }), clock };
}

function watch(
  policy: StagePolicy,
  run: (context: StageContext, clock: VirtualClock) => unknown,
  options: RunOptions = {},
): Promise<Observed> {
  const { it, clock } = doing(policy, run);
  return observe(it, { ...options, clock });
}

/** Ends when the signal aborts, after `lateMs` more. */
function obedient({ signal }: StageContext, clock: VirtualClock, lateMs = 0): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => clock.schedule(() => reject(signal.reason), lateMs)));
}

const none = { attempts: 1 };
const twice = { retry: { attempts: 2, baseMs: 100, jitter: 'none' } } as const;
const codes = (run: Run): string[] => run.errors.map(({ code }) => code);

describe('a timeout', () => {
  test('aborts the attempt with the error as the reason, and fails it when it has settled', async () => {
    let reason: unknown;
    const { run, story } = await watch({ timeoutMs: 50 }, (context, clock) => {
      context.signal.addEventListener('abort', () => {
        reason = context.signal.reason;
      });
      return obedient(context, clock, 10);
    });
    expect(codes(run)).toEqual(['SF_STAGE_TIMEOUT']);
    expect(reason).toBe(run.errors[0]);
    expect(story).toEqual(['0 stage.started', '60 attempt.failed', '60 stage.failed']);
    expect(run.unsettled).toEqual([]);
  });

  test('does not touch an attempt that ends in time', async () => {
    const { run, clock } = await watch({ timeoutMs: 50 }, (_, clock) => clock.sleep(50 - 1).then(() => 'done'));
    expect(run.outputs).toEqual({ it: 'done' });
    expect(clock.pending).toBe(0);
  });

  test('drops the value of an attempt that obeys by returning', async () => {
    const { run } = await watch(
      { timeoutMs: 50 },
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('partial'))),
    );
    expect(run.outputs).toEqual({});
    expect(codes(run)).toEqual(['SF_STAGE_TIMEOUT']);
  });

  test('waits for the grace, then fences the attempt and names the stage', async () => {
    const { run, story } = await watch({ timeoutMs: 50, graceMs: 20 }, () => new Promise(() => {}));
    expect(story).toEqual(['0 stage.started', '70 attempt.abandoned', '70 attempt.failed', '70 stage.failed']);
    expect(run.unsettled).toEqual(['it']);
    expect(run.stages.get('it')?.unsettled).toBe(true);
  });

  test('takes the grace of the run where the stage has none', async () => {
    const { story } = await watch({ timeoutMs: 50 }, () => new Promise(() => {}), { graceMs: 7 });
    expect(story[1]).toBe('57 attempt.abandoned');
  });

  test.each([
    ['resolved', async (): Promise<string> => 'late'],
    ['rejected', (): Promise<string> => Promise.reject(new Error('late'))],
  ] as const)('says of a fenced attempt that it arrived late, %s, and drops what it brings', async (settledAs, end) => {
    const clock = virtualClock();
    const slow = stage('it', { timeoutMs: 50, graceMs: 20, run: (): Promise<string> => clock.sleep(200).then(end) });
    const tail = stage('tail', { needs: { it: settled(slow) }, run: ({ it }) => clock.sleep(500).then(() => it.status) });
    const sink = recordingSink();
    const run = await clock.settle(pipeline('p', { outputs: { tail } }).run({}, { clock, sinks: [sink] }) as Promise<Run>);
    expect(run.outputs).toEqual({ tail: 'failed' });
    expect(sink.last('attempt.arrived_late')).toMatchObject({ stage: 'it', attempt: 1, settledAs, elapsedMs: 200 });
    expect(run.unsettled).toEqual([]);
  });

  test('is an overrun where the code held the thread: never completed', async () => {
    const { run } = await watch({ timeoutMs: 50 }, (_, clock) => clock.block(80));
    expect(run.errors[0]?.details).toEqual({ stage: 'it', timeoutMs: 50, overrunMs: 30 });
    const thrown = await watch({ timeoutMs: 50 }, (_, clock) => {
      clock.block(80);
      throw new Error('after all that');
    });
    expect(codes(thrown.run)).toEqual(['SF_STAGE_TIMEOUT']);
    expect((await watch({ timeoutMs: 80 }, (_, clock) => clock.block(80))).run.status).toBe('completed');
  });

  test('covers an asynchronous contract as well', async () => {
    const clock = virtualClock();
    const output: Schema<unknown, unknown> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => clock.sleep(80).then(() => ({ value })) },
    };
    const { run } = await observe(stage('it', { timeoutMs: 50, output, run: () => 1 }), { clock });
    expect(codes(run)).toEqual(['SF_STAGE_TIMEOUT']);
    const patient = virtualClock();
    const quick: Schema<unknown, unknown> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => patient.sleep(20).then(() => ({ value })) },
    };
    expect((await observe(stage('it', { timeoutMs: 50, output: quick, run: () => 1 }), { clock: patient })).run.status).toBe('completed');
  });

  test('fences a contract that answers after the grace', async () => {
    const clock = virtualClock();
    const output: Schema<unknown, unknown> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => clock.sleep(200).then(() => ({ value })) },
    };
    const slow = stage('it', { timeoutMs: 50, graceMs: 20, output, run: () => 1 });
    const tail = stage('tail', { needs: { it: settled(slow) }, run: ({ it }) => clock.sleep(500).then(() => it.status) });
    const sink = recordingSink();
    const run = await clock.settle(pipeline('p', { outputs: { tail } }).run({}, { clock, sinks: [sink] }) as Promise<Run>);
    expect(run.outputs).toEqual({ tail: 'failed' });
    expect(sink.last('attempt.arrived_late')).toMatchObject({ settledAs: 'resolved' });
  });
});

describe('of several limits', () => {
  test('the one that is nearer ends the attempt', async () => {
    expect(codes((await watch({ timeoutMs: 80, budgetMs: 50 }, obedient)).run)).toEqual(['SF_STAGE_BUDGET']);
    expect(codes((await watch({ timeoutMs: 50, budgetMs: 80 }, obedient)).run)).toEqual(['SF_STAGE_TIMEOUT']);
    expect(codes((await watch({ timeoutMs: 80, idleMs: 50 }, obedient)).run)).toEqual(['SF_STAGE_IDLE']);
  });

  test('the timeout is named where it and the budget pass at once', async () => {
    expect(codes((await watch({ timeoutMs: 50, budgetMs: 50 }, obedient)).run)).toEqual(['SF_STAGE_TIMEOUT']);
  });

  test('the first that passed stays the reason, however long the attempt takes to settle', async () => {
    const { run, story } = await watch({ timeoutMs: 50, idleMs: 60 }, (context, clock) => obedient(context, clock, 30));
    expect(codes(run)).toEqual(['SF_STAGE_TIMEOUT']);
    expect(story).toEqual(['0 stage.started', '80 attempt.failed', '80 stage.failed']);
  });

  test('the first that passed stays the reason of a signal that is read after the run has stopped', async () => {
    const controller = new AbortController();
    let reason: unknown;
    const { run } = await watch(
      { timeoutMs: 50 },
      async (context, clock) => {
        clock.schedule(() => controller.abort('enough'), 60);
        await clock.sleep(70);
        reason = context.signal.reason;
      },
      { signal: controller.signal },
    );
    expect(run).toMatchObject({ status: 'cancelled', elapsedMs: 70 });
    expect(reason).toMatchObject({ code: 'SF_STAGE_TIMEOUT' });
  });
});

describe('an idle limit', () => {
  test('is started anew by each sign of life, and ends an attempt that gives none', async () => {
    const signs: ((context: StageContext) => void)[] = [
      ({ heartbeat }) => heartbeat(),
      ({ progress }) => progress(0.5),
      ({ heartbeat }) => heartbeat(),
    ];
    const { run, story } = await watch({ idleMs: 50 }, async (context, clock) => {
      for (const sign of signs) {
        await clock.sleep(40);
        sign(context);
      }
      return obedient(context, clock);
    });
    expect(codes(run)).toEqual(['SF_STAGE_IDLE']);
    expect(story.at(-1)).toBe('170 stage.failed');
  });

  test('does not end an attempt that goes on giving signs, though the timeout does', async () => {
    const beating = async ({ heartbeat, signal }: StageContext, clock: VirtualClock): Promise<string> => {
      for (let beat = 0; beat < 10 && !signal.aborted; beat++) {
        await clock.sleep(40);
        heartbeat();
      }
      return 'done';
    };
    expect((await watch({ idleMs: 50 }, beating)).run.outputs).toEqual({ it: 'done' });
    expect(codes((await watch({ idleMs: 50, timeoutMs: 200 }, beating)).run)).toEqual(['SF_STAGE_TIMEOUT']);
  });

  test('is passed by code that held the thread, unless it ended just in time', async () => {
    const { run } = await watch({ idleMs: 50 }, (_, clock) => clock.block(80));
    expect(run.errors).toMatchObject([{ code: 'SF_STAGE_IDLE', details: { stage: 'it', idleMs: 50 }, path: 'it', attempt: 1 }]);
    expect((await watch({ idleMs: 80 }, (_, clock) => clock.block(80))).run.status).toBe('completed');
  });
});

describe('a budget', () => {
  test('is of all attempts together, without the waits between them', async () => {
    const { run, story } = await watch(
      { budgetMs: 100, retry: { attempts: 9, baseMs: 1_000, jitter: 'none', backoff: 'constant' } },
      async (_, clock) => {
        await clock.sleep(40);
        throw new Error('no');
      },
    );
    expect(story).toEqual(['0 stage.started', '40 attempt.failed', '1080 attempt.failed', '2120 attempt.failed', '2120 stage.failed']);
    expect(codes(run)).toEqual(['SF_STAGE_BUDGET']);
  });

  test('that is spent exactly lets no other attempt begin', async () => {
    const { run } = await watch({ budgetMs: 40, retry: { attempts: 9, baseMs: 0 } }, async (_, clock) => {
      await clock.sleep(39);
      clock.block(1);
      throw new Error('no');
    });
    expect(run.stages.get('it')?.attempts).toBe(1);
  });

  test('is passed by code that held the thread, unless it ended just in time', async () => {
    const { run } = await watch({ budgetMs: 50 }, (_, clock) => clock.block(80));
    expect(run.errors).toMatchObject([{ code: 'SF_STAGE_BUDGET', details: { stage: 'it', budgetMs: 50 }, path: 'it', attempt: 1 }]);
    expect((await watch({ budgetMs: 80 }, (_, clock) => clock.block(80))).run.status).toBe('completed');
  });

  test('aborts a later attempt when what the earlier ones left is spent', async () => {
    const { story } = await watch({ budgetMs: 100, retry: { attempts: 3, baseMs: 1_000, jitter: 'none' } }, async (context, clock) => {
      if (context.attempt > 1) return obedient(context, clock);
      await clock.sleep(60);
      throw new Error('no');
    });
    expect(story).toEqual(['0 stage.started', '60 attempt.failed', '1100 attempt.failed', '1100 stage.failed']);
  });
});

describe('a retry', () => {
  test('calls again after the backoff, at most `attempts` times, and says so', async () => {
    let calls = 0;
    const { run, sink, story } = await watch(twice, ({ attempt }) => {
      calls++;
      throw new Error(`no ${attempt}`);
    });
    expect(calls).toBe(2);
    expect(story).toEqual(['0 stage.started', '0 attempt.failed', '100 attempt.failed', '100 stage.failed']);
    expect(sink.of('attempt.failed').map(({ retryInMs, attempt }) => [attempt, retryInMs])).toEqual([
      [1, 100],
      [2, undefined],
    ]);
    expect(run.errors).toMatchObject([{ attempt: 2, message: 'Stage "it" failed: no 2.' }]);
    expect(run.stages.get('it')).toMatchObject({ attempts: 2, durationMs: 100 });
  });

  test('stops at the first attempt that succeeds, and gives each fresh values', async () => {
    const { text } = inputs<{ text: string }>();
    const it = stage('it', {
      needs: { text },
      ...twice,
      run: (values, { attempt }) => {
        const seen = values.text;
        Reflect.set(values, 'text', 'changed');
        if (attempt === 1) throw new Error('no');
        return seen;
      },
    });
    expect((await observe(it)).run.outputs).toEqual({ it: 'hi' });
  });

  test.each<[string, () => unknown]>([
    ['returned as fail()', () => fail(new Error('no'))],
    ['returned as retryLater()', () => retryLater(new Error('no'))],
    ['thrown', () => Promise.reject(new Error('no'))],
  ])('follows a failure %s', async (_, end) => {
    const { run } = await watch(twice, end);
    expect(run.stages.get('it')?.attempts).toBe(2);
    expect(codes(run)).toEqual(['SF_STAGE_FAILED']);
  });

  test.each<[string, unknown, number]>([
    ['a longer wait', retryLater('x', { afterMs: 700 }), 700],
    ['a shorter wait than the backoff', retryLater('x', { afterMs: 5 }), 100],
    ['a wait beyond the cap', retryLater('x', { afterMs: 1e9 }), 30_000],
    ['a negative wait', retryLater('x', { afterMs: -5 }), 100],
    ['no number', retryLater('x', { afterMs: Number.NaN }), 100],
    ['an endless wait', retryLater('x', { afterMs: Number.POSITIVE_INFINITY }), 100],
    ['a Retry-After', fail({ headers: { 'retry-after': '2' } }), 2_000],
  ])('respects %s asked for by the failure, within the cap', async (_, returned, waitMs) => {
    const { sink } = await watch(twice, () => returned);
    expect(sink.of('attempt.failed')[0]?.retryInMs).toBe(waitMs);
  });

  test('is not made for what the classifier refuses, or where it throws', async () => {
    const seen: unknown[] = [];
    const when = (error: unknown, attempt: number): boolean => {
      seen.push([(error as Error).message, attempt]);
      return false;
    };
    const no = (): never => {
      throw new Error('no');
    };
    expect((await watch({ retry: { attempts: 5, when } }, no)).run.stages.get('it')?.attempts).toBe(1);
    expect(seen).toEqual([['no', 1]]);
    expect((await watch({ retry: { attempts: 5, when: no } }, no)).run.stages.get('it')?.attempts).toBe(1);
  });

  test.each<[string, () => unknown]>([
    ['suspend()', () => suspend('?')],
    ['an error that is not retryable', () => Promise.reject(Object.assign(new Error('no'), { retryable: false }))],
  ])('is not made after %s', async (_, end) => {
    expect((await watch(twice, end)).run.stages.get('it')?.attempts).toBe(1);
  });

  const always = { retry: { attempts: 3, baseMs: 0, when: () => true } };

  test.each<[string, Stage]>([
    ['suspend()', stage('it', { ...always, run: () => suspend('?') })],
    ['a guard’s skip()', guard('it', { subject: inputs<{ text: string }>().text, ...always, check: () => skip('?') as never }) as Stage],
    [
      'a guard’s verdict that is none',
      guard('it', { subject: inputs<{ text: string }>().text, ...always, check: () => 1 as never }) as Stage,
    ],
  ])('is not made after %s, whatever the classifier says', async (_, it) => {
    expect((await observe(it)).run.stages.get('it')?.attempts).toBe(1);
    const failing = stage('it', { ...always, run: () => fail('no') });
    expect((await observe(failing)).run.stages.get('it')?.attempts).toBe(3);
  });

  test.each<[string, StagePolicy, (clock: VirtualClock) => unknown]>([
    ['held the thread', { timeoutMs: 50 }, (clock) => clock.block(80)],
    ['returned fail()', {}, () => fail('no')],
    ['threw', {}, () => Promise.reject(new Error('no'))],
  ])('of work that %s is made without an idempotency key: it has settled', async (_, policy, end) => {
    const clock = virtualClock();
    const it = work('it', { ...twice, ...policy, run: () => end(clock) as number });
    expect((await observe(it, { clock })).run.stages.get('it')?.attempts).toBe(2);
  });

  test('of work whose contract was too slow is made without an idempotency key: it has settled', async () => {
    const clock = virtualClock();
    const output: Schema<unknown, unknown> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => clock.sleep(60).then(() => ({ value })) },
    };
    const { run, story } = await observe(work('it', { ...twice, timeoutMs: 50, graceMs: 20, output, run: () => 1 }), { clock });
    expect(run.stages.get('it')?.attempts).toBe(2);
    expect(story.slice(0, 2)).toEqual(['0 stage.started', '60 attempt.failed']);
  });

  test('that waits when the run stops is given up at once, however long others take to settle', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const sink = recordingSink();
    const it = stage('it', { ...twice, run: () => Promise.reject(new Error('no')) });
    const other = stage('other', { run: (_, { signal }) => clock.sleep(10, signal).catch(() => clock.sleep(30)) });
    clock.schedule(() => controller.abort('enough'), 5);
    const made = pipeline('p', { outputs: { it, other } });
    const run = await clock.settle(made.run({}, { clock, sinks: [sink], signal: controller.signal }) as Promise<Run>);
    expect(run).toMatchObject({ status: 'cancelled', elapsedMs: 35, counts: { cancelled: 1, completed: 1 } });
    expect(sink.of('stage.cancelled')).toMatchObject([{ stage: 'it', reason: 'enough', elapsedMs: 5 }]);
  });

  test('follows a timeout only when the attempt has settled or its grace has passed', async () => {
    const { story } = await watch({ timeoutMs: 50, graceMs: 20, ...twice }, (context, clock) =>
      context.attempt === 1 ? new Promise(() => {}) : obedient(context, clock, 5),
    );
    expect(story).toEqual(['0 stage.started', '70 attempt.abandoned', '70 attempt.failed', '225 attempt.failed', '225 stage.failed']);
  });

  test('of work that has not settled is made only with an idempotency key', async () => {
    const hang = (): Promise<never> => new Promise(() => {});
    const limits = { timeoutMs: 50, graceMs: 20, ...twice };
    expect((await observe(work('it', { ...limits, run: hang }))).run.stages.get('it')?.attempts).toBe(1);
    expect((await observe(work('it', { ...limits, idempotencyKey: () => 'k', run: hang }))).run.stages.get('it')?.attempts).toBe(2);
    expect(
      (
        await observe(
          work('it', {
            ...limits,
            run: (_, { signal }) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
          }),
        )
      ).run.stages.get('it')?.attempts,
    ).toBe(2);
  });

  test('is given up when the run stops in the wait, and cancels the stage', async () => {
    const controller = new AbortController();
    const { it, clock } = doing(twice, () => {
      queueMicrotask(() => controller.abort(new Error('enough')));
      throw new Error('no');
    });
    const { run } = await observe(it, { clock, signal: controller.signal });
    expect(run).toMatchObject({ status: 'cancelled', unsettled: [] });
    expect(run.stages.get('it')).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect(clock.pending).toBe(0);
  });

  test('uses the randomness of the run for jitter', async () => {
    const { sink } = await watch({ retry: { attempts: 2, baseMs: 100 } }, () => Promise.reject(new Error('no')), { random: () => 0.25 });
    expect(sink.of('attempt.failed')[0]?.retryInMs).toBe(25);
    const { it, clock } = doing({ retry: { attempts: 2, baseMs: 100 } }, () => Promise.reject(new Error('no')));
    expect((await observe(it, { clock, random: undefined })).run.stages.get('it')?.attempts).toBe(2);
  });
});

describe('a stop of the run', () => {
  const controllers: AbortController[] = [];
  const aborting = (policy: StagePolicy, end: (context: StageContext, clock: VirtualClock) => unknown) => {
    const controller = new AbortController();
    controllers.push(controller);
    return watch(
      policy,
      (context, clock) => {
        clock.schedule(() => controller.abort('enough'), 10);
        return end(context, clock);
      },
      { signal: controller.signal, graceMs: 100 },
    );
  };

  test.each([{}, { timeoutMs: 50 }, twice])('cancels an attempt that obeys its signal: %o', async (policy) => {
    const { run } = await aborting(policy, (context, clock) => obedient(context, clock, 60));
    expect(run).toMatchObject({ status: 'cancelled', reason: 'enough', elapsedMs: 70, errors: [] });
    expect(run.stages.get('it')?.outcome).toEqual({ status: 'cancelled', reason: 'enough' });
  });

  test.each([{}, { timeoutMs: 500 }, twice])('cancels it when it has settled, however long others take: %o', async (policy) => {
    const clock = virtualClock();
    const controller = new AbortController();
    const sink = recordingSink();
    const it = stage('it', { ...policy, run: (_, context) => obedient(context, clock, 10) });
    const other = stage('other', { run: () => clock.sleep(60) });
    clock.schedule(() => controller.abort('enough'), 5);
    const made = pipeline('p', { outputs: { it, other } });
    const run = await clock.settle(made.run({}, { clock, sinks: [sink], signal: controller.signal }) as Promise<Run>);
    expect(run).toMatchObject({ status: 'cancelled', elapsedMs: 60, outputs: { other: undefined } });
    expect(sink.of('stage.cancelled')).toMatchObject([{ stage: 'it', reason: 'enough', elapsedMs: 15 }]);
  });

  test.each([{}, { timeoutMs: 50 }, twice])('keeps the value of an attempt that ends in the grace: %o', async (policy) => {
    const { run } = await aborting(policy, (_, clock) => clock.sleep(40).then(() => 'done'));
    expect(run).toMatchObject({ status: 'cancelled', outputs: { it: 'done' } });
  });

  test.each([{}, { timeoutMs: 50 }, twice])('records a failure of its own, and makes no other attempt: %o', async (policy) => {
    const { run } = await aborting(policy, (_, clock) => clock.sleep(40).then(() => Promise.reject(new Error('no'))));
    expect(run.status).toBe('cancelled');
    expect(codes(run)).toEqual(['SF_STAGE_FAILED']);
    expect(run.stages.get('it')?.attempts).toBe(1);
  });

  test.each([{}, { timeoutMs: 50 }, twice])('names an attempt that ignores it, and drops what it brings: %o', async (policy) => {
    const { run, sink, clock } = await aborting(policy, (_, clock) => clock.sleep(500).then(() => 'late'));
    expect(run).toMatchObject({ status: 'cancelled', unsettled: ['it'], outputs: {} });
    const told = sink.events.length;
    await clock.runAll();
    expect(sink.events.length).toBe(told);
    expect(run.outputs).toEqual({});
    expect(run.stages.get('it')?.outcome).toMatchObject({ status: 'cancelled' });
  });

  test.each([{}, { timeoutMs: 50 }])('takes no notice of a failure that comes after its end: %o', async (policy) => {
    const { run, clock } = await aborting(policy, (_, clock) => clock.sleep(500).then(() => Promise.reject(new Error('late'))));
    await clock.runAll();
    expect(run).toMatchObject({ status: 'cancelled', errors: [] });
  });
});

describe('a control value of a stage with policies', () => {
  test('skips, cancels, and fails where it asks for a store', async () => {
    expect((await watch({ timeoutMs: 50 }, () => skip('nothing'))).run.stages.get('it')?.outcome).toEqual({
      status: 'skipped',
      reason: 'nothing',
    });
    expect((await watch({ timeoutMs: 50 }, async () => cancel('enough'))).run).toMatchObject({
      status: 'cancelled',
      reason: 'enough',
      cancelledBy: 'it',
    });
    expect(codes((await watch({ timeoutMs: 50 }, () => suspend('?'))).run)).toEqual(['SF_RUNTIME_REQUIRED']);
  });

  test('that comes later lets go on what waited for the stage', async () => {
    const clock = virtualClock();
    const it = stage('it', { timeoutMs: 50, run: () => clock.sleep(10).then(() => skip('nothing')) });
    const reader = stage('reader', { needs: { it: optional(it) }, run: ({ it }) => [it, clock.monotonic()] });
    const run = await clock.settle(pipeline('p', { outputs: { reader } }).run({}, { clock }));
    expect(run.outputs).toEqual({ reader: [undefined, 10] });
  });

  test('means the same without policies', async () => {
    expect((await watch({}, () => skip('nothing'))).run.stages.get('it')?.outcome).toEqual({ status: 'skipped', reason: 'nothing' });
    expect((await watch({}, async () => cancel('enough'))).run).toMatchObject({ status: 'cancelled', reason: 'enough', cancelledBy: 'it' });
    expect(codes((await watch({}, () => suspend('?'))).run)).toEqual(['SF_RUNTIME_REQUIRED']);
    expect(codes((await watch({}, () => fail('no'))).run)).toEqual(['SF_STAGE_FAILED']);
    expect(codes((await watch({}, () => retryLater('no'))).run)).toEqual(['SF_STAGE_FAILED']);
  });
});

describe('a guard with policies', () => {
  const { text } = inputs<{ text: string }>();
  const judging = (
    policy: StagePolicy & { failOpen?: boolean },
    check: (clock: VirtualClock, context: StageContext) => unknown,
    clock = virtualClock(),
  ) =>
    observe(
      guard('it', { subject: text, ...policy, check: ((_: unknown, context: StageContext) => check(clock, context)) as never }) as never,
      { clock },
    );

  test('blocks where it takes too long', async () => {
    const { run } = await judging({ timeoutMs: 50 }, (clock, context) => obedient(context, clock));
    expect(run).toMatchObject({ status: 'blocked', errors: [{ code: 'SF_GUARD_FAILED', cause: { code: 'SF_STAGE_TIMEOUT' } }] });
  });

  test('tries again before it gives up, and passes if it then can', async () => {
    const { run } = await judging(twice, (_, { attempt }) => (attempt === 1 ? Promise.reject(new Error('down')) : pass()));
    expect(run).toMatchObject({ status: 'completed', outputs: { it: 'hi' } });
    expect(run.stages.get('it')?.attempts).toBe(2);
  });

  test('passes the subject where it fails open, and says so each time', async () => {
    const { run, sink } = await judging({ failOpen: true }, () => Promise.reject(new Error('down')));
    expect(run).toMatchObject({ status: 'completed', outputs: { it: 'hi' } });
    expect(sink.of('guard.failed_open')).toMatchObject([{ stage: 'it', error: { code: 'SF_GUARD_FAILED' } }]);
    const sound = await judging({ failOpen: true }, () => pass());
    expect(sound.sink.of('guard.failed_open')).toEqual([]);
  });

  test('says why it could not judge, in the words of what was thrown', async () => {
    const { run } = await judging({}, () => Promise.reject(new Error('api.example.com is down.')));
    expect(run).toMatchObject({ status: 'blocked', reason: 'it threw: api.example.com is down' });
    const skipping = await judging({}, () => skip('nothing'));
    const why = 'it returned skip(), which is no verdict';
    expect(skipping.run).toMatchObject({
      status: 'blocked',
      reason: why,
      errors: [{ code: 'SF_GUARD_FAILED', details: { stage: 'it', why } }],
    });
  });

  test('fails, open or not, where it asks for a person and there is none', async () => {
    for (const failOpen of [false, true]) {
      const { run } = await judging({ failOpen }, () => review('?'));
      expect(run).toMatchObject({ status: 'failed', outputs: {} });
      expect(codes(run)).toEqual(['SF_RUNTIME_REQUIRED']);
    }
  });

  test('may cancel the run', async () => {
    expect((await judging({}, () => cancel('enough'))).run).toMatchObject({ status: 'cancelled', reason: 'enough' });
  });
});

test('no attempt policy leaves a timer behind', async () => {
  for (const policy of [{ timeoutMs: 50 }, { idleMs: 50 }, { budgetMs: 50 }, { timeoutMs: 50, idleMs: 20, budgetMs: 90, retry: none }]) {
    const { clock, run } = await watch(policy, () => 'done');
    expect([run.status, clock.pending]).toEqual(['completed', 0]);
  }
});
