import {
  block,
  cancel,
  fail,
  guard,
  inputs,
  pass,
  pipeline,
  retryLater,
  review,
  type Schema,
  type Stage,
  type StageContext,
  StageflowError,
  services,
  skip,
  stage,
  suspend,
  transform,
  work,
} from '@stageflow/core';
import { decode, type Encoded, runStep, type StepHost, type StepOutcome, type StepRequest } from '@stageflow/core/driver';
import { type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { anything } from '../../test/any-schema.ts';
import { onDriver } from '../../test/driven-run.ts';

interface Setup extends Partial<Omit<StepHost, 'clock'>> {
  readonly clock?: VirtualClock;
  /** What is otherwise in the request. */
  readonly change?: Partial<StepRequest>;
}

const { text } = inputs<{ text: string }>();
const epoch = Date.UTC(2025, 0, 1);

/** What a walk asks for first. */
async function requestOf(wanted: Stage): Promise<{ readonly plan: Parameters<typeof runStep>[0]; readonly request: StepRequest }> {
  const asked = pipeline('p', { outputs: { wanted } });
  const { driver, walkTo } = onDriver(asked, { input: { text: 'hi' }, runs: () => new Promise(() => {}) });
  await walkTo(0);
  return { plan: asked.plan, request: driver.steps[0] as StepRequest };
}

/** The outcome of the first step that a walk asks for. */
async function outcomeOf(wanted: Stage, { change, clock = virtualClock(), ...host }: Setup = {}): Promise<StepOutcome> {
  const { plan, request } = await requestOf(wanted);
  return clock.settle(runStep(plan, { ...request, ...change }, { signal: new AbortController().signal, clock, ...host }));
}

/** A stage that does this. */
const does = (run: (context: StageContext) => unknown, policy: object = {}): Stage =>
  stage('it', { ...policy, run: (_, context) => run(context) });

describe('runStep()', () => {
  test('refuses an effect that is to be undone, which a driver does not do, before it is made', async () => {
    const made = work('it', { run: () => expect.fail('was made'), undo: () => {} });
    const outcome = await outcomeOf(made);
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'SF_RUNTIME_REQUIRED' } });
    expect(await outcomeOf(work('it', { run: () => 'made' }))).toMatchObject({ status: 'completed' });
  });

  test('completes with the output as text, and says when it ended and how long it ran', async () => {
    const clock = virtualClock();
    const outcome = await outcomeOf(
      does(() => clock.sleep(20).then(() => new Map([[1, 2]]))),
      { clock },
    );
    expect(outcome).toEqual({ status: 'completed', output: expect.any(String), endedAt: epoch + 20, activeMs: 20, unsettled: false });
    expect(decode((outcome as { output: Encoded }).output)).toEqual(new Map([[1, 2]]));
  });

  test('uses the clock of its host where it is given none', async () => {
    const { plan, request } = await requestOf(does(() => 1));
    const outcome = await runStep(plan, request, { signal: new AbortController().signal });
    expect(Math.abs(outcome.endedAt - Date.now())).toBeLessThan(60_000);
  });

  test('skips, cancels the run, blocks', async () => {
    expect(await outcomeOf(does(() => skip('nothing')))).toMatchObject({ status: 'skipped', reason: 'nothing' });
    expect(await outcomeOf(does(() => cancel('enough')))).toMatchObject({ status: 'cancels the run', reason: 'enough' });
    expect(await outcomeOf(guard('it', { subject: text, check: () => block('no') }))).toMatchObject({ status: 'blocked', reason: 'no' });
  });

  test('lets a guard pass its subject on, or what it makes of it', async () => {
    expect(await outcomeOf(guard('it', { subject: text, check: () => pass() }))).toMatchObject({ status: 'completed', output: '"hi"' });
    expect(await outcomeOf(guard('it', { subject: text, check: () => transform('ho') }))).toMatchObject({ output: '"ho"' });
  });

  test('applies the contract of the stage', async () => {
    const check: Schema<unknown, number> = {
      '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: Number(value) + 1 }) },
    };
    expect(await outcomeOf(does(() => 41, { output: check }))).toMatchObject({ status: 'completed', output: '42' });
  });

  test('tells a failure as data, and that it is worth no other attempt where the stage has no policy', async () => {
    const outcome = await outcomeOf(does(() => fail(new RangeError('no'))));
    expect(outcome).toMatchObject({
      status: 'failed',
      error: { code: 'SF_STAGE_FAILED', path: 'it', attempt: 1, runId: 'run-1', cause: { name: 'RangeError', message: 'no' } },
      retry: false,
      calls: {},
    });
    expect(JSON.parse(JSON.stringify(outcome)).error).toEqual((outcome as { error: unknown }).error);
  });

  test('asks the classifier where the failure is still what was thrown', async () => {
    const retry = { when: (error: unknown, attempt: number) => error instanceof RangeError && attempt === 2 };
    const outcomes = [new RangeError('a'), new TypeError('b')].map((error) =>
      outcomeOf(
        does(() => fail(error), { retry }),
        { change: { attempt: 2 } },
      ),
    );
    expect((await Promise.all(outcomes)).map((outcome) => 'retry' in outcome && outcome.retry)).toEqual([{ afterMs: 0 }, false]);
  });

  test('says how long what failed asks to wait, within reason', async () => {
    const asks = async (error: unknown): Promise<unknown> => {
      const outcome = await outcomeOf(does(() => error, { retry: {} }));
      return 'retry' in outcome && outcome.retry;
    };
    expect(await asks(fail({ retryAfter: 3 }))).toEqual({ afterMs: 3_000 });
    expect(await asks(retryLater(new Error('busy'), { afterMs: 70 }))).toEqual({ afterMs: 70 });
    expect(await asks(retryLater(new Error('busy'), { afterMs: Number.POSITIVE_INFINITY }))).toEqual({ afterMs: 0 });
    expect(await asks(retryLater(new Error('busy'), { afterMs: -5 }))).toEqual({ afterMs: 0 });
  });

  test('knows which attempt it is, and what earlier ones have spent of the budget', async () => {
    const clock = virtualClock();
    const slow = does(({ attempt }) => clock.sleep(100).then(() => attempt), { budgetMs: 150, retry: { attempts: 9 } });
    expect(await outcomeOf(slow, { clock, change: { attempt: 3, spentMs: 20 } })).toMatchObject({ status: 'completed', output: '3' });
    const spent = await outcomeOf(slow, { clock, change: { attempt: 3, spentMs: 80 } });
    expect(spent).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_BUDGET', attempt: 3 }, retry: false });
  });

  test('reports a guard that could not judge as failed, whether or not it fails open: who walks the plan decides', async () => {
    for (const failOpen of [true, false]) {
      const check = (): never => {
        throw new Error('down');
      };
      expect(await outcomeOf(guard('it', { subject: text, failOpen, retry: {}, check }))).toMatchObject({
        status: 'failed',
        error: { code: 'SF_STAGE_FAILED' },
        retry: { afterMs: 0 },
      });
    }
  });

  test('reports a failure that the stage turns into a skip as failed', async () => {
    expect(await outcomeOf(does(() => fail('no'), { onFailure: 'skip', retry: {} }))).toMatchObject({
      status: 'failed',
      retry: { afterMs: 0 },
    });
  });

  test('fails where the output cannot be kept, also of a guard', async () => {
    const unfit = { status: 'failed', error: { code: 'SF_NOT_SERIALIZABLE', path: 'it' }, retry: false };
    expect(await outcomeOf(does(() => () => 1, { retry: {} }))).toMatchObject(unfit);
    expect(await outcomeOf(guard('it', { subject: text, check: () => transform(Symbol('s') as never) }))).toMatchObject(unfit);
    expect(await outcomeOf(does(() => suspend(() => 1)))).toMatchObject(unfit);
  });

  test('keeps an outcome fit for JSON, whatever the details of its error hold', async () => {
    const details = { stage: 'it', attempts: 1, spent: 'attempts', reason: 'no', lastValue: 10n } as const;
    const outcome = await outcomeOf(does(() => fail(new StageflowError('SF_GUARD_EXHAUSTED', details))));
    expect(JSON.parse(JSON.stringify(outcome))).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', details: {} } });
  });

  test('suspends with what it asks, and goes on with the answer', async () => {
    const asks = does(({ answer }) => answer(anything) ?? suspend({ question: 'may I?' }));
    const suspended = await outcomeOf(asks);
    expect(suspended).toMatchObject({
      status: 'suspended',
      waits: [{ waitId: 'it#answer', path: 'it', type: 'answer', request: '{"question":"may I?"}', expiresAt: undefined }],
    });
    expect(await outcomeOf(asks, { change: { answers: { 'it#answer': '"yes"' } } })).toMatchObject({
      status: 'completed',
      output: '"yes"',
    });
  });

  test('does not suspend for an answer it has', async () => {
    const deaf = does(() => suspend('again'));
    expect(await outcomeOf(deaf, { change: { answers: { 'it#answer': '1' } } })).toMatchObject({
      status: 'failed',
      error: { code: 'SF_ANSWER_INVALID' },
    });
  });

  test('suspends for a review, and ends as it was decided', async () => {
    const reviewed = guard('it', { subject: text, check: () => review({ looks: 'odd' }) });
    expect(await outcomeOf(reviewed)).toMatchObject({ status: 'suspended', waits: [{ waitId: 'it#review', type: 'review' }] });
    const decided = (answer: string) => outcomeOf(reviewed, { change: { answers: { 'it#review': answer } } });
    expect(await decided('{"approved":true}')).toMatchObject({ status: 'completed', output: '"hi"' });
    expect(await decided('{"approved":false,"reason":"rude"}')).toMatchObject({ status: 'blocked', reason: 'rude' });
    expect(await decided('"yes"')).toMatchObject({ status: 'failed', error: { code: 'SF_ANSWER_INVALID' }, retry: false });
  });

  test('waits within its body by suspending, for all that it waits for at once', async () => {
    const both = does(async ({ waitFor }) => {
      const [a, b] = await Promise.all([waitFor('a', { schema: anything, timeoutMs: 50 }), waitFor('b#', { schema: anything, key: 'k' })]);
      return `${String(a)}${String(b)}`;
    });
    const suspended = await outcomeOf(both);
    expect(suspended).toMatchObject({
      waits: [
        { waitId: 'it#a', path: 'it', type: 'a', expiresAt: epoch + 50 },
        { waitId: 'it[k]#b%23', path: 'it[k]', type: 'b#' },
      ],
    });
    expect(await outcomeOf(both, { change: { answers: { 'it#a': '1' } } })).toMatchObject({ waits: [{ waitId: 'it[k]#b%23' }] });
    expect(await outcomeOf(both, { change: { answers: { 'it#a': '1', 'it[k]#b%23': '2' } } })).toMatchObject({ output: '"12"' });
    expect(await outcomeOf(both, { change: { expired: ['it#a'] } })).toMatchObject({
      status: 'failed',
      error: { cause: { code: 'SF_WAIT_EXPIRED' } },
    });
  });

  test('reads extensions, configuration and randomness', async () => {
    const reads = does(({ extension, config, random }) => [extension('locale', anything), config('region', anything), random()]);
    const config = { get: (key: string) => `the ${key}` };
    expect(await outcomeOf(reads, { config, random: () => 0.25, change: { extensions: { locale: '"de"' } } })).toMatchObject({
      output: '["de","the region",0.25]',
    });
  });

  test('cleans up when the attempt has ended', async () => {
    const done: string[] = [];
    const outcome = await outcomeOf(
      does(({ defer }) => {
        defer(() => done.push('cleaned up'));
        return 1;
      }),
    );
    expect([outcome.status, done]).toEqual(['completed', ['cleaned up']]);
  });
});

describe('runStep(), aborted', () => {
  test('ends as aborted where the function obeys', async () => {
    const clock = virtualClock();
    const aborter = new AbortController();
    const obeys = does(({ signal }) => clock.sleep(1_000, signal));
    clock.schedule(() => aborter.abort(new Error('not wanted')), 10);
    expect(await outcomeOf(obeys, { clock, signal: aborter.signal })).toEqual({
      status: 'aborted',
      reason: 'not wanted',
      endedAt: epoch + 10,
      activeMs: 10,
      unsettled: false,
    });
  });

  test('does not call the function where it was aborted before', async () => {
    let called = 0;
    const outcome = await outcomeOf(
      does(() => called++),
      { signal: AbortSignal.abort(new Error('not wanted')) },
    );
    expect([outcome.status, called]).toEqual(['aborted', 0]);
  });

  test('ends as the function ends, where it finishes all the same', async () => {
    const clock = virtualClock();
    const aborter = new AbortController();
    clock.schedule(() => aborter.abort(), 10);
    expect(
      await outcomeOf(
        does(() => clock.sleep(20).then(() => 'done')),
        { clock, signal: aborter.signal },
      ),
    ).toMatchObject({ status: 'completed', output: '"done"' });
  });

  test('gives a function up that ignores its signal, and says so', async () => {
    const clock = virtualClock();
    const aborter = new AbortController();
    clock.schedule(() => aborter.abort(), 10);
    expect(
      await outcomeOf(
        does(() => new Promise(() => {})),
        { clock, signal: aborter.signal, graceMs: 30 },
      ),
    ).toMatchObject({ status: 'aborted', unsettled: true, endedAt: epoch + 40 });
  });

  test('does not try an effect again that ran into its limit and has not settled, but with a key', async () => {
    const hangs = (idempotencyKey?: () => string) =>
      outcomeOf(
        work('it', { timeoutMs: 10, graceMs: 5, retry: {}, ...(idempotencyKey && { idempotencyKey }), run: () => new Promise(() => {}) }),
      );
    expect(await hangs()).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' }, retry: false, unsettled: true });
    expect(await hangs(() => 'key')).toMatchObject({ status: 'failed', retry: { afterMs: 0 } });
  });
});

describe('runStep(), refusing', () => {
  const one = does(() => 1);

  test('refuses a stage that is not in its version of the pipeline', async () => {
    for (const address of [['other'], ['it', 'inner'], []])
      expect(await outcomeOf(one, { change: { address } })).toMatchObject({
        status: 'failed',
        error: { code: 'SF_STEP_REFUSED', details: { path: 'it', why: 'the pipeline has no such stage' } },
        retry: false,
      });
  });

  test('refuses a stage that has changed', async () => {
    expect(await outcomeOf(one, { change: { fingerprint: 'other' } })).toMatchObject({
      error: { code: 'SF_STEP_REFUSED', details: { why: 'the stage has changed' } },
    });
  });

  test('refuses a request that lacks a value, or has one that cannot be read', async () => {
    const reads = stage('it', { needs: { text }, run: ({ text }) => text });
    expect(await outcomeOf(reads, { change: { values: {} } })).toMatchObject({
      error: { code: 'SF_STEP_REFUSED', details: { why: 'the request has no value for "text"' } },
    });
    expect(await outcomeOf(reads, { change: { values: { text: '{"$sf":"future"}' } } })).toMatchObject({
      error: { code: 'SF_STEP_REFUSED', details: { why: expect.stringContaining('future') } },
    });
  });

  test('refuses what is no request', async () => {
    const { plan } = await requestOf(one);
    const outcome = await runStep(plan, {} as StepRequest, { signal: new AbortController().signal });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'SF_STEP_REFUSED' }, retry: false });
  });

  test('fails without the service that the stage reads', async () => {
    const { model } = services<{ model: string }>();
    const reads = stage('it', { needs: { model }, run: ({ model }) => model });
    expect(await outcomeOf(reads)).toMatchObject({ error: { code: 'SF_SERVICE_MISSING' }, retry: false });
    expect(await outcomeOf(reads, { services: { model: 'm' } })).toMatchObject({ output: '"m"' });
  });

  test('fails a stage that takes slots of a resource, which a runtime has', async () => {
    expect(await outcomeOf(does(() => 1, { resource: 'gpu' }))).toMatchObject({ error: { code: 'SF_RUNTIME_REQUIRED' } });
  });
});

describe('runStep(), calling', () => {
  const inner = (
    run: (values: { n: number }, context: StageContext) => unknown,
    policy: object = {},
  ): Stage<unknown, never, never, { n: number }> =>
    stage('inner', { ...policy, needs: { n: inputs<{ n: number }>().n }, run } as never) as never;

  test('runs what the stage calls within the step, with attempts of its own', async () => {
    const attempts: number[] = [];
    const flaky = inner(
      ({ n }, { attempt }) => {
        attempts.push(attempt);
        return attempt < 3 ? fail('again') : n + 1;
      },
      { retry: { attempts: 3, baseMs: 0 } },
    );
    expect(
      await outcomeOf(
        does(({ call }) => call(flaky, { n: 1 })),
        { change: { attempt: 2, spentMs: 500 } },
      ),
    ).toMatchObject({ status: 'completed', output: '2' });
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('does not call again what had come to its end before the stage suspended or failed', async () => {
    const calls: string[] = [];
    const first = inner(({ n }) => {
      calls.push('first');
      return n * 2;
    });
    const skips = inner(() => {
      calls.push('skips');
      return skip('nothing');
    });
    const client = inner(() => {
      calls.push('client');
      return () => 'live';
    });
    const bad = inner(() => {
      calls.push('bad');
      return fail('no');
    });
    const asks = does(async ({ call, answer, attempt }) => {
      const doubled = await call(first, { n: 21 }, { key: 'first' });
      await call(skips, { n: 1 }, { key: 'skips' });
      await call(client, { n: 1 }, { key: 'client' });
      await call(bad, { n: 1 }, { key: 'bad' }).catch(() => {});
      if (attempt === 1) return answer(anything) === undefined ? suspend('may I?') : fail('once more');
      return doubled;
    });
    const suspended = (await outcomeOf(asks)) as Extract<StepOutcome, { status: 'suspended' }>;
    expect(suspended.status).toBe('suspended');
    const failed = await outcomeOf(asks, { change: { answers: { 'it#answer': '"yes"' }, calls: suspended.calls } });
    expect(failed).toMatchObject({ status: 'failed', calls: suspended.calls });
    expect(await outcomeOf(asks, { change: { attempt: 2, calls: suspended.calls } })).toMatchObject({ status: 'completed', output: '42' });
    expect(calls.filter((each) => each === 'first' || each === 'skips')).toEqual(['first', 'skips']);
    expect(calls.filter((each) => each === 'client' || each === 'bad').length).toBe(6);
  });

  test('stops the run where what it called does, whatever it makes of that itself', async () => {
    const stops = inner(() => cancel('enough'));
    expect(
      await outcomeOf(
        does(({ call }) =>
          call(stops, { n: 1 }).then(
            () => 'went on',
            () => 'went on',
          ),
        ),
      ),
    ).toMatchObject({
      status: 'cancels the run',
      reason: 'enough',
    });
  });

  test('suspends where what it called waits', async () => {
    const waits = inner((_, { answer }) => answer(anything) ?? suspend('inner'));
    const calls = does(({ call }) => call(waits, { n: 1 }));
    expect(await outcomeOf(calls)).toMatchObject({ status: 'suspended', waits: [{ waitId: 'it/inner#answer', path: 'it/inner' }] });
    expect(await outcomeOf(calls, { change: { answers: { 'it/inner#answer': '5' } } })).toMatchObject({ output: '5' });
  });

  test('nests calls as deep as the host lets it', async () => {
    const calls = does(({ call }) =>
      call(
        inner(() => 1),
        { n: 1 },
      ),
    );
    expect(await outcomeOf(calls, { maxCallDepth: 1 })).toMatchObject({ status: 'completed' });
    const deeper = does(({ call }) =>
      call(
        inner((_, context) =>
          context.call(
            inner(() => 1),
            { n: 1 },
          ),
        ),
        { n: 1 },
      ),
    );
    expect(await outcomeOf(deeper, { maxCallDepth: 1 })).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_STAGE_FAILED' } } });
  });
});
