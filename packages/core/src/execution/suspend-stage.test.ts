import '@stageflow/testing/vitest';
import { recordingSink, traceOf, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { suspend } from '../control.ts';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { guard, pass, review } from '../guard.ts';
import { inputs, services } from '../inputs.ts';
import type { Interceptor } from '../interceptor.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import type { SuspendedRun } from '../run.ts';
import { completedOrThrow } from '../runnable.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';

const { text } = inputs<{ text: string }>();

/** Takes anything. */
const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const yes: Schema<unknown, 'yes'> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (value === 'yes' ? { value } : { issues: [{ message: 'expected "yes"' }] }),
  },
};

/** A stage that asks, and yields the answer. */
function asking(name: string, calls: string[] = []) {
  return stage(name, {
    run: (_, { answer, path, attempt }) => {
      calls.push(`${path}@${attempt}`);
      const given = answer(anything);
      return given === undefined ? suspend({ question: name }) : String(given);
    },
  });
}

/** Runtimes that share a store, as two processes do. */
function processes(made: RegisteredPipeline, options: object = {}): { readonly first: Runtime; readonly second: Runtime } {
  const store = memoryRunStore();
  const make = () => createRuntime({ pipelines: [made], services: {}, store, makeId: () => 'r', ...options });
  return { first: make(), second: make() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a stage that returns suspend()', () => {
  test('suspends the run, which says what it waits for', async () => {
    const calls: string[] = [];
    const made = pipeline('p', { outputs: { ask: asking('ask', calls), other: stage('other', { run: () => 1 }) } });
    const { first } = processes(made);
    const run = await first.run(made, {});
    expect(run.status).toBe('suspended');
    expect(run.outputs).toEqual({ other: 1 });
    expect((run as SuspendedRun<unknown>).waits).toMatchObject([
      { waitId: 'r/ask#answer', runId: 'r', pipeline: 'p', path: 'ask', type: 'answer', request: { question: 'ask' } },
    ]);
    expect(run.stages.get('ask')).toMatchObject({ status: 'suspended', attempts: 1 });
    expect(await first.waits()).toEqual((run as SuspendedRun<unknown>).waits);
    expect(calls).toEqual(['ask@1']);
    expect(first.activeRuns).toBe(0);
  });

  test('is called again with the answer when another process resumes the run; what had finished is not', async () => {
    const calls: string[] = [];
    const before = stage('before', { needs: { text }, run: ({ text }) => calls.push(`before ${text}`) });
    const ask = stage('ask', {
      needs: { before },
      run: ({ before }, { answer, attempt }) => {
        calls.push(`ask@${attempt}`);
        const given = answer(yes);
        return given === undefined ? suspend('sure?') : `${before} ${given}`;
      },
    });
    const made = pipeline('p', { outputs: { ask } });
    const { first, second } = processes(made);
    await first.run(made, { text: 'hi' });
    await second.decide('r/ask#answer', 'yes');
    const run = await second.resume('r');
    expect(run.status).toBe('completed');
    expect(run.outputs).toEqual({ ask: '1 yes' });
    expect(calls).toEqual(['before hi', 'ask@1', 'ask@1']);
    expect(run.stages.get('before')).toMatchObject({ status: 'completed', attempts: 1 });
  });

  test('goes on in the same activation where the answer comes while something else runs', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: () => clock.sleep(100).then(() => 'slow') });
    const made = pipeline('p', { outputs: { ask: asking('ask'), slow } });
    const sink = recordingSink();
    const { first } = processes(made, { clock, sinks: [sink] });
    const running = first.run(made, {});
    await clock.advance(10);
    await first.decide('r/ask#answer', 'yes');
    await clock.advance(10);
    expect(sink.of('stage.completed')).toMatchObject([{ stage: 'ask', attempt: 1, elapsedMs: 10 }]);
    const run = await clock.settle(running);
    expect(run).toMatchObject({ status: 'completed', outputs: { ask: 'yes', slow: 'slow' } });
    expect(sink.of('run.suspended')).toEqual([]);
    expect(sink.of('stage.resumed')).toMatchObject([{ stage: 'ask', waitId: 'r/ask#answer' }]);
    expect(sink.events.every(({ epoch }) => epoch === 1)).toBe(true);
    expect(sink).toHaveGapFreeSeq();
  });

  test('tells its events: suspended and resumed, each activation with numbers of its own', async () => {
    const sink = recordingSink();
    const made = pipeline('p', { outputs: { ask: asking('ask') } });
    const { first, second } = processes(made, { sinks: [sink] });
    await first.run(made, {});
    await first.decide('r/ask#answer', 'yes');
    await second.resume('r');
    await first.close();
    await second.close();
    expect(sink.events.map(({ epoch, seq, type }) => [epoch, seq, type])).toEqual([
      [1, 1, 'run.created'],
      [1, 2, 'run.started'],
      [1, 3, 'stage.started'],
      [1, 4, 'stage.suspended'],
      [1, 5, 'run.suspended'],
      [2, 1, 'run.created'],
      [2, 2, 'run.started'],
      [2, 3, 'stage.started'],
      [2, 4, 'stage.completed'],
      [2, 5, 'run.completed'],
    ]);
    expect(sink.of('run.suspended')).toMatchObject([{ waits: ['r/ask#answer'] }]);
    expect(traceOf(sink)).toContain('ask');
  });

  test('several wait at once; the run goes on when one of them is answered, and rests again', async () => {
    const calls: string[] = [];
    const made = pipeline('p', { outputs: { a: asking('a', calls), b: asking('b', calls) } });
    const { first, second } = processes(made);
    await first.run(made, {});
    await first.decide('r/b#answer', 2);
    const half = await second.resume('r');
    expect(half).toMatchObject({ status: 'suspended', outputs: { b: '2' }, waits: [{ path: 'a' }] });
    await second.decide('r/a#answer', 1);
    expect(await first.resume('r')).toMatchObject({ status: 'completed', outputs: { a: '1', b: '2' } });
    expect(calls.filter((call) => call === 'b@1').length).toBe(2);
  });

  test('a run that is resumed before anyone has answered rests again, with the wait it had', async () => {
    const made = pipeline('p', { outputs: { a: asking('a') } });
    const { first, second } = processes(made);
    const before = await first.run(made, {});
    const again = await second.resume('r');
    expect(again.status).toBe('suspended');
    expect((again as SuspendedRun<unknown>).waits).toEqual((before as SuspendedRun<unknown>).waits);
  });

  test('a suspension uses no attempt: retries are counted over it', async () => {
    const clock = virtualClock();
    const calls: [number, unknown][] = [];
    const flaky = stage('flaky', {
      retry: { attempts: 2, baseMs: 10, jitter: 'none' },
      run: (_, { answer, attempt }) => {
        const given = answer(anything);
        calls.push([attempt, given]);
        if (given === undefined) return suspend('?');
        if (attempt === 1) throw new Error('once');
        return given;
      },
    });
    const slow = stage('slow', { run: () => clock.sleep(50) });
    const made = pipeline('p', { outputs: { flaky }, also: { slow } });
    const { first } = processes(made, { clock });
    const running = first.run(made, {});
    await clock.advance(1);
    await first.decide('r/flaky#answer', 'yes');
    const run = await clock.settle(running);
    expect(run).toMatchObject({ status: 'completed', outputs: { flaky: 'yes' } });
    expect(calls).toEqual([
      [1, undefined],
      [1, 'yes'],
      [2, 'yes'],
    ]);
    expect(run.stages.get('flaky')?.attempts).toBe(2);
  });

  test('an answer that the schema refuses fails the stage, with what was expected', async () => {
    const ask = stage('ask', { run: (_, { answer }) => answer(yes) ?? suspend('sure?') });
    const made = pipeline('p', { outputs: { ask } });
    const { first } = processes(made);
    await first.run(made, {});
    await first.decide('r/ask#answer', { approved: true });
    const run = await first.resume('r');
    expect(run).toMatchObject({
      status: 'failed',
      error: { code: 'SF_STAGE_FAILED', cause: { code: 'SF_ANSWER_INVALID', details: { stage: 'ask', wait: 'answer' } } },
    });
  });

  test('a schema that answers with a promise is refused', async () => {
    const later: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) } };
    const ask = stage('ask', { run: (_, { answer }) => answer(later) ?? suspend('sure?') });
    const made = pipeline('p', { outputs: { ask } });
    const { first } = processes(made);
    await first.run(made, {});
    await first.decide('r/ask#answer', 'yes');
    expect(await first.resume('r')).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_SCHEMA_ASYNC' } } });
  });

  test('a stage that was answered and suspends again fails, in place of waiting for what it has', async () => {
    let calls = 0;
    const deaf = stage('deaf', {
      run: () => {
        calls++;
        return suspend('again?');
      },
    });
    const made = pipeline('p', { outputs: { deaf } });
    const { first } = processes(made);
    await first.run(made, {});
    await first.decide('r/deaf#answer', 'yes');
    const run = await first.resume('r');
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_ANSWER_INVALID', details: { stage: 'deaf', wait: 'answer' } } });
    expect(calls).toBe(3);
  });

  test('a stage that is answered while it is being called is called once more, and finds the answer', async () => {
    const clock = virtualClock();
    let calls = 0;
    const ask = stage('ask', {
      run: async (_, { answer }) => {
        calls++;
        const given = answer(anything);
        await clock.sleep(10);
        return given ?? suspend('?');
      },
    });
    const made = pipeline('p', { outputs: { ask } });
    const { first } = processes(made, { clock });
    await clock.settle(first.run(made, {}));
    const resumed = first.resume('r');
    await clock.advance(5);
    await first.decide('r/ask#answer', 'yes');
    expect(await clock.settle(resumed)).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
    expect(calls).toBe(3);
  });

  test('what a stage asks must be plain data', async () => {
    const ask = stage('ask', { run: () => suspend({ then: () => 1 }) });
    const made = pipeline('p', { outputs: { ask } });
    const { first } = processes(made);
    expect(await first.run(made, {})).toMatchObject({
      status: 'failed',
      error: { code: 'SF_NOT_SERIALIZABLE', details: { stage: 'ask', at: 'value.then' } },
    });
  });

  test('may ask nothing in particular', async () => {
    const ask = stage('ask', { run: () => suspend(undefined) });
    const made = pipeline('p', { outputs: { ask } });
    const { first } = processes(made);
    expect(await first.run(made, {})).toMatchObject({ status: 'suspended', waits: [{ request: undefined }] });
  });

  test('fails under a bare run, and under a runtime without a store', async () => {
    const made = pipeline('p', { outputs: { ask: asking('ask') } });
    const failure = { status: 'failed', error: { code: 'SF_RUNTIME_REQUIRED', details: { stage: 'ask' } } };
    expect(await made.run({})).toMatchObject(failure);
    expect(await createRuntime({ pipelines: [made] }).run(made, {})).toMatchObject(failure);
    const limited = pipeline('p', { outputs: { ask: stage('ask', { timeoutMs: 10, run: () => suspend('?') }) } });
    expect(await limited.run({})).toMatchObject(failure);
  });

  test('is an error for whoever needs the run to have completed', async () => {
    const made = pipeline('p', { outputs: { ask: asking('ask') } });
    const { first } = processes(made);
    const run = await first.run(made, {});
    expect(() => completedOrThrow(run)).toThrow(
      expect.objectContaining({ code: 'SF_RUN_SUSPENDED', details: { waits: ['r/ask#answer'] } }),
    );
  });

  test('waits beside a failure that stops the run are withdrawn', async () => {
    const clock = virtualClock();
    const fails = stage('fails', {
      run: async () => {
        await clock.sleep(10);
        throw new Error('no');
      },
    });
    const made = pipeline('p', { outputs: { ask: asking('ask') }, also: { fails } });
    const { first } = processes(made, { clock });
    const running = first.run(made, {});
    await clock.advance(5);
    expect(await first.waits()).toHaveLength(1);
    expect(await clock.settle(running)).toMatchObject({ status: 'failed', stages: expect.anything() });
    expect(await first.waits()).toEqual([]);
    await expect(first.decide('r/ask#answer', 'yes')).rejects.toMatchObject({
      code: 'SF_WAIT_CLOSED',
      details: { why: 'its run has ended' },
    });
  });

  test('an answer that comes while the run is stopping starts nothing', async () => {
    const clock = virtualClock();
    const calls: string[] = [];
    const stubborn = stage('stubborn', { run: () => clock.sleep(50) });
    const fails = stage('fails', {
      run: async () => {
        await clock.sleep(10);
        throw new Error('no');
      },
    });
    const made = pipeline('p', { outputs: { ask: asking('ask', calls) }, also: { fails, stubborn } });
    const { first } = processes(made, { clock });
    const running = first.run(made, {});
    await clock.advance(20);
    await first.decide('r/ask#answer', 'yes');
    expect(await clock.settle(running)).toMatchObject({ status: 'failed' });
    expect(calls).toEqual(['ask@1']);
  });

  test('a work that suspends is called again with the same key', async () => {
    const keys: string[] = [];
    const send = work('send', {
      run: (_, { answer, idempotencyKey }) => {
        keys.push(idempotencyKey);
        return answer(anything) ?? suspend('?');
      },
    });
    const made = pipeline('p', { outputs: {}, also: { send } });
    const { first, second } = processes(made);
    expect((await first.run(made, {})).status).toBe('suspended');
    await second.decide('r/send#answer', 'yes');
    expect((await second.resume('r')).status).toBe('completed');
    expect(keys).toEqual(['r/send', 'r/send']);
  });

  test('interceptors stand around each call; those around the stage around all of them', async () => {
    const said: string[] = [];
    const layer: Interceptor = {
      name: 'layer',
      stage: async ({ stage }, next) => {
        said.push(`stage ${stage} in`);
        const outcome = await next();
        said.push(`stage ${stage} ${outcome.status}`);
        return outcome;
      },
      attempt: async ({ attempt }, next) => {
        said.push(`attempt ${attempt} in`);
        const outcome = await next();
        said.push(`attempt ${attempt} ${outcome.status}`);
        return outcome;
      },
    };
    const made = pipeline('p', { outputs: { ask: asking('ask') } });
    const { first } = processes(made, { interceptors: [layer] });
    expect((await first.run(made, {})).status).toBe('suspended');
    expect(said).toEqual(['stage ask in', 'attempt 1 in', 'attempt 1 suspended']);
    said.length = 0;
    await first.decide('r/ask#answer', 'yes');
    expect(await first.resume('r')).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
    expect(said).toEqual(['stage ask in', 'attempt 1 in', 'attempt 1 completed', 'stage ask completed']);
  });

  test('a run does not rest while an interceptor is at work', async () => {
    const clock = virtualClock();
    const slow: Interceptor = {
      name: 'slow',
      only: { stages: ['other'] },
      stage: async (_, next) => {
        await clock.sleep(10);
        const outcome = await next();
        await clock.sleep(10);
        return outcome;
      },
    };
    const made = pipeline('p', { outputs: { ask: asking('ask'), other: stage('other', { run: () => 1 }) } });
    const { first } = processes(made, { interceptors: [slow], clock });
    expect(await clock.settle(first.run(made, {}))).toMatchObject({ status: 'suspended', outputs: { other: 1 } });
  });

  test('does not answer twice', async () => {
    const made = pipeline('p', { outputs: { ask: asking('ask') } });
    const { first, second } = processes(made);
    await first.run(made, {});
    await first.decide('r/ask#answer', 'yes');
    await expect(second.decide('r/ask#answer', 'no')).rejects.toMatchObject({
      code: 'SF_WAIT_CLOSED',
      details: { why: 'it has been answered' },
    });
    expect(await second.resume('r')).toMatchObject({ outputs: { ask: 'yes' } });
  });
});

describe('a guard that returns review()', () => {
  const check = (calls: string[] = []) =>
    guard('check', {
      subject: text,
      check: ({ subject }) => {
        calls.push(subject);
        return review({ suspicious: subject });
      },
    });
  const reviewed = (calls: string[] = []) => {
    const checked = check(calls);
    return pipeline('p', { outputs: { answer: stage('answer', { needs: { checked }, run: ({ checked }) => `answer to ${checked}` }) } });
  };

  test('waits for a decision, and lets the subject pass when that is yes', async () => {
    const calls: string[] = [];
    const made = reviewed(calls);
    const { first, second } = processes(made);
    expect(await first.run(made, { text: 'hi' })).toMatchObject({
      status: 'suspended',
      waits: [{ type: 'review', request: { suspicious: 'hi' }, waitId: 'r/check#review' }],
    });
    await second.decide('r/check#review', { approved: true });
    expect(await second.resume('r')).toMatchObject({ status: 'completed', outputs: { answer: 'answer to hi' } });
    expect(calls.length).toBe(1);
  });

  test.each<[object, string]>([
    [{ approved: false, reason: 'too odd' }, 'too odd'],
    [{ approved: false }, 'a reviewer said no'],
    [{ approved: false, reason: 7 }, 'a reviewer said no'],
  ])('blocks when the decision is %j', async (decision, reason) => {
    const made = reviewed();
    const { first } = processes(made);
    await first.run(made, { text: 'hi' });
    await first.decide('r/check#review', decision);
    expect(await first.resume('r')).toMatchObject({ status: 'blocked', reason, blockedBy: 'check' });
  });

  test.each<[unknown]>([['yes'], [true], [null], [{ approved: 'true' }], [undefined]])(
    'fails on %j, which is no decision',
    async (decision) => {
      const made = reviewed();
      const { first } = processes(made);
      await first.run(made, { text: 'hi' });
      await first.decide('r/check#review', decision);
      expect(await first.resume('r')).toMatchObject({
        status: 'failed',
        error: { code: 'SF_ANSWER_INVALID', details: { wait: 'review' } },
      });
    },
  );

  test('is decided while the run goes on', async () => {
    const clock = virtualClock();
    const made = pipeline('p', { outputs: { checked: check() }, also: { slow: stage('slow', { run: () => clock.sleep(20) }) } });
    const { first } = processes(made, { clock });
    const running = first.run(made, { text: 'hi' });
    await clock.advance(5);
    await first.decide('r/check#review', { approved: true });
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { checked: 'hi' } });
  });

  test('of something that cannot be kept fails when it is approved', async () => {
    const { client } = services<{ client: { call: () => number } }>();
    const made = pipeline('p', { outputs: { checked: guard('check', { subject: client, check: () => review('?') }) } });
    const runtime = createRuntime({
      pipelines: [made],
      store: memoryRunStore(),
      services: { client: { call: () => 1 } },
      makeId: () => 'r',
    });
    await runtime.run(made, {});
    await runtime.decide('r/check#review', { approved: true });
    expect(await runtime.resume('r')).toMatchObject({
      status: 'failed',
      error: { code: 'SF_NOT_SERIALIZABLE', details: { at: 'value.call' } },
    });
  });

  test('fails under a bare run', async () => {
    expect(await reviewed().run({ text: 'hi' })).toMatchObject({ status: 'failed', error: { code: 'SF_RUNTIME_REQUIRED' } });
  });

  test('that passes is not reviewed', async () => {
    const made = pipeline('p', { outputs: { checked: guard('check', { subject: text, check: () => pass() }) } });
    const { first } = processes(made);
    expect(await first.run(made, { text: 'hi' })).toMatchObject({ status: 'completed', outputs: { checked: 'hi' } });
    await turn();
    expect(await first.waits()).toEqual([]);
  });
});
