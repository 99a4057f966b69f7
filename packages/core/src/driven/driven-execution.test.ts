import {
  branch,
  fail,
  guard,
  inputs,
  loop,
  optional,
  pass,
  pipeline,
  race,
  route,
  type Stage,
  skip,
  stage,
  suspend,
  work,
} from '@stageflow/core';
import type { StepOutcome, StepRequest } from '@stageflow/core/driver';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { anything } from '../../test/any-schema.ts';
import { type DrivenSetup, onDriver, statuses } from '../../test/driven-run.ts';

const { text } = inputs<{ text: string }>();

/** What a walk asked for, in words. */
const words = ({ driver }: ReturnType<typeof onDriver>): string[] => driver.asked.map(({ asked, key }) => `${asked} ${key}`);

const once = (first: Partial<StepOutcome>): NonNullable<DrivenSetup['runs']> => {
  let isFirst = true;
  return async (_request, _signal, otherwise) => {
    if (!isFirst) return otherwise();
    isFirst = false;
    return { endedAt: 0, activeMs: 0, unsettled: false, ...first } as StepOutcome;
  };
};

const one = (name: string, more: object = {}): Stage => stage(name, { ...more, run: () => 1 });
const alone = (wanted: Stage) => pipeline('p', { outputs: { wanted } });

describe('a driven stage that fails', () => {
  const flaky = stage('flaky', {
    retry: { attempts: 3, backoff: 'exponential', baseMs: 100, jitter: 'full' },
    run: (_, { attempt }) => (attempt < 3 ? fail(new Error(`no ${attempt}`)) : attempt),
  });

  test('is tried again after a timer of the driver, of a length that its randomness says', async () => {
    const sink = recordingSink();
    const driven = onDriver(alone(flaky), { options: { sinks: [sink] } });
    const run = await driven.run();
    expect(run).toMatchObject({ status: 'completed', outputs: { wanted: 3 } });
    expect(run.stages.get('flaky')?.attempts).toBe(3);
    expect(words(driven)).toEqual(['step flaky#1', 'sleep flaky#1/backoff', 'step flaky#2', 'sleep flaky#2/backoff', 'step flaky#3']);
    const waits = sink.events.flatMap((event) => (event.type === 'attempt.failed' ? [event.retryInMs] : [])) as number[];
    expect(waits[0]).toBeLessThan(100);
    expect(driven.clock.monotonic()).toBeCloseTo((waits[0] as number) + (waits[1] as number), 2);
    const again = onDriver(alone(flaky));
    await again.run();
    expect(again.driver.asked).toEqual(driven.driver.asked);
  });

  test('waits as long as what it threw asks, within the policy', async () => {
    const busy = stage('busy', {
      retry: { attempts: 2, baseMs: 1, maxMs: 500, jitter: 'none' },
      run: (_, { attempt }) => (attempt === 1 ? fail({ retryAfterMs: 900 }) : 'done'),
    });
    const { clock, run } = onDriver(alone(busy));
    expect((await run()).outputs).toEqual({ wanted: 'done' });
    expect(clock.monotonic()).toBe(500);
  });

  test('is tried as often as its policy says, and no more where its failure is not worth it', async () => {
    const bad = (when?: () => boolean): Stage =>
      stage('bad', { retry: { attempts: 2, baseMs: 0, ...(when && { when }) }, run: () => fail(new Error('no')) });
    const usual = onDriver(alone(bad()));
    expect(await usual.run()).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', attempt: 2, cause: { message: 'no' } } });
    expect(usual.driver.steps.length).toBe(2);
    const hopeless = onDriver(alone(bad(() => false)));
    await hopeless.run();
    expect(hopeless.driver.steps.length).toBe(1);
  });

  test('spends one budget in all its attempts', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { budgetMs: 50, retry: { attempts: 9, baseMs: 0 }, run: () => clock.sleep(20).then(() => fail('no')) });
    const { driver, run } = onDriver(alone(slow), { clock });
    expect(await run()).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_BUDGET' } });
    expect(driver.steps.map(({ spentMs }) => spentMs)).toEqual([0, 20, 40]);
  });

  test('ends as skipped where it says so, once no attempt is left', async () => {
    const bad = stage('bad', { onFailure: 'skip', retry: { attempts: 2, baseMs: 0 }, run: () => fail('no') });
    const driven = onDriver(pipeline('p', { outputs: { bad: optional(bad) } }));
    expect(statuses(await driven.run())).toEqual({ bad: 'skipped' });
    expect(driven.driver.steps.length).toBe(2);
  });

  test('is not tried again once the run stops, also where it was waiting to be', async () => {
    const clock = virtualClock();
    const waiting = stage('waiting', { retry: { attempts: 9, baseMs: 1_000, jitter: 'none' }, run: () => fail('later') });
    const late = stage('late', {
      retry: { baseMs: 0 },
      run: (_, { signal }) => clock.sleep(1_000, signal).catch(() => Promise.reject(new Error('mine'))),
    });
    const stops = stage('stops', { run: () => clock.sleep(20).then(() => fail('for good')) });
    const driven = onDriver(pipeline('p', { outputs: { waiting, late, stops } }), { clock });
    const run = await driven.run();
    expect(statuses(run)).toEqual({ waiting: 'cancelled', late: 'failed', stops: 'failed' });
    expect(words(driven)).toContain('cancel waiting#1/backoff');
    expect(driven.driver.steps.length).toBe(3);
  });
});

describe('a driven guard that cannot judge', () => {
  const check = () => fail(new Error('down')) as never;

  test('blocks, after all its attempts', async () => {
    const safe = guard('safe', { subject: text, retry: { attempts: 2, baseMs: 0 }, check });
    const { driver, run } = onDriver(alone(safe as never), { input: { text: 'hi' } });
    expect(await run()).toMatchObject({ status: 'blocked', blockedBy: 'safe', reason: expect.stringContaining('it threw: down') });
    expect(driver.steps.length).toBe(2);
  });

  test('lets its subject pass where it fails open, and says so', async () => {
    const sink = recordingSink();
    const safe = guard('safe', { subject: text, failOpen: true, check });
    const run = await onDriver(alone(safe as never), { input: { text: 'hi' }, options: { sinks: [sink] } }).run();
    expect(run.outputs).toEqual({ wanted: 'hi' });
    expect(sink.events.map(({ type }) => type)).toContain('guard.failed_open');
  });

  test('blocks where its step is lost', async () => {
    const safe = guard('safe', { subject: text, check: () => pass() });
    const run = await onDriver(alone(safe as never), { input: { text: 'hi' }, loses: () => 'the worker is gone' }).run();
    expect(run).toMatchObject({ status: 'blocked', reason: expect.stringContaining('the worker is gone') });
  });

  test('fails, open or not, where its step was refused: other code judges', async () => {
    const safe = guard('safe', { subject: text, failOpen: true, check: () => pass() });
    const error = {
      name: 'StageflowError',
      code: 'SF_STEP_REFUSED',
      message: '',
      hint: '',
      docs: '',
      retryable: false,
      details: { path: 'safe', why: 'the stage has changed' },
    } as const;
    const runs = once({ status: 'failed', error, retry: false, calls: {} });
    expect(await onDriver(alone(safe as never), { input: { text: 'hi' }, runs }).run()).toMatchObject({
      status: 'failed',
      error: { code: 'SF_STEP_REFUSED' },
    });
  });
});

describe('a driven stage whose step is lost', () => {
  const losesFirst = ({ attempt }: StepRequest): string | undefined => (attempt === 1 ? 'the worker is gone' : undefined);

  test('fails where it has no retry policy', async () => {
    expect(await onDriver(alone(one('it')), { loses: losesFirst }).run()).toMatchObject({
      status: 'failed',
      error: { code: 'SF_STEP_LOST', message: expect.stringContaining('the worker is gone'), path: 'it', attempt: 1 },
    });
  });

  test('is tried again where it has', async () => {
    const { driver, run } = onDriver(alone(one('it', { retry: { baseMs: 0 } })), { loses: losesFirst });
    expect(await run()).toMatchObject({ status: 'completed' });
    expect(driver.steps.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test('asks its classifier', async () => {
    const asked: unknown[] = [];
    const when = (error: unknown) => asked.push((error as { code?: string }).code) > 1;
    const { driver, run } = onDriver(alone(one('it', { retry: { when } })), { loses: losesFirst });
    expect((await run()).status).toBe('failed');
    expect([asked, driver.steps.length]).toEqual([['SF_STEP_LOST'], 1]);
  });

  test('is not tried again where it is an effect without a key: it may have been done', async () => {
    let done = 0;
    const save = (more: object) => work('save', { retry: { baseMs: 0 }, ...more, run: () => ++done });
    expect((await onDriver(alone(save({}) as never), { loses: losesFirst }).run()).status).toBe('failed');
    expect(done).toBe(1);
    expect((await onDriver(alone(save({ idempotencyKey: () => 'k' }) as never), { loses: losesFirst }).run()).status).toBe('completed');
    expect(done).toBe(3);
  });

  test('counts as lost where it was aborted by nobody here, and where its output cannot be read', async () => {
    for (const first of [
      { status: 'aborted', reason: 'shutting down' },
      { status: 'completed', output: '{"$sf":"future"}' },
    ] as const) {
      const { run } = onDriver(alone(one('it')), { runs: once(first) });
      expect(await run()).toMatchObject({ status: 'failed', error: { code: 'SF_STEP_LOST' } });
    }
  });

  test('is cancelled where the run stops anyway', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: (_, { signal }) => clock.sleep(1_000, signal) });
    const stops = stage('stops', { run: () => clock.sleep(20).then(() => fail('for good')) });
    const driven = onDriver(pipeline('p', { outputs: { slow, stops } }), {
      clock,
      loses: ({ path }) => (path === 'slow' ? 'gone' : undefined),
    });
    expect(statuses(await driven.run())).toEqual({ slow: 'cancelled', stops: 'failed' });
  });
});

describe('driven stages beside each other', () => {
  test('are aborted by the first failure', async () => {
    const clock = virtualClock();
    const aborted: string[] = [];
    const slow = stage('slow', {
      run: (_, { signal }) =>
        clock.sleep(1_000, signal).catch((reason) => {
          aborted.push(String((reason as Error).message));
          throw reason;
        }),
    });
    const bad = stage('bad', { run: () => clock.sleep(10).then(() => fail('no')) });
    const run = await onDriver(pipeline('p', { outputs: { slow, bad } }), { clock }).run();
    expect(statuses(run)).toEqual({ slow: 'cancelled', bad: 'failed' });
    expect(aborted).toEqual(['stage "bad" failed']);
    expect(clock.monotonic()).toBe(10);
  });

  test('race: the first end in the order of the driver wins, and the others are aborted', async () => {
    const clock = virtualClock();
    const taking = (name: string, ms: number) => stage(name, { run: (_, { signal }) => clock.sleep(ms, signal).then(() => name) });
    const first = race('first', taking('slow', 50), taking('quick', 10));
    const driven = onDriver(alone(first as never), { clock });
    const run = await driven.run();
    expect(run.outputs).toEqual({ wanted: 'quick' });
    expect(statuses(run)).toEqual({ slow: 'skipped', quick: 'completed', first: 'completed' });
    expect(words(driven)).toEqual(['step slow#1', 'step quick#1', 'cancel slow#1']);
    expect(await driven.run()).toMatchObject({ outputs: { wanted: 'quick' } });
  });

  test('race: what waits for its next attempt, its answer or its slot loses at once', async () => {
    const clock = virtualClock();
    const quick = stage('quick', { run: () => clock.sleep(10).then(() => 'quick') });
    const retries = stage('retries', { retry: { baseMs: 1_000, jitter: 'none' }, run: () => fail('later') });
    const asks = stage('asks', { run: () => suspend('may I?') });
    const queued = stage('queued', { retry: { baseMs: 5, jitter: 'none' }, run: () => fail('later') });
    const holder = stage('holder', { run: () => clock.sleep(100).then(() => 'holder') });
    const first = race('first', quick, retries as never, asks as never);
    const driven = onDriver(alone(first as never), { clock });
    expect(statuses(await driven.run())).toMatchObject({ retries: 'skipped', asks: 'skipped', quick: 'completed' });
    expect(words(driven).slice(-2)).toEqual(['cancel retries#1/backoff', 'cancel asks#answer']);
    const narrow = onDriver(pipeline('p', { outputs: { second: race('second', queued as never, quick), holder } }), {
      clock,
      options: { maxConcurrency: 2 },
    });
    expect(statuses(await narrow.run())).toMatchObject({ queued: 'skipped', holder: 'completed' });
    expect(narrow.driver.steps.map(({ key }) => key)).toEqual(['holder#1', 'queued#1', 'quick#1']);
  });

  test('skip, and gate each other, by what was decided elsewhere', async () => {
    const way = route('way', { run: () => 'left' as const as 'left' | 'right' });
    const chosen = branch('chosen', way, { left: one('a'), right: one('b') } as never);
    const none = stage('none', { run: () => skip('nothing') });
    const run = await onDriver(pipeline('p', { outputs: { chosen, none } as never })).run();
    expect(statuses(run)).toEqual({ way: 'completed', a: 'completed', b: 'skipped', chosen: 'completed', none: 'skipped' });
  });

  test('cancel the run where one says so', async () => {
    const stops = stage('stops', { run: () => ({ ...({} as object) }) });
    const driven = onDriver(alone(stops), { runs: once({ status: 'cancels the run', reason: 'enough' }) });
    expect(await driven.run()).toMatchObject({ status: 'cancelled', reason: 'enough', cancelledBy: 'stops' });
  });

  test('block the run where a guard says so', async () => {
    const driven = onDriver(alone(one('safe')), { runs: once({ status: 'blocked', reason: 'rude' }) });
    expect(await driven.run()).toMatchObject({ status: 'blocked', reason: 'rude', blockedBy: 'safe' });
  });

  test('are named in the run where they had not settled', async () => {
    const driven = onDriver(alone(stage('slow', { timeoutMs: 10, graceMs: 5, run: () => new Promise(() => {}) })));
    expect(await driven.run()).toMatchObject({ status: 'failed', unsettled: ['slow'] });
  });

  test('have addresses of their own in every turn of a loop', async () => {
    const turns = loop('turns', text, (state, turn) => stage('more', { needs: { state, turn }, run: ({ state }) => `${state}!` }), {
      until: (_, turn) => turn === 2,
      maxTurns: 5,
    });
    const driven = onDriver(alone(turns as never), { input: { text: 'hi' } });
    expect((await driven.run()).outputs).toEqual({ wanted: 'hi!!' });
    expect(driven.driver.steps.map(({ path, address }) => [path, address.join(' ')])).toEqual([
      ['turns[1]/more', 'turns more'],
      ['turns[2]/more', 'turns more'],
    ]);
  });
});

describe('a driven stage that waits', () => {
  const asks = stage('asks', { run: (_, { answer }) => answer(anything) ?? suspend({ question: 'may I?' }) });

  test('is called again with the answer, in the same attempt', async () => {
    const sink = recordingSink();
    const driven = onDriver(alone(asks), { options: { sinks: [sink] } });
    await driven.walkTo(1);
    expect(driven.driver.waits).toEqual([{ waitId: 'asks#answer', path: 'asks', type: 'answer', request: '{"question":"may I?"}' }]);
    driven.driver.answer('asks#answer', { by: 'Ada' });
    const run = await driven.run();
    expect(run.outputs).toEqual({ wanted: { by: 'Ada' } });
    expect(run.stages.get('asks')?.attempts).toBe(1);
    expect(words(driven)).toEqual(['step asks#1', 'wait asks#answer', 'step asks#1+1']);
    expect(driven.driver.waits).toEqual([]);
    expect(sink.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['stage.suspended', 'stage.resumed']));
  });

  test('finds an answer that came before', async () => {
    const driven = onDriver(alone(asks));
    driven.driver.answer('asks#answer', 'early');
    expect((await driven.run()).outputs).toEqual({ wanted: 'early' });
  });

  test('takes no slot, and is asked no more once the run stops', async () => {
    const clock = virtualClock();
    const stops = stage('stops', { run: () => clock.sleep(10).then(() => fail('for good')) });
    const driven = onDriver(pipeline('p', { outputs: { asks, stops } }), { clock, options: { maxConcurrency: 1 } });
    expect(statuses(await driven.run())).toEqual({ asks: 'cancelled', stops: 'failed' });
    expect(words(driven).at(-1)).toBe('cancel asks#answer');
  });

  test('does not wait where the run has stopped by the time it asks', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: () => clock.sleep(20).then(() => suspend('may I?')) });
    const stops = stage('stops', { run: () => clock.sleep(10).then(() => fail('for good')) });
    const driven = onDriver(pipeline('p', { outputs: { slow, stops } }), { clock });
    expect(statuses(await driven.run())).toEqual({ slow: 'cancelled', stops: 'failed' });
    expect(words(driven).some((each) => each.startsWith('wait'))).toBe(false);
  });

  test('does not wait where it asks to, not knowing that the run has stopped', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: () => suspend('may I?') });
    const stops = stage('stops', { run: () => clock.sleep(10).then(() => fail('for good')) });
    const wait = { waitId: 'slow#answer', path: 'slow', type: 'answer', request: undefined, expiresAt: undefined };
    const deaf: NonNullable<DrivenSetup['runs']> = async ({ path }, _signal, otherwise) => {
      if (path !== 'slow') return otherwise();
      await clock.sleep(20);
      return { status: 'suspended', waits: [wait], calls: {}, endedAt: clock.now(), activeMs: 20, unsettled: false };
    };
    const driven = onDriver(pipeline('p', { outputs: { slow, stops } }), { clock, runs: deaf });
    expect(statuses(await driven.run())).toEqual({ slow: 'cancelled', stops: 'failed' });
    expect(words(driven).some((each) => each.startsWith('wait'))).toBe(false);
  });

  test('keeps its other waits open, each opened once, and is called again at each answer', async () => {
    const both = stage('both', {
      run: async (_, { waitFor }) => (await Promise.all([waitFor('a', { schema: anything }), waitFor('b', { schema: anything })])).join(),
    });
    const driven = onDriver(alone(both));
    await driven.walkTo(1);
    driven.driver.answer('both#a', 1);
    await driven.walkTo(3);
    expect(driven.driver.waits.map(({ waitId }) => waitId)).toEqual(['both#b']);
    driven.driver.answer('both#b', 2);
    expect((await driven.run()).outputs).toEqual({ wanted: '1,2' });
    expect(words(driven)).toEqual(['step both#1', 'wait both#a', 'wait both#b', 'step both#1+1', 'step both#1+2']);
  });

  test('goes on at once where an answer came while it was being called', async () => {
    const clock = virtualClock();
    let entries = 0;
    const both = stage('both', {
      run: async (_, { waitFor }) => {
        if (++entries === 1) return Promise.race([waitFor('a', { schema: anything }), waitFor('b', { schema: anything })]);
        const a = await waitFor('a', { schema: anything });
        if (entries === 2) await clock.sleep(50);
        return [a, await waitFor('b', { schema: anything })];
      },
    });
    const driven = onDriver(alone(both), { clock });
    const walking = driven.driver.walk(driven.start);
    clock.schedule(() => driven.driver.answer('both#a', 1), 10);
    clock.schedule(() => driven.driver.answer('both#b', 2), 30);
    expect((await clock.settle(walking))?.outputs).toEqual({ wanted: [1, 2] });
    expect(driven.driver.ends).toEqual(['both#1', 'both#a', 'both#b', 'both#1+1', 'both#1+2']);
  });

  test('leaves no wait open when it has ended', async () => {
    const either = stage('either', {
      run: (_, { waitFor }) => Promise.race([waitFor('a', { schema: anything }), waitFor('b', { schema: anything, timeoutMs: 900 })]),
    });
    const driven = onDriver(alone(either));
    await driven.walkTo(1);
    driven.driver.answer('either#a', 'a');
    expect((await driven.run()).outputs).toEqual({ wanted: 'a' });
    expect(words(driven).slice(-2)).toEqual(['cancel either#b', 'cancel either#b/expiry']);
  });

  test('is told when the time of a wait is over, counted from the first time it asked', async () => {
    const clock = virtualClock();
    const timed = stage('timed', {
      run: async (_, { waitFor }) => {
        const first = await waitFor('first', { schema: anything });
        return waitFor('second', { schema: anything, timeoutMs: 100 }).catch((error) => [first, (error as { code: string }).code]);
      },
    });
    const driven = onDriver(alone(timed), { clock });
    driven.driver.answer('timed#first', 1);
    expect((await driven.run()).outputs).toEqual({ wanted: [1, 'SF_WAIT_EXPIRED'] });
    expect(clock.monotonic()).toBe(100);
    expect(words(driven).slice(-3)).toEqual(['sleep timed#second/expiry', 'cancel timed#second', 'step timed#1+2']);
    expect(driven.driver.steps.at(-1)?.expired).toEqual(['timed#second']);
  });

  test('is answered by its default when the time of a question is over', async () => {
    const asked = stage('asked', { run: (_, { answer }) => answer(anything) ?? suspend('May I?', { timeoutMs: 100, default: 'no' }) });
    const driven = onDriver(alone(asked), { clock: virtualClock() });
    expect((await driven.run()).outputs).toEqual({ wanted: 'no' });
    expect(driven.driver.steps.at(-1)?.answers).toEqual({ 'asked#answer': '"no"' });
  });

  test('keeps answers over its attempts', async () => {
    const retried = stage('retried', {
      retry: { baseMs: 0 },
      run: (_, { answer, attempt }) => (attempt === 1 ? (answer(anything) === undefined ? suspend('?') : fail('no')) : answer(anything)),
    });
    const driven = onDriver(alone(retried));
    driven.driver.answer('retried#answer', 'yes');
    expect((await driven.run()).outputs).toEqual({ wanted: 'yes' });
    expect(driven.driver.steps.map(({ key }) => key)).toEqual(['retried#1', 'retried#1+1', 'retried#2']);
  });

  test('goes on with what it has called', async () => {
    let called = 0;
    const inner = stage('inner', { run: () => ++called });
    const outer = stage('outer', {
      run: async (_, { call, answer }) => [await call(inner, {} as never), answer(anything) ?? suspend('may I?')].at(1) ?? 0,
    });
    const driven = onDriver(alone(outer));
    driven.driver.answer('outer#answer', 'yes');
    expect((await driven.run()).outputs).toEqual({ wanted: 'yes' });
    expect(called).toBe(1);
    expect(Object.keys(driven.driver.steps[1]?.calls ?? {})).toEqual(['outer/inner']);
  });
});
