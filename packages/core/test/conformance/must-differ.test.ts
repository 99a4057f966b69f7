import {
  block,
  createRuntime,
  fail,
  guard,
  inputs,
  optional,
  pass,
  pipeline,
  type RunEvent,
  retryLater,
  type Stage,
  type StageContext,
  settled,
  skip,
  stage,
} from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import type { EventSink } from '@stageflow/core/ports';
import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

/** A stage that works for `ms` unless it is aborted, and then takes `closingMs` to close; `log` says what it did and when. */
function working(clock: VirtualClock, log: string[], { ms, closingMs = 0 }: { readonly ms: number; readonly closingMs?: number }) {
  return async (_: unknown, { stage: name, signal }: StageContext) => {
    log.push(`${name} starts at ${clock.monotonic()}`);
    try {
      await clock.sleep(ms, signal);
    } catch (error) {
      log.push(`${name} aborts at ${clock.monotonic()}`);
      await clock.sleep(closingMs);
      log.push(`${name} closes at ${clock.monotonic()}`);
      throw error;
    }
    return name;
  };
}

describe('a failure', () => {
  test.each([
    ['by value', (clock: VirtualClock) => stage('broken', { run: () => clock.sleep(10).then(() => fail(new Error('no'))) })],
    ['by a throw', (clock: VirtualClock) => stage('broken', { run: () => clock.sleep(10).then(() => Promise.reject(new Error('no'))) })],
    [
      'by timeout',
      (clock: VirtualClock) => stage('broken', { timeoutMs: 10, graceMs: 0, run: (_, { signal }) => clock.sleep(90, signal) }),
    ],
  ])('[D1] %s aborts the others, which are awaited, and nothing starts afterwards', async (_, broken) => {
    const clock = virtualClock();
    const log: string[] = [];
    const sink = recordingSink();
    const sibling = stage('sibling', { run: working(clock, log, { ms: 50, closingMs: 5 }) });
    const quick = stage('quick', { run: working(clock, log, { ms: 10 }) });
    const behind = stage('behind', { needs: { quick, sibling }, run: working(clock, log, { ms: 1 }) });
    const p = pipeline('p', { outputs: { broken: broken(clock), behind } });
    const run = await clock.settle(p.run({}, { clock, sinks: [sink] }));
    const seen = sink.events.length;
    await clock.runAll();

    expect(run).toMatchObject({ status: 'failed', error: { path: 'broken' }, unsettled: [], elapsedMs: 15 });
    expect(log).toEqual(expect.arrayContaining(['sibling aborts at 10', 'sibling closes at 15']));
    expect(log.filter((line) => line.startsWith('behind'))).toEqual([]);
    expect(sink.events).toHaveLength(seen);
  });

  test('[D4] in one of two runs of a pipeline at the same time leaves the other alone', async () => {
    const clock = virtualClock();
    const { fails } = inputs<{ fails: boolean }>();
    const slow = stage('slow', { run: (_, { signal }) => clock.sleep(30, signal).then(() => 'slow') });
    const maybe = stage('maybe', {
      needs: { fails },
      run: ({ fails: own }, context) => {
        context.defer(() => {});
        return clock.sleep(10).then(() => (own ? fail(new Error('no')) : 'fine'));
      },
    });
    const p = pipeline('p', { outputs: { slow, maybe } });
    const [broken, fine] = await clock.settle(Promise.all([p.run({ fails: true }, { clock }), p.run({ fails: false }, { clock })]));

    expect(broken).toMatchObject({ status: 'failed', elapsedMs: 10 });
    expect(fine).toMatchObject({ status: 'completed', outputs: { slow: 'slow', maybe: 'fine' }, elapsedMs: 30 });
  });

  test('[D7] is reported once as an attempt, once as a stage, once in the errors', async () => {
    const sink = recordingSink();
    const broken = stage('broken', { retry: { attempts: 1 }, run: () => Promise.reject(new Error('no')) });
    const run = await pipeline('p', { outputs: { broken } }).run({}, { sinks: [sink] });

    expect([sink.of('attempt.failed').length, sink.of('stage.failed').length, run.errors.length]).toEqual([1, 1, 1]);
  });

  test('[D22] leaves what was finished in the outputs, and what the failing stage knew in the error', async () => {
    const first = stage('first', { run: () => 'kept' });
    const broken = stage('broken', { needs: { first }, run: () => fail(Object.assign(new Error('half done'), { rows: [1, 2] })) });
    const run = await pipeline('p', { outputs: { first, broken } }).run({});

    expect(run).toMatchObject({ status: 'failed', outputs: { first: 'kept' }, error: { cause: { rows: [1, 2] } } });
    expect(run.stages.get('first')?.outcome).toEqual({ status: 'completed', output: 'kept' });
  });

  test('[D30] by timeout is reported as a timeout worth another attempt, in the event as in the error', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const slow = stage('slow', { timeoutMs: 10, graceMs: 0, run: (_, { signal }) => clock.sleep(90, signal) });
    const run = await clock.settle(pipeline('p', { outputs: { slow } }).run({}, { clock, sinks: [sink] }));

    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT', retryable: true } });
    expect(sink.of('stage.failed')).toMatchObject([{ error: { code: 'SF_STAGE_TIMEOUT', retryable: true } }]);
    expect(sink.of('run.failed')).toMatchObject([{ error: { code: 'SF_STAGE_TIMEOUT', retryable: true } }]);
  });
});

describe('a cancel from outside', () => {
  test.each([
    ['that obeys', 'aborts at 5', (ms: number, clock: VirtualClock, signal: AbortSignal) => clock.sleep(ms, signal)],
    ['that goes on to its end', 'aborts at 5', (ms: number, clock: VirtualClock) => clock.sleep(ms)],
  ])('[D2] aborts the last stage at once, one %s included, and the run ends cancelled', async (_, said, work) => {
    const clock = virtualClock();
    const caller = new AbortController();
    const log: string[] = [];
    const last = stage('last', {
      run: async (_values, { signal }) => {
        signal.addEventListener('abort', () => log.push(`aborts at ${clock.monotonic()}`));
        await work(20, clock, signal);
      },
    });
    clock.schedule(() => caller.abort('left'), 5);
    const run = await clock.settle(pipeline('p', { outputs: { last } }).run({}, { clock, signal: caller.signal }));

    expect(log).toEqual([said]);
    expect(run).toMatchObject({ status: 'cancelled', reason: 'left' });
  });

  test('[D2] by the handle ends the run cancelled, also before its first stage', async () => {
    const clock = virtualClock();
    const p = pipeline('p', { outputs: { it: stage('it', { run: (_, { signal }) => clock.sleep(20, signal) }) } });
    const runtime = createRuntime({ pipelines: [p], clock });
    const late = runtime.start(p, {});
    const early = runtime.start(p, {});
    early.cancel('never mind');
    clock.schedule(() => late.cancel('enough'), 5);

    expect(await clock.settle(late.result)).toMatchObject({ status: 'cancelled', reason: 'enough', elapsedMs: 5 });
    expect(await early.result).toMatchObject({ status: 'cancelled', reason: 'never mind', counts: { cancelled: 1 } });
  });

  test('[D3] of a run whose caller gave up aborts every stage, and starts none where it came first', async () => {
    const clock = virtualClock();
    const log: string[] = [];
    const [one, two] = ['one', 'two'].map((name) => stage(name, { run: working(clock, log, { ms: 50 }) }));
    const p = pipeline('p', { outputs: { one: one as NonNullable<typeof one>, two: two as NonNullable<typeof two> } });
    const caller = new AbortController();
    clock.schedule(() => caller.abort(), 5);
    const given = await clock.settle(p.run({}, { clock, signal: caller.signal }));

    expect([given.status, given.counts.cancelled, clock.pending]).toEqual(['cancelled', 2, 0]);
    expect(log.filter((line) => line.includes('aborts'))).toEqual(['one aborts at 5', 'two aborts at 5']);

    log.length = 0;
    const never = await clock.settle(p.run({}, { clock, signal: AbortSignal.abort('too late') }));
    expect([never.status, log]).toEqual(['cancelled', []]);
  });

  test('[D3] of all runs of a runtime that closes aborts them once its patience is at an end', async () => {
    const clock = virtualClock();
    const p = pipeline('p', { outputs: { it: stage('it', { run: (_, { signal }) => clock.sleep(60_000, signal) }) } });
    const runtime = createRuntime({ pipelines: [p], clock });
    const running = runtime.run(p, {});
    await clock.settle(runtime.close({ graceMs: 100 }));

    expect(await running).toMatchObject({ status: 'cancelled', elapsedMs: 100 });
    expect([runtime.activeRuns, clock.pending]).toEqual([0, 0]);
  });
});

describe('retrying', () => {
  test('[D8] five attempts are five calls: four that fail and one that succeeds', async () => {
    const clock = virtualClock();
    let calls = 0;
    const flaky = stage('flaky', {
      retry: { attempts: 5, baseMs: 10 },
      run: async () => {
        if (++calls < 5) throw new Error('not yet');
        return 'done';
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { flaky } }).run({}, { clock }));

    expect([run.status, run.outputs.flaky, calls, run.stages.get('flaky')?.attempts]).toEqual(['completed', 'done', 5, 5]);
  });

  test('[D9] a stage that asks to be called again is, after the wait it asked for, and not without a policy', async () => {
    const clock = virtualClock();
    const calls: number[] = [];
    const busy = (retry: { attempts: number } | undefined) =>
      stage('busy', {
        retry: retry && { ...retry, baseMs: 0 },
        run: (_, { elapsedMs, attempt }) => {
          calls.push(elapsedMs);
          return attempt === 1 ? retryLater(new Error('busy'), { afterMs: 300 }) : 'done';
        },
      });
    const again = await clock.settle(pipeline('p', { outputs: { busy: busy({ attempts: 2 }) } }).run({}, { clock }));
    expect([again.status, calls.splice(0)]).toEqual(['completed', [0, 300]]);

    const once = await clock.settle(pipeline('p', { outputs: { busy: busy(undefined) } }).run({}, { clock }));
    expect([once.status, calls]).toEqual(['failed', [0]]);
  });

  test('[D10] each attempt has its own timeout, and a timeout is worth another attempt', async () => {
    const clock = virtualClock();
    const ends: string[] = [];
    const slow = stage('slow', {
      timeoutMs: 100,
      graceMs: 0,
      retry: { attempts: 3, backoff: 'constant', baseMs: 50, jitter: 'none' },
      run: async (_, { attempt, signal }) => {
        signal.addEventListener('abort', () => ends.push(`${attempt} at ${clock.monotonic()}`));
        await clock.sleep(attempt < 3 ? 1_000 : 99, signal);
        return attempt;
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { slow } }).run({}, { clock }));

    expect(run).toMatchObject({ status: 'completed', outputs: { slow: 3 }, elapsedMs: 100 + 50 + 100 + 50 + 99 });
    expect(ends).toEqual(['1 at 100', '2 at 250']);
  });
});

describe('failing closed', () => {
  const { text } = inputs<{ text: string }>();

  test.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('filter is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('filter is down')) as never],
    ['says nothing', () => undefined as never],
    ['says true', () => true as never],
    ['skips', () => skip('no opinion') as never],
  ])('[D5] a guard that %s blocks the run, and nothing behind it runs', async (_, check) => {
    const safe = guard('safe', { subject: text, check });
    let ran = false;
    const behind = stage('behind', {
      needs: { safe },
      run: () => {
        ran = true;
      },
    });
    const run = await pipeline('p', { outputs: { behind } }).run({ text: 'hello' });

    expect(run).toMatchObject({ status: 'blocked', blockedBy: 'safe', errors: [{ code: 'SF_GUARD_FAILED' }] });
    expect([run.stages.get('behind')?.status, ran]).toEqual(['skipped', false]);
  });

  test('[D5] a guard that passes lets its subject on, and one that blocks says why', async () => {
    const judged = (verdict: ReturnType<typeof pass> | ReturnType<typeof block>) => {
      const safe = guard('safe', { subject: text, check: () => verdict });
      return pipeline('p', { outputs: { behind: stage('behind', { needs: { safe }, run: ({ safe: passed }) => passed }) } }).run({
        text: 'hello',
      });
    };

    expect(await judged(pass())).toMatchObject({ status: 'completed', outputs: { behind: 'hello' } });
    expect(await judged(block('rude'))).toMatchObject({ status: 'blocked', reason: 'rude', blockedBy: 'safe', errors: [] });
  });
});

describe('skipping', () => {
  test('[D13] reaches what stands behind at any distance, unless it says that it can do without', async () => {
    const left = stage('left', { run: () => skip('not today') });
    const near = stage('near', { needs: { left }, run: () => 'near' });
    const far = stage('far', { needs: { near }, run: () => 'far' });
    const without = stage('without', { needs: { far: optional(far) }, run: ({ far: value }) => value ?? 'without' });
    const knows = stage('knows', { needs: { near: settled(near) }, run: ({ near: { status } }) => status });
    const run = await pipeline('p', { outputs: { far, without, knows } }).run({});

    expect(run).toMatchObject({ status: 'completed', outputs: { far: undefined, without: 'without', knows: 'skipped' } });
    expect([...run.stages.values()].map(({ stage: name, status }) => `${name} ${status}`)).toEqual([
      'left skipped',
      'near skipped',
      'far skipped',
      'without completed',
      'knows completed',
    ]);
    expect(run.stages.get('far')?.outcome).toEqual({ status: 'skipped', reason: '"near" was skipped' });
  });
});

describe('events', () => {
  test('[D15] tell of the run and of each stage, numbered without a gap, to a sink and to a reader alike', async () => {
    const sink = recordingSink();
    const one = stage('one', { run: async () => 1 });
    const two = stage('two', { needs: { one }, run: () => skip('enough') });
    const p = pipeline('p', { outputs: { one, two } });
    const runtime = createRuntime({ pipelines: [p], sinks: [sink] });
    const handle = runtime.start(p, {});
    const read: RunEvent[] = [];
    for await (const event of handle.events()) read.push(event);
    await runtime.close();

    expect(read.map(({ type }) => type)).toEqual([
      'run.created',
      'run.started',
      'stage.started',
      'stage.completed',
      'stage.started',
      'stage.skipped',
      'run.completed',
    ]);
    expect(read.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(sink.events).toEqual(read);
  });

  test('[D16] to a sink that throws change nothing for the run, and the failures are counted', async () => {
    const broken: EventSink = {
      name: 'broken',
      emit: () => {
        throw new Error('disk full');
      },
    };
    const p = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });
    const runtime = createRuntime({ pipelines: [p], sinks: [broken] });
    const run = await runtime.run(p, {});
    await runtime.close();

    expect(run).toMatchObject({ status: 'completed', outputs: { it: 1 }, errors: [] });
    expect(runtime.sinks['broken']).toEqual({ delivered: 0, dropped: 0, failed: 5 });
  });

  test('[D17] go nowhere where the list of sinks is empty', async () => {
    const p = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });
    const runtime = createRuntime({ pipelines: [p], sinks: [] });

    expect((await runtime.run(p, {}, { sinks: [] })).status).toBe('completed');
    expect(runtime.sinks).toEqual({});
  });

  test('[D23] that a sink accepted are delivered when the runtime closes, whatever the sink throws, within the grace', async () => {
    const clock = virtualClock();
    const delivered: number[] = [];
    const grumbling: EventSink = {
      name: 'grumbling',
      emit: async ({ seq }) => {
        await clock.sleep(10);
        delivered.push(seq);
        if (seq % 2 === 0) throw new Error('no');
      },
      flush: () => Promise.reject(new Error('no')),
    };
    const hanging: EventSink = { name: 'hanging', emit: () => new Promise(() => {}) };
    const p = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } });
    const patient = createRuntime({ pipelines: [p], sinks: [grumbling], clock });
    await clock.settle(patient.run(p, {}));
    await clock.settle(patient.close());
    expect([delivered, patient.sinks['grumbling']]).toEqual([[1, 2, 3, 4, 5], { delivered: 3, dropped: 0, failed: 2 }]);

    const stuck = createRuntime({ pipelines: [p], sinks: [hanging], clock });
    await clock.settle(stuck.run(p, {}));
    const before = clock.monotonic();
    await clock.settle(stuck.close({ graceMs: 500 }));
    expect(clock.monotonic() - before).toBe(500);
  });

  test("[D24] of a run with a parent carry the parent's id", async () => {
    const sink = recordingSink();
    await pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } }).run({}, { parentRunId: 'r-0', sinks: [sink] });

    expect(sink.events.map(({ parentRunId }) => parentRunId)).toEqual(Array(5).fill('r-0'));
  });
});

describe('the graph', () => {
  test('[D19] gives a stage no way to a value it did not declare', async () => {
    const one = stage('one', { run: () => 'secret' });
    const root = stage('root', { run: (values) => Reflect.get(values, 'one') ?? Object.keys(values) });
    const run = await pipeline('p', { outputs: { root }, also: { one } }).run({});
    expect(run.outputs).toEqual({ root: [] });

    const define = (needs: string) =>
      definePipeline({
        name: 'p',
        stages: [
          { name: 'root', needs: { it: needs }, run: () => 1 },
          { name: 'one', run: () => 1 },
        ],
        outputs: { root: 'root', one: 'one' },
      });
    expect(() => define('on')).toThrow(expect.objectContaining({ code: 'SF_PLAN_INVALID' }));
    expect(() => define('one')).not.toThrow();
  });

  test('[D20] gives values in the order declared and results in the order of the plan, whichever was done first', async () => {
    const clock = virtualClock();
    const [slow, mid, fast] = [30, 20, 10].map((ms) => stage(`after-${ms}`, { run: () => clock.sleep(ms).then(() => ms) }));
    const needs = { slow, mid, fast } as { [K in 'slow' | 'mid' | 'fast']: NonNullable<typeof slow> };
    const join = stage('join', { needs, run: (values) => Object.entries(values) });
    const run = await clock.settle(pipeline('p', { outputs: { join, ...needs } }).run({}, { clock }));

    expect(run.outputs.join).toEqual([
      ['slow', 30],
      ['mid', 20],
      ['fast', 10],
    ]);
    expect([...run.stages.keys()]).toEqual(['after-30', 'after-20', 'after-10', 'join']);
    expect(Object.keys(run.outputs)).toEqual(['join', 'slow', 'mid', 'fast']);
  });

  /** A chain written by reference, and the same from data. */
  const chains = {
    'by reference': (length: number) => {
      let last: Stage<number, never, never> = stage('s0', { run: () => 0 });
      for (let index = 1; index < length; index++) last = stage(`s${index}`, { needs: { before: last }, run: ({ before }) => before + 1 });
      return pipeline('chain', { outputs: { last } });
    },
    'from data': (length: number) => {
      const run = ({ before = -1 }: { readonly before?: number }) => before + 1;
      const needs = (index: number) => (index === 0 ? {} : { before: `s${index - 1}` });
      const stages = Array.from({ length }, (_, index) => ({ name: `s${index}`, needs: needs(index), run }));
      return definePipeline({ name: 'chain', stages, outputs: { last: `s${length - 1}` } });
    },
  };
  const bothWays = Object.entries(chains);

  test.each(bothWays)('[D21] may be a hundred thousand stages deep, %s', { timeout: 60_000 }, async (_, chain) => {
    expect((await chain(100_000).run({})).outputs).toEqual({ last: 99_999 });
  });
});

describe('the run', () => {
  const it = stage('it', { run: (_, { runId }) => runId });
  const p = pipeline('p', { outputs: { it } });

  test('[D27] has an id, which sorts by time, unless it is given one', async () => {
    const [first, second] = [await p.runOrThrow({}), await p.runOrThrow({})];

    expect(first.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([first.outputs.it, first.identity.runId]).toEqual([first.runId, first.runId]);
    expect(first.runId).not.toBe(second.runId);
    expect(first.runId.slice(0, 13) <= second.runId.slice(0, 13)).toBe(true);
    expect((await p.run({}, { runId: 'mine' })).runId).toBe('mine');
  });

  test('[D28] runs a cleanup that a cleanup registers, and takes any function as one', async () => {
    const order: string[] = [];
    class Connection {
      readonly #name = 'method';
      close() {
        order.push(this.#name);
      }
    }
    const connection = new Connection();
    const registers = stage('registers', {
      run: (_, context) => {
        context.defer(connection.close.bind(connection));
        context.defer(async () => void order.push('async'));
        context.defer(() => {
          order.push('outer');
          context.defer(() => void order.push('inner'));
        });
      },
    });
    const run = await pipeline('p', { outputs: { registers } }).run({});

    expect(order).toEqual(['outer', 'inner', 'async', 'method']);
    expect(run).toMatchObject({ status: 'completed', cleanupErrors: [] });
  });

  test('[D29] lets no reader change an output, or the identity and its metadata, under the development condition', async () => {
    const metadata = { plan: 'pro' };
    const give = stage('give', { run: () => ({ list: [1], map: { a: 1 } }) });
    const changes: [string, (value: { list: number[]; map: { a: number } }, context: StageContext) => unknown][] = [
      ['a member', (value) => Object.assign(value.map, { a: 2 })],
      ['a list', (value) => value.list.push(2)],
      ['the identity', (_, { identity }) => Object.assign(identity, { userId: 'root' })],
      ['the metadata', (_, { identity }) => Object.assign(identity.metadata, { plan: 'free' })],
    ];
    for (const [name, change] of changes) {
      const reader = stage('reader', { needs: { give }, run: ({ give: value }, context) => void change(value, context) });
      const run = await pipeline('p', { outputs: { give, reader } }).run({}, { userId: 'me', metadata });
      expect([name, run.errors.map(({ path, cause }) => [path, cause instanceof TypeError])]).toEqual([name, [['reader', true]]]);
      expect(run.outputs.give).toEqual({ list: [1], map: { a: 1 } });
      expect(run.identity).toMatchObject({ userId: 'me', metadata: { plan: 'pro' } });
    }
    expect(metadata).toEqual({ plan: 'pro' });
  });
});
